"""Carries out the calls that connectors describe; every failure becomes one of our errors."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

from sync_platform import spec
from sync_platform.engine.ports import Clock, Secret
from sync_platform.engine.results import Usage
from sync_platform.errors import (
    ConfigurationError,
    RateLimited,
    Refused,
    RetryLater,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.spec import Asked, Connector, Json, OutboundChange, Read, Request
from sync_platform.transport.address import Address
from sync_platform.transport.answers import csv_of, decoded, encoded, form_encoded
from sync_platform.transport.call import Answer, Lost, Timeouts, TooLarge, Unsendable
from sync_platform.transport.clock import pause
from sync_platform.transport.failures import Failures
from sync_platform.transport.line import Line
from sync_platform.transport.pace import asked_to_wait, until_reset
from sync_platform.transport.retry import Failed, Patience, patiently
from sync_platform.transport.sign import Found, Proof, Signing
from sync_platform.transport.throttle import RateLimiter
from sync_platform.transport.url import Url

log = logging.getLogger("sync_platform.calls")

LARGEST_ANSWER = 256 * 2**20  # bytes, decompressed
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 5


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A described call with its late values filled in."""

    method: str
    url: Url
    headers: Mapping[str, str]
    content: bytes | None
    repeatable: bool
    change: bool
    csv: bool  # how the answer is read
    columns: Sequence[str]  # of CSV, in its header line


