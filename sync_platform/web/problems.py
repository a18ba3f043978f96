"""What went wrong as answers of the API: RFC 9457 problem documents."""

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sync_platform.errors import InvalidRequest, SyncPlatformError
from sync_platform.web.api.document import methods_at
from sync_platform.web.telling import headers_of, logged, status_of

MEDIA_TYPE = "application/problem+json"
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
LONGEST_MESSAGE = 200  # characters of what is wrong with one field, and of its name
MOST_MESSAGES = 20  # or a body of a megabyte could have fifty come back


def problem(request: Request, error: Exception) -> JSONResponse:
    """What went wrong, as a problem document. One that nobody foresaw tells only where the log
    tells more."""
    told, headers = _told(request, error)
    status = int(told["status"])
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    document = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "instance": request.url.path,
        **told,
    }
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


def _told(request: Request, error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """The document's own entries, and headers."""
    if isinstance(error, SyncPlatformError) and status_of(error) != 500:
        told = {"status": status_of(error), "detail": str(error), "code": error.code}
        retry_after = getattr(error, "retry_after", None)
        more = {"retry_after": retry_after} if retry_after is not None else {}
        return told | more, headers_of(error)
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
    """Which parts of a request are wrong, without what was given: that may be a secret. Names that
    we do not know are told, since they are most often mistyped; only whoever sent them sees it."""
    wrong = [
        {
            "field": ".".join(str(part) for part in each["loc"])[:LONGEST_MESSAGE],
            "detail": str(each["msg"]).removeprefix("Value error, ")[:LONGEST_MESSAGE],
        }
        for each in error.errors()[:MOST_MESSAGES]
    ]
    detail = "; ".join(f"{each['field']}: {each['detail']}" for each in wrong[:3])
    return {
        "status": 422,
        "detail": f"The request is not as the API's document has it: {detail}.",
        "code": InvalidRequest().code,
        "errors": wrong,
    }
