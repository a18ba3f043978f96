"""Every error of the platform, grouped by what to do next.

SyncPlatformError
├── ConfigurationError     mend the settings or the declaration
│   ├── ConnectorFault         a connector's declaration is wrong
│   ├── UnknownConnector
│   ├── UnknownConnection
│   ├── UnknownObject
│   │   └── ObjectGone         it is chosen, but there no more
│   ├── UnknownSync
│   ├── UnknownPerson
│   └── UnknownApiKey
├── RetryLater             the platform waits and tries again
│   ├── RateLimited            .retry_after seconds
│   ├── VendorUnavailable      .retry_after seconds or None
│   ├── StoreUnavailable       our own Postgres cannot be reached, or somebody holds a table
│   ├── DagsterUnavailable     Dagster cannot be reached, or has not loaded our assets
│   ├── StillUnderWay          .retry_after seconds: the same call is being answered just now
│   └── TooManyAttempts        .retry_after seconds: sign-ins failed too often
├── NeedsPerson            someone must act in the vendor or on the connection
│   ├── NeedsReauth
│   ├── ConnectorMissing       the connection's connector is not there any more
│   ├── NotPermitted
│   └── ConnectionPaused
├── Refused                the caller asked what cannot be
│   ├── RecordRejected         the vendor would not take a change
│   ├── ReadOnlyObject
│   ├── AlreadySyncing
│   ├── LeaseLost              another sync took over; this one must stop
│   ├── SignedInAnew           the connection is another one by now; this sync must stop
│   ├── CircuitOpen
│   ├── TooManyDeletes
│   ├── IdempotencyKeyReused   for another body than the first time
│   ├── InvalidRequest         .errors: which parts of the request are wrong
│   ├── OtherAccount           signed in as another account than the connection's
│   ├── NotSignedIn            nobody known asks
│   ├── NotAllowed             this caller may not
│   └── TooLarge               the request's body is
└── Unexpected             our bug or theirs: stop, keep the evidence
    ├── UnexpectedResponse
    │   ├── AskedTooMuch       more at once than the vendor tells: ask for less
    │   ├── PageForgotten      the token for the next page is not good any more: read again
    │   └── QueryRefused       .said by the vendor of what it was asked, such as a formula
    ├── IncompleteRead         the vendor cut the read short: it proves no deletion
    └── RowDoesNotFit
"""

from collections.abc import Mapping
from typing import Any


class SyncPlatformError(Exception):
    """Something went wrong in the platform."""

    def __init__(self, message: str | None = None, *, evidence: Mapping[str, Any] | None = None):
        """`message` is for the person who owns the connection; `evidence` is for us. No secrets."""
        super().__init__(message or (self.__doc__ or "").strip())
        self.evidence: dict[str, Any] = dict(evidence or {})

    @property
    def code(self) -> str:
        """A stable name for machines: the class name in snake case."""
        name = type(self).__name__
        return "".join(
            f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name)
        )


class ConfigurationError(SyncPlatformError):
    """The settings or a declaration must be mended."""


class ConnectorFault(ConfigurationError):
    """A connector's declaration is wrong."""


class UnknownConnector(ConfigurationError):
    """There is no connector of that name."""


class UnknownConnection(ConfigurationError):
    """There is no connection of that name."""


class UnknownObject(ConfigurationError):
    """The connector has no object of that name."""


class ObjectGone(UnknownObject):
    """The object is chosen on its connection, but not there any more. Choose its objects anew."""


class UnknownPerson(ConfigurationError):
    """There is no such person."""


class UnknownApiKey(ConfigurationError):
    """There is no such API key."""


class UnknownSync(ConfigurationError):
    """There is no such sync on this connection, or it is not kept any more."""


class RetryLater(SyncPlatformError):
    """It will be tried again later."""

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after: float | None = None,
        evidence: Mapping[str, Any] | None = None,
    ):
        super().__init__(message, evidence=evidence)
        self.retry_after = retry_after


class RateLimited(RetryLater):
    """The vendor asks us to slow down."""


class VendorUnavailable(RetryLater):
    """The vendor could not be reached or could not answer."""


class StoreUnavailable(RetryLater):
    """The platform's own database cannot be reached."""


class TooManyAttempts(RetryLater):
    """Too many sign-ins failed; wait before trying again."""


class DagsterUnavailable(RetryLater):
    """Dagster, which runs the syncs, cannot be reached."""


class StillUnderWay(RetryLater):
    """The same call, sent before, is being answered just now. Try again in a moment."""


class NeedsPerson(SyncPlatformError):
    """Someone must act before this connection can go on."""


class NeedsReauth(NeedsPerson):
    """The vendor no longer accepts this sign-in. Reconnect."""


class ConnectorMissing(NeedsPerson):
    """The connector of this connection is not there any more."""


class NotPermitted(NeedsPerson):
    """The vendor does not permit this to the account that is connected."""


class ConnectionPaused(NeedsPerson):
    """The connection is paused."""


class Refused(SyncPlatformError):
    """That cannot be done."""


class RecordRejected(Refused):
    """The vendor would not take the change."""


class ReadOnlyObject(Refused):
    """The object cannot be written."""


class AlreadySyncing(Refused):
    """This object is being synced already."""


class LeaseLost(Refused):
    """Another sync of the same object has taken over; this one stops."""


class SignedInAnew(Refused):
    """The connection was signed in anew, for another account or address, while it was read."""


class CircuitOpen(Refused):
    """Automatic syncs are paused after failures, until a person resumes them."""


class TooManyDeletes(Refused):
    """The reconcile would delete too much, so nothing was marked."""


class OtherAccount(Refused):
    """This sign-in belongs to another account than the connection's data."""


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key was used for another request. Use a new key for every new request."""


class InvalidRequest(Refused):
    """The request is not as the API's document has it."""


class NotSignedIn(Refused):
    """Sign in first, or send an API key."""


class NotAllowed(Refused):
    """You may not do this."""


class TooLarge(Refused):
    """The request is too large."""


class Unexpected(SyncPlatformError):
    """Something that should not happen: a bug of ours or the vendor's."""


class UnexpectedResponse(Unexpected):
    """The vendor answered something that its documents do not describe."""


class AskedTooMuch(UnexpectedResponse):
    """That is more at once than the vendor tells."""


class PageForgotten(UnexpectedResponse):
    """The vendor does not know the next page any more; the read begins again."""


class QueryRefused(UnexpectedResponse):
    """The vendor does not understand what it was asked for."""

    def __init__(
        self,
        message: str | None = None,
        *,
        said: str = "",
        evidence: Mapping[str, Any] | None = None,
    ):
        super().__init__(message, evidence=evidence)
        self.said = said


class IncompleteRead(Unexpected):
    """The vendor cut the read short, so it proves nothing about what is missing."""


class RowDoesNotFit(Unexpected):
    """A row could not be loaded."""
