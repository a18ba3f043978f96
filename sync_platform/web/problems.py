"""What went wrong as answers of the API: RFC 9457 problem documents."""

import logging
import uuid
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

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
from sync_platform.web.api.document import methods_at

log = logging.getLogger("sync_platform")

MEDIA_TYPE = "application/problem+json"
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
TITLES = {
    404: "There is no such thing",
    405: "That cannot be done here",
    409: "That cannot be done now",
    422: "The request does not fit",
    500: "That went wrong",
    502: "The vendor answered wrongly",
    503: "Not available right now",
}
SENTENCES = {
    404: "There is nothing at this address. The API's reference is at /api/v1/reference.",
    405: "This address does not know that method. The API's reference is at /api/v1/reference.",
}
LONGEST_MESSAGE = 200  # of what is wrong with one field


def status_of(error: SyncPlatformError) -> int:
    """The HTTP status for one of our errors."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def problem(request: Request, error: Exception) -> JSONResponse:
    """What went wrong, as a problem document. One that nobody foresaw tells only where the log
    tells more."""
    told, headers = _told(request, error)
    status = int(told["status"])
    if told.get("retry_after") is not None:
        headers["Retry-After"] = str(max(1, round(told["retry_after"])))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    document = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "instance": request.url.path,
        **told,
    }
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


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


def _told(request: Request, error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The document's own entries, and headers."""
    if isinstance(error, SyncPlatformError) and status_of(error) != 500:
        told = {"status": status_of(error), "detail": str(error), "code": error.code}
        retry_after = getattr(error, "retry_after", None)
        return told | ({"retry_after": retry_after} if retry_after is not None else {}), {}
    if isinstance(error, RequestValidationError):
        return _invalid(error), {}
    if isinstance(error, HTTPException) and error.status_code == 400:
        detail = "The body cannot be read. Send JSON in UTF-8."
        return {"status": 422, "detail": detail, "code": InvalidRequest().code}, {}
    if isinstance(error, HTTPException):
        status = error.status_code
        allowed = methods_at(request.app, request.url.path) if status == 405 else []
        code = HTTPStatus(status).phrase.lower().replace(" ", "_")
        detail = SENTENCES.get(status) or str(error.detail)
        return {"status": status, "detail": detail, "code": code}, {
            **(error.headers or {}),
            **({"Allow": ", ".join(allowed)} if allowed else {}),
        }
    return {"status": 500, "detail": logged(request, error), "code": "unexpected"}, {}


def _invalid(error: RequestValidationError) -> dict[str, Any]:
    """Which parts of a request are wrong, without what was given: that may be a secret."""
    wrong = [
        {
            "field": ".".join(str(part) for part in each["loc"]),
            "detail": str(each["msg"]).removeprefix("Value error, ")[:LONGEST_MESSAGE],
        }
        for each in error.errors()
    ]
    detail = "; ".join(f"{each['field']}: {each['detail']}" for each in wrong[:3])
    return {
        "status": 422,
        "detail": f"The request is not as the API's document has it: {detail}.",
        "code": InvalidRequest().code,
        "errors": wrong,
    }
