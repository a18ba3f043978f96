"""Xero's error bodies, each as a Refusal to raise.

The validation error is of its API description. The others (their titles and details, the body of a
429, the text of a 404) are from memory, not checked against the vendor.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sync_platform.sandbox.calls import Json, Refusal

TITLES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


def problem(status: int, detail: str = "") -> Refusal:
    """What stands before the accounting API says."""
    return Refusal(
        status,
        {
            "Type": None,
            "Title": TITLES.get(status, "Error"),
            "Status": status,
            "Detail": detail,
            "Instance": str(uuid.uuid4()),
            "Extensions": {},
        },
    )


def no_credentials() -> Refusal:
    return problem(401, "AuthenticationUnsuccessful")


def expired(at: float) -> Refusal:
    ended = datetime.fromtimestamp(at, UTC)
    return problem(401, f"TokenExpired: token expired at {ended:%m/%d/%Y %H:%M:%S}")


def missing_scope() -> Refusal:
    """Xero says 401 where others say 403."""
    return problem(401, "AuthorizationUnsuccessful")


def foreign_tenant() -> Refusal:
    """The token opens no organisation of that id (any more)."""
    return problem(403, "AuthenticationUnsuccessful")


def not_found() -> Refusal:
    return problem(404, "The resource you're looking for cannot be found")


def over_limit(name: str, wait: float) -> Refusal:
    """`name` is minute, day, concurrent or appminute."""
    refusal = problem(429, f"The {name} rate limit is exceeded")
    refusal.headers["X-Rate-Limit-Problem"] = name
    if name != "concurrent":
        refusal.headers["Retry-After"] = str(max(1, int(wait) + 1))
    return refusal


def invalid(elements: Sequence[Json]) -> Refusal:
    """Records that cannot be written, each with its `ValidationErrors`."""
    return Refusal(
        400,
        {
            "ErrorNumber": 10,
            "Type": "ValidationException",
            "Message": "A validation exception occurred",
            "Elements": list(elements),
        },
    )


def unreadable(number: int, kind: str, message: str) -> Refusal:
    """A query or a body that makes no sense."""
    return Refusal(400, {"ErrorNumber": number, "Type": kind, "Message": message})


def bad_query(message: str) -> Refusal:
    return unreadable(16, "QueryParseException", message)


def bad_body(message: str) -> Refusal:
    return unreadable(14, "PostDataInvalidException", message)
