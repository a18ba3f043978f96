"""How errors are told through the web: their status, and a number for those that nobody foresaw."""

import logging
import uuid

from starlette.requests import Request

from sync_platform.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NeedsPerson,
    NotAllowed,
    NotSignedIn,
    RateLimited,
    RecordRejected,
    Refused,
    RetryLater,
    StillUnderWay,
    SyncPlatformError,
    TooLarge,
    TooManyAttempts,
    Unexpected,
    UnexpectedResponse,
    UnknownApiKey,
    UnknownConnection,
    UnknownConnector,
    UnknownObject,
    UnknownPerson,
    UnknownSync,
)

log = logging.getLogger("sync_platform")

STATUSES: tuple[tuple[type[SyncPlatformError], int], ...] = (  # the first that fits
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (UnknownConnection, 404),
    (UnknownConnector, 404),
    (UnknownObject, 404),
    (UnknownSync, 404),
    (UnknownPerson, 404),
    (UnknownApiKey, 404),
    (StillUnderWay, 409),
    (TooLarge, 413),
    (IdempotencyKeyReused, 422),
    (InvalidRequest, 422),
    (RecordRejected, 422),
    (TooManyAttempts, 429),
    (RateLimited, 429),
    (UnexpectedResponse, 502),
    (RetryLater, 503),
    (NeedsPerson, 409),
    (Refused, 409),
    (Unexpected, 500),
    (SyncPlatformError, 422),
)


def status_of(error: SyncPlatformError) -> int:
    """The HTTP status for one of our errors."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def headers_of(error: Exception) -> dict[str, str]:
    """How long to wait before trying again, where the error says so."""
    seconds = getattr(error, "retry_after", None)
    return {} if seconds is None else {"Retry-After": str(max(1, round(seconds)))}


def logged(request: Request, error: Exception) -> str:
    """Keep an error that nobody foresaw in the log; the sentence that leads there."""
    number = uuid.uuid4().hex[:12]
    # The route's path; the request's own may hold a one-time link, so only its beginning is told
    # where it failed before a route was found.
    route = request.scope.get("route")
    path = getattr(route, "path", None) or "/".join(request.url.path.split("/")[:2])
    log.error("%s %s failed [%s]", request.method, path, number, exc_info=error)
    return (
        f"Something went wrong that should not happen. The log tells more at {number}. "
        "Try again; if it stays so, give that number to whoever runs this platform."
    )