class HttpApi:
    """The Api of one connection, for the length of one sync. Close it; it closes its limiter.

    `secret` is asked when first needed, again once what it gave is `due`, and once more at a 401,
    unless `refresh` makes a fresh one out of the refused; where it only `Found` one that is refused
    as well, it is asked once more. Raises ConfigurationError where `base_url` is not https; one on
    loopback may be http, and one of the hosts of `allow_http`.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        connection: str,
        base_url: str,
        secret: Callable[[], Secret],
        settings: Mapping[str, str],
        limiter: RateLimiter,
        clock: Clock,
        refresh: Callable[[Secret], Secret] | None = None,
        due: Callable[[Secret], bool] | None = None,
        patience: Patience | None = None,
        timeouts: Timeouts | None = None,
        largest_answer: int = LARGEST_ANSWER,
        allow_http: Collection[str] = (),
    ) -> None:
        self._connection, self._label = connection, connector.label
        self._settings, self._limiter, self._clock = settings, limiter, clock
        self._patience, self._largest = patience or Patience(), largest_answer
        self._told: tuple[Callable[[], None], ...] = ()

        def read() -> Secret:  # of what else may take long, a call has gone out before
            self._tell()
            return secret()

        self._signing = Signing(connector, connection, read, refresh, due)
        self._failures = Failures(
            label=connector.label,
            connection=connection,
            scrub=self._signing.scrub,
            means=connector.means,
            says=connector.says,
        )
        given = connector.headers
        self._headers = _small(given(settings) if callable(given) else given)
        self._address = Address(
            base_url, label=connector.label, connection=connection, allow_http=allow_http
        )
        self._line = Line(
            timeouts=timeouts or Timeouts(),
            largest=largest_answer,
            to=self._address.base,
            sent=self._tell,
        )
        self._closed = Event()
        self._lock = Lock()
        self._pages = 0

    def get(self, path: str, **params: str) -> Json:
        """The decoded answer of a GET."""
        return self.send(Request(method="GET", path=path, params=params))

    def send(self, request: Request, asked: Asked = None) -> Json:
        """The decoded answer of a described call; None where the answer has no body.

        Waits for the rate limits and between tries. Raises RateLimited or VendorUnavailable when
        its tries are spent, NeedsReauth, NotPermitted, RecordRejected (for a change), Refused,
        ConfigurationError, and UnexpectedResponse for everything else.
        """
        return self.ask(request, asked).body

    def ask(self, request: Request, asked: Asked = None) -> spec.Answer:
        """As `send`, with the answer's headers."""
        self._signing.secret()  # from here on, no message can hold it
        call = self._described(request, asked)
        answer = patiently(lambda: self._try(call), self._patience, self._sleep)
        if isinstance(asked, Read):
            with self._lock:
                self._pages += 1
        return answer

    def pause(self, seconds: float) -> None:
        """Let time pass; raises VendorUnavailable where the api is closed meanwhile."""
        self._sleep(seconds)

    @property
    def settings(self) -> Mapping[str, str]:
        """The connection's settings."""
        return self._settings

    @property
    def usage(self) -> Usage:
        """Calls made (every try), bytes of their answers, and answers to reads, so far."""
        return Usage(calls=self._line.calls, bytes=self._line.bytes, pages=self._pages)

    @contextmanager
    def telling(self, sent: Callable[[], None]) -> Iterator[None]:
        """In the block, `sent` is called by whoever begins to wait: for the answer to a call that
        has gone out, for a rate limit, for another try or for a sign-in that is renewed."""
        with self._lock:
            self._told = (*self._told, sent)
        try:
            yield
        finally:
            with self._lock:
                self._told = tuple(each for each in self._told if each is not sent)

    def _tell(self) -> None:
        for sent in self._told:
            sent()

    def close(self) -> None:
        """Let go of connections and wake whatever waits in a call, which then raises."""
        self._closed.set()
        self._limiter.close()
        self._line.close()

    def _described(self, request: Request, asked: Asked) -> _Call:
        if isinstance(asked, OutboundChange) and request.at_once > 1:
            asked = [asked]
        params = request.params(asked) if callable(request.params) else request.params
        headers = request.headers(asked) if callable(request.headers) else request.headers
        json = request.json(asked) if callable(request.json) else request.json
        form = request.form(asked) if callable(request.form) else request.form
        change = asked is not None and not isinstance(asked, Read)
        values: dict[str, Any] = dict(self._settings)
        if isinstance(asked, Read):
            values |= asked.settings
        elif isinstance(asked, OutboundChange):
            values = {**asked.values, **values, **asked.settings, "key": asked.key}
        url = self._address.of(request.path, params or {}, values)
        try:
            content = None if json is None else encoded(json)
        except TypeError as error:
            raise Refused(f"A value cannot be sent to {self._label}: {error}.") from error
        kind = "application/json"
        if form is not None:
            content, kind = form_encoded(form), "application/x-www-form-urlencoded"
        given = self._headers | _small(headers)
        sent = {name: str(value) for name, value in given.items() if value is not None}
        if request.answers == "csv":
            sent.setdefault("accept", "text/csv")
        if content is not None:
            sent.setdefault("content-type", kind)
        return _Call(
            method=request.method,
            url=url,
            headers=sent,
            content=content,
            repeatable=request.repeatable,
            change=change,
            csv=request.answers == "csv",
            columns=request.columns,
        )

    def _what(self, call: _Call) -> str:
        """The call for messages: "GET /owners"."""
        return self._signing.scrub(f"{call.method} {self._address.path_of(call.url)}")

    def _try(self, call: _Call) -> spec.Answer:
        """One try; raises Failed where another may be made, and our errors where none may."""
        answer = self._signed(call)
        if not 200 <= answer.status < 300:
            raise self._refused(call, answer)
        try:
            body: Json = csv_of(answer, call.columns) if call.csv else decoded(answer.body)
        except ValueError as error:
            why = self._signing.scrub(str(error)) if call.csv else "is not JSON"
            shown = self._address.plain(call.url)
            unreadable = self._failures.unreadable(self._what(call), answer, why, url=shown)
            raise Failed(unreadable, again=call.repeatable) from error
        return spec.Answer(body, answer.headers)

    def _signed(self, call: _Call) -> Answer:
        """The answer to the call; where its secret is refused, with another one. No call is signed
        with more than one that is renewed for it: a vendor may refuse every secret there is."""
        refused = self._failures.sign_in_refused
        secret = self._signing.secret()
        answer = self._exchange(call, self._signing.proof(secret))
        if refused(answer) and (other := self._signing.renewed(secret)):
            answer = self._exchange(call, self._signing.proof(other))
            if isinstance(other, Found) and refused(answer):
                fresh = self._signing.renewed(other)
                answer = self._exchange(call, self._signing.proof(fresh)) if fresh else answer
        return answer

    def _refused(self, call: _Call, answer: Answer) -> Failed:
        shown = self._address.plain(call.url)
        error = self._failures.refused(self._what(call), answer, url=shown, change=call.change)
        asked = None
        if isinstance(error, RetryLater):
            now = self._clock.now()
            asked = asked_to_wait(answer.headers, now)
            if asked is None and self._failures.limited(answer):
                asked = until_reset(answer.headers, now)
            error.retry_after = asked
            if isinstance(error, RateLimited) and asked is None:
                error.retry_after = self._patience.longest
        again = self._failures.limited(answer) or (
            call.repeatable and self._failures.passing(answer)
        )
        return Failed(error, again=again, asked=asked)

    def _exchange(self, call: _Call, proof: Proof) -> Answer:
        """One call and its answer; a GET follows redirects that stay with the vendor."""
        url = call.url
        for _ in range(1 + MOST_REDIRECTS):
            answer = self._once(call, url, proof)
            location = answer.headers.get("location")
            if call.method != "GET" or answer.status not in REDIRECTS or not location:
                return answer
            url = self._address.redirected(url, location)
        raise UnexpectedResponse(
            f"{self._label} redirects {self._what(call)} more than {MOST_REDIRECTS} times.",
            evidence=self._failures.evidence(self._what(call), self._address.plain(call.url)),
        )

    def _once(self, call: _Call, url: Url, proof: Proof) -> Answer:
        path = self._address.path_of(url)
        self._limiter.wait(path, urgent=call.change, waiting=self._tell)
        try:
            answer = self._line.exchange(
                call.method, url.target, headers=call.headers, content=call.content, proof=proof
            )
        except Lost as lost:
            raise self._lost(call, url, lost) from lost.__cause__
        except TooLarge:
            what, shown = self._what(call), self._address.plain(url)
            raise self._failures.too_large(what, self._largest, url=shown) from None
        except Unsendable:
            raise ConfigurationError(
                f"{self._what(call)} was not sent to {self._label}: a header holds characters that "
                f"HTTP cannot carry. Mend the connector or the settings of {self._connection}."
            ) from None
        if log.isEnabledFor(logging.DEBUG):
            shown, size = self._address.plain(url), len(answer.body)
            log.debug("%s %s: HTTP %s, %s bytes", call.method, shown, answer.status, size)
        self._limiter.heed(path, answer.headers, limited=self._failures.limited(answer))
        return answer

    def _lost(self, call: _Call, url: Url, lost: Lost) -> Failed:
        what, shown = self._what(call), self._address.plain(url)
        error = self._failures.lost(what, lost, url=shown, repeatable=call.repeatable)
        again = (call.repeatable or not lost.reached) and not self._closed.is_set()
        return Failed(error, again=again)

    def _sleep(self, seconds: float) -> None:
        self._tell()
        if not pause(self._clock, seconds, self._closed):
            raise VendorUnavailable(
                f"A call to {self._label} was given up, because the sync of {self._connection} "
                "ended."
            )


def _small(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Headers by their names in small letters, so that none is sent twice."""
    return {name.lower(): value for name, value in headers.items()}
