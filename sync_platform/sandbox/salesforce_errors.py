"""Salesforce's error bodies: a list of one, with a code and a sentence (REST API: Status Codes)."""

from sync_platform.sandbox.calls import Refusal
from sync_platform.sandbox.oauth_words import Denied

CODES = {
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed. Allowed are GET, HEAD, POST"),
    414: ("URI_TOO_LONG", "URI Too Long"),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
}


def refusal(status: int, code: str, message: str, **more: object) -> Refusal:
    """Salesforce says no."""
    return Refusal(status, [{"message": message, "errorCode": code, **more}])


def of_status(status: int) -> Refusal:
    """What Salesforce says where only the status is known."""
    code, message = CODES.get(status, ("UNKNOWN_EXCEPTION", f"HTTP {status}"))
    return refusal(status, code, message)


def no_such_field(query: str, name: str, object: str) -> Refusal:
    """The sentence points at the place in the query."""
    column = query.lower().find(name.lower()) + 1
    return refusal(
        400,
        "INVALID_FIELD",
        f"\n{query[:120]}\n{' ' * min(column, 120)}^\nERROR at Row:1:Column:{column}\n"
        f"No such column '{name}' on entity '{object}'. If you are attempting to use a custom "
        "field, be sure to append the '__c' after the custom field name.",
    )


def no_such_object(name: str) -> Refusal:
    return refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")


def malformed(message: str) -> Refusal:
    return refusal(400, "MALFORMED_QUERY", message)


def not_found() -> Refusal:
    return of_status(404)


def token_refused(denied: Denied) -> Refusal:
    """The token endpoint's words, as restforce recorded them."""
    said = denied.description
    if denied.error == "invalid_grant" and denied.about == "refresh_token":
        said = "expired access/refresh token"
    return Refusal(400, {"error": denied.error, "error_description": said})
