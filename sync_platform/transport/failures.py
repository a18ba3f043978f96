"""Turns what went wrong with a call into our errors: a sentence for people, evidence for us."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sync_platform.errors import (
    AskedTooMuch,
    NeedsReauth,
    NotPermitted,
    PageForgotten,
    QueryRefused,
    RateLimited,
    RecordRejected,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.spec import Json, Meaning
from sync_platform.spec.connector import no_meaning, no_words
from sync_platform.transport.answers import (
    EVIDENCE,
    SENTENCE,
    decoded,
    request_id,
    shortened,
    vendor_sentence,
)
from sync_platform.transport.call import Answer, Lost

PASSING = (408, 425, *(status for status in range(500, 600) if status not in (501, 505)))
NOT_ALLOWED = (402, 403)
PLANS_END = (402, 429)  # no right is missing: what was paid for is used up
REJECTED = (400, 404, 409, 410, 412, 413, 422, 423)  # of a change; of a read they are a surprise
KINDS: dict[Meaning | None, type[UnexpectedResponse]] = {
    "too_much": AskedTooMuch,
    "page_forgotten": PageForgotten,
}


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Says what went wrong with a connection's calls. `scrub` takes secrets out of a text."""

    label: str  # the vendor's
    connection: str
    scrub: Callable[[str], str]
    means: Callable[[int, Json], Meaning | None] = no_meaning
    says: Callable[[Json], str | None] = no_words

    def limited(self, answer: Answer) -> bool:
        """Whether the answer says that we called too often; some vendors say it with a 403, and
        some say something else with a 429."""
        if answer.status < 400:
            return False
        if meaning := self.meaning(answer):
            return meaning == "rate_limited"
        return answer.status == 429 or (answer.status == 403 and "retry-after" in answer.headers)

    def passing(self, answer: Answer) -> bool:
        """Whether the same call may well succeed a little later."""
        meaning = self.meaning(answer)
        return meaning == "unavailable" or (meaning is None and answer.status in PASSING)

    def sign_in_refused(self, answer: Answer) -> bool:
        """Whether the vendor does not accept the sign-in (any more)."""
        meaning = self.meaning(answer) if answer.status >= 400 else None
        return meaning == "sign_in_refused" or (meaning is None and answer.status == 401)

    def meaning(self, answer: Answer) -> Meaning | None:
        """What the connector says that an answer means which is no success."""
        return self.means(answer.status, _body(answer))

    def refused(self, what: str, answer: Answer, *, url: str, change: bool) -> SyncPlatformError:
        """The error for an answer that is no success; `what` is the call, such as "GET /owners"."""
        sentence = self._said(answer)
        evidence = self.evidence(what, url, answer)
        status, meaning = answer.status, self.meaning(answer)
        if self.limited(answer):
            return RateLimited(
                f"{self.label} asks {self.connection} to call less often. It goes on later.",
                evidence=evidence,
            )
        if self.sign_in_refused(answer):
            return NeedsReauth(
                f"{self.label} no longer accepts this sign-in. Reconnect {self.connection}.",
                evidence=evidence,
            )
        if meaning == "not_permitted" or (meaning is None and status in NOT_ALLOWED):
            mend = "Mend that" if status in PLANS_END else "Give its account that right"
            return NotPermitted(
                f"{self.label} does not permit {what} to {self.connection}"
                f"{f': {sentence}' if sentence else '.'} {mend} in {self.label}, then resume "
                f"{self.connection}.",
                evidence=evidence,
            )
        if self.passing(answer):
            return VendorUnavailable(
                f"{self.label} cannot answer {what} at the moment (HTTP {status})"
                f"{f': {sentence}' if sentence else '.'} It will be tried again later.",
                evidence=evidence,
            )
        if change and (status in REJECTED or meaning == "rejected"):
            return RecordRejected(
                f"{self.label} did not take the change: "
                f"{sentence or f'it answered HTTP {status} without a reason.'}",
                evidence=evidence,
            )
        because = f": {sentence}" if sentence else "."
        said = f"{self.label} answered HTTP {status} to {what}{because}"
        sorry = "Nothing was done with it. If this goes on, the connector must be mended."
        if meaning == "query_refused":
            return QueryRefused(f"{said} {sorry}", said=said, evidence=evidence)
        return KINDS.get(meaning, UnexpectedResponse)(f"{said} {sorry}", evidence=evidence)

    def lost(self, what: str, lost: Lost, *, url: str, repeatable: bool) -> VendorUnavailable:
        """The error for a call whose answer never came."""
        cause = lost.__cause__
        evidence = self.evidence(what, url) | {
            "cause": self.scrub(f"{type(cause).__name__}: {cause}") if cause else None
        }
        after = (
            "It will be tried again later."
            if repeatable or not lost.reached
            else f"The change may have been made: look in {self.label} before making it again."
        )
        return VendorUnavailable(f"{self.label} {lost.how} ({what}). {after}", evidence=evidence)

    def unreadable(self, what: str, answer: Answer, why: str, *, url: str) -> UnexpectedResponse:
        """The error for a success whose body cannot be used; `why` goes on after "that"."""
        return UnexpectedResponse(
            f"{self.label} answered {what} with a body that {why}.",
            evidence=self.evidence(what, url, answer),
        )

    def too_large(self, what: str, largest: int, *, url: str) -> UnexpectedResponse:
        """The error for an answer of more than `largest` bytes."""
        return UnexpectedResponse(
            f"{self.label} answered {what} with more than {largest / 2**20:,.6g} MiB, which is "
            "more than is read at once. Ask for fewer records a page.",
            evidence=self.evidence(what, url),
        )

    def evidence(self, what: str, url: str, answer: Answer | None = None) -> dict[str, Any]:
        """What happened, for us, without secrets; the url has no query."""
        found: dict[str, Any] = {"method": what.split(" ")[0], "url": self.scrub(url)}
        if answer is not None:
            body = self.scrub(answer.body.decode("utf-8", "replace"))
            found |= {"status": answer.status, "body": body[:EVIDENCE]}
            if found_id := request_id(answer.headers):
                found["request_id"] = self.scrub(found_id)
        return found

    def _said(self, answer: Answer) -> str | None:
        """The vendor's sentence, ending as one."""
        own = self.says(_body(answer))
        sentence = (
            shortened(self.scrub(own), SENTENCE)
            if own
            else vendor_sentence(answer.body, self.scrub)
        )
        return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."


def _body(answer: Answer) -> Json:
    """What was answered, decoded; None where it is no JSON."""
    try:
        return decoded(answer.body)
    except ValueError:
        return None
