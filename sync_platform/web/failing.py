"""What a request that failed is answered: a problem document below /api, else a plain page."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sync_platform.errors import SyncPlatformError
from sync_platform.web import problems
from sync_platform.web.rendering import page
from sync_platform.web.telling import headers_of, logged, status_of

SENTENCES = {
    404: "There is no page here. It may have been renamed, or the address is mistyped.",
    405: "This page cannot be asked in that way. Go back and use its buttons.",
}
TITLES = {
    401: "Please sign in",
    403: "That is not allowed",
    404: "Not found",
    409: "That cannot be done now",
    422: "That does not fit",
    429: "Please wait",
    500: "That went wrong",
    503: "Not available right now",
}


def install(app: FastAPI) -> None:
    """Have the app answer what goes wrong in it. What nobody foresaw, `Door` catches."""
    for kind in (SyncPlatformError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def for_programs(request: Request) -> bool:
    """Whether the request is to the API."""
    return request.url.path == "/api" or request.url.path.startswith("/api/")


def answer(request: Request, error: Exception) -> Response:
    """The answer to a request that this error ended."""
    if for_programs(request):
        return problems.problem(request, error)
    headers: dict[str, str] = {}
    if isinstance(error, SyncPlatformError) and status_of(error) != 500:
        status, sentence = status_of(error), str(error)
        headers.update(headers_of(error))
    elif isinstance(error, HTTPException):
        status = error.status_code
        sentence = SENTENCES.get(status, error.detail)
        headers.update(error.headers or {})
    elif isinstance(error, RequestValidationError):
        fields = ", ".join(dict.fromkeys(str(each["loc"][-1]) for each in error.errors()))[:200]
        status, sentence = 422, f"The page sent something that does not fit: {fields}."
    else:
        status, sentence = 500, logged(request, error)
    title = TITLES.get(status) or HTTPStatus(status).phrase
    response = page(
        request, "failed.html", status=status, plain=True, title=title, sentence=sentence
    )
    response.headers.update(headers)
    return response
