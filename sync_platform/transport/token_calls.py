"""One call of a token endpoint: made, tried again where that does no harm, and understood.

Redirects are not followed: what goes there is worth more than what any other call carries.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit, urlunsplit

from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]

from sync_platform.engine.ports import Clock, OAuthClient
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    RateLimited,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.spec import Json
from sync_platform.spec.auth import ClientSentIn, Url
from sync_platform.transport import token_answers
from sync_platform.transport.answers import request_id
from sync_platform.transport.call import Answer, Lost, Timeouts, TooLarge, Unsendable
from sync_platform.transport.endpoints import Endpoints
from sync_platform.transport.failures import PASSING
from sync_platform.transport.line import Line
from sync_platform.transport.pace import asked_to_wait
from sync_platform.transport.retry import Failed, Patience, patiently
from sync_platform.transport.sign import written
from sync_platform.transport.token_answers import No
from sync_platform.transport.url import parsed

TIMEOUTS = Timeouts(connect=10.0, read=20.0, write=10.0, answer=30.0)
PATIENCE = Patience(tries=3, shortest=0.5, longest=2.0, asked=5.0, altogether=8.0)
NO_NEW_TRY_AFTER = 20.0  # seconds: whoever renews holds a lock that others wait for
LARGEST = 2**20  # bytes of an answer
METHODS = {
    "body": "client_secret_post",
    "header": "client_secret_basic",
    "secret": "client_secret_basic",
}
Made = TypeVar("Made")


class TokenCall:
    """A call of an endpoint; raises ConfigurationError where its address cannot be used.

    `hidden` must not be in any message. `doing` goes on after "while"; `ended` is the sentence
    where what we show is not accepted. `own_client`: the client is the connection's own, not ours.
    `again`: an answer that was lost may be asked for once more.
    """

    def __init__(
        self,
        given: Url,
        endpoints: Endpoints,
        clock: Clock,
        *,
        hidden: Mapping[str, Any],
        doing: str,
        ended: str,
        own_client: bool = False,
        again: bool = True,
    ) -> None:
        self._url, self._endpoints, self._clock = endpoints.of(given), endpoints, clock
        self._doing, self._ended, self._own, self._again = doing, ended, own_client, again
        self._hidden = set(written(hidden))
        self._began = monotonic()

    def given(
        self,
        form: str,
        client: OAuthClient | None,
        sent_in: ClientSentIn,
        access_lasts: timedelta | None = None,
    ) -> tuple[token_answers.Given, float]:
        """What the vendor gives for a form, and when it was asked for it, in seconds since 1970.

        Raises NeedsReauth, ConfigurationError, RateLimited, VendorUnavailable, UnexpectedResponse.
        """

        def attempt() -> tuple[token_answers.Given, float]:
            asked_at = self._clock.now().timestamp()
            answer = self._once(form, client, sent_in)
            body = token_answers.parsed(answer)
            given = None
            if 200 <= answer.status < 300 and not token_answers.says_no(body):
                given = token_answers.given(body, asked_at, access_lasts)
            return (given, asked_at) if given else self._refused(answer, body)

        return self._patiently(attempt)

    def agreed(self, form: str, client: OAuthClient | None, sent_in: ClientSentIn) -> bool:
        """Whether the vendor says yes, where it gives nothing."""

        def attempt() -> bool:
            answer = self._once(form, client, sent_in)
            if answer.status in PASSING or _limited(answer):
                self._refused(answer, None)
            return 200 <= answer.status < 300

        return self._patiently(attempt)

    def _patiently(self, attempt: Callable[[], Made]) -> Made:
        self._began = monotonic()
        return patiently(attempt, PATIENCE, self._clock.sleep)

    def _once(self, form: str, client: OAuthClient | None, sent_in: ClientSentIn) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if client is not None:
            headers, form = self._signed(client, sent_in, headers, form)
        url = parsed(self._url)
        line = Line(timeouts=TIMEOUTS, largest=LARGEST, to=url)
        label = self._endpoints.label
        try:
            return line.exchange(
                "POST",
                url.target,
                headers={name.lower(): value for name, value in headers.items()},
                content=form.encode(),
            )
        except Lost as lost:
            error = VendorUnavailable(
                f"{label} {lost.how} while {self._doing}. It will be tried again later.",
                evidence=self._evidence(None)
                | {"cause": self._scrub(f"{type(lost.__cause__).__name__}: {lost.__cause__}")},
            )
            raise self._failed(error, again=self._again or not lost.reached) from lost.__cause__
        except TooLarge:
            raise UnexpectedResponse(
                f"{label} answered with more than 1 MiB while {self._doing}.",
                evidence=self._evidence(None),
            ) from None
        except Unsendable:
            raise self._unsendable() from None
        finally:
            line.close()

    def _signed(
        self,
        client: OAuthClient,
        sent_in: ClientSentIn,
        headers: dict[str, str],
        form: str,
    ) -> tuple[dict[str, str], str]:
        if not (client.client_id + client.client_secret).isascii():
            raise self._unsendable()
        user, password = client.client_id, client.client_secret
        if sent_in == "secret":
            user, password = client.client_secret, ""
        auth = ClientAuth(user, password, METHODS[sent_in])
        _, headers, form = auth.prepare("POST", self._url, headers, form)
        pair = f"{user}:{password}"
        self._hidden.add(base64.b64encode(pair.encode()).decode())
        return headers, form

    def _refused(self, answer: Answer, body: Json) -> NoReturn:
        """Raises what an answer without a token means."""
        refusal = token_answers.refusal(answer, body, self._scrub)
        label, said = self._endpoints.label, refusal.sentence or refusal.code
        because = f": {said}" if said else "."
        because = because if because[-1] in ".!?…" else f"{because}."
        evidence = self._evidence(answer) | {
            "error": refusal.code,
            "error_description": refusal.sentence,
        }
        error: SyncPlatformError
        if answer.status in PASSING or _limited(answer) or refusal.no is No.LATER:
            asked = asked_to_wait(answer.headers, self._clock.now())
            retry: type[RateLimited | VendorUnavailable] = (
                VendorUnavailable if answer.status in PASSING else RateLimited
            )
            error = retry(
                f"{label} cannot answer at the moment while {self._doing} (HTTP {answer.status})"
                f"{because} It will be tried again later.",
                retry_after=asked,
                evidence=evidence,
            )
            raise self._failed(error, again=True, asked=asked)
        if refusal.no is No.GRANT or (refusal.no is No.CLIENT and self._own):
            evidence["said"] = said
            raise NeedsReauth(self._ended, evidence=evidence)
        if refusal.no is No.CLIENT:
            raise ConfigurationError(
                f"{label} did not accept our app while {self._doing}{because} Check "
                f"{self._endpoints.client}, and the redirect address that is registered there.",
                evidence=evidence,
            )
        if refusal.no is No.SCOPE:
            raise ConfigurationError(
                f"{label} does not give our app the scopes that were asked for{because} Allow them "
                f"in the app's settings at {label}.",
                evidence=evidence,
            )
        raise UnexpectedResponse(
            f"{label} answered HTTP {answer.status} without a token while {self._doing}{because} "
            "If this goes on, the connector must be mended.",
            evidence=evidence,
        )

    def _failed(
        self, error: SyncPlatformError, *, again: bool, asked: float | None = None
    ) -> Failed:
        in_time = monotonic() - self._began < NO_NEW_TRY_AFTER
        return Failed(error, again=again and in_time, asked=asked)

    def _unsendable(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self._endpoints.label} was not called: the client id or secret holds characters "
            f"that cannot be sent. Copy them again, whole, into {self._endpoints.client}."
        )

    def _evidence(self, answer: Answer | None) -> dict[str, Any]:
        """For us; never the body, in which tokens may stand."""
        parts = urlsplit(self._url)
        shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        found: dict[str, Any] = {"method": "POST", "url": self._scrub(shown)}
        if answer is not None:
            found["status"] = answer.status
            if found_id := request_id(answer.headers):
                found["request_id"] = self._scrub(found_id)
        return found

    def _scrub(self, text: str) -> str:
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, "…")
        return text


def _limited(answer: Answer) -> bool:
    return answer.status == 429 or (answer.status == 403 and "retry-after" in answer.headers)
