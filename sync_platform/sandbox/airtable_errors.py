"""Airtable's error bodies, each as a Refusal to raise: they have three shapes."""

from sync_platform.sandbox.calls import Refusal
from sync_platform.sandbox.oauth_words import Denied

TYPES = {
    400: "BAD_REQUEST",
    401: "AUTHENTICATION_REQUIRED",
    403: "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
    413: "REQUEST_TOO_LARGE",
    422: "INVALID_REQUEST_UNKNOWN",
    500: "SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


def refusal(status: int, type: str, message: str) -> Refusal:
    """The usual shape."""
    return Refusal(status, {"error": {"type": type, "message": message}})


def invalid(message: str, type: str = "INVALID_REQUEST_UNKNOWN") -> Refusal:
    """A call that makes no sense."""
    return refusal(422, type, message)


def invalid_parameters() -> Refusal:
    return invalid(
        "Invalid request: parameter validation failed. Check your request data.",
    )


def invalid_value(field: str) -> Refusal:
    return invalid(f'Cannot parse value for field "{field}"', "INVALID_VALUE_FOR_COLUMN")


def read_only(field: str) -> Refusal:
    return invalid(
        f'Field "{field}" cannot accept a value because the field is computed',
        "INVALID_VALUE_FOR_COLUMN",
    )


def unknown_field(name: str) -> Refusal:
    return invalid(f'Unknown field name: "{name}"', "UNKNOWN_FIELD_NAME")


def unknown_choice(choice: str) -> Refusal:
    return invalid(
        f'Insufficient permissions to create new select option "{choice}"',
        "INVALID_MULTIPLE_CHOICE_OPTIONS",
    )


def invalid_formula(why: str) -> Refusal:
    return invalid(
        f"The formula for filtering records is invalid: {why}", "INVALID_FILTER_BY_FORMULA"
    )


def page_forgotten() -> Refusal:
    """The offset has timed out, or stands at a record that is gone."""
    return Refusal(422, {"error": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"})


def no_such_record(id: str) -> Refusal:
    return refusal(404, "MODEL_ID_NOT_FOUND", f"Record {id} not found")


def no_such_table(id: str, base: str) -> Refusal:
    """In the trash."""
    return refusal(404, "TABLE_NOT_FOUND", f"Could not find table {id} in application {base}")


def not_found() -> Refusal:
    """No such address."""
    return Refusal(404, {"error": "NOT_FOUND"})


def not_permitted() -> Refusal:
    """What is not there and what may not be seen look alike."""
    return refusal(
        403,
        TYPES[403],
        "Invalid permissions, or the requested model was not found. Check that both your user and "
        "your token have the required permissions, and that the model names and/or ids are "
        "correct.",
    )


def not_authenticated() -> Refusal:
    return refusal(401, TYPES[401], "Authentication required")


def over_limit() -> Refusal:
    """It says nothing of the 30 seconds."""
    return _of_many(429, "RATE_LIMIT_REACHED", "Rate limit exceeded. Please try again later")


def month_used_up() -> Refusal:
    return _of_many(
        429,
        "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
        "API billing plan limit exceeded. Please upgrade your workspace, or try again next month.",
    )


def too_many_webhooks() -> Refusal:
    return invalid("There are too many webhooks for this base.", "TOO_MANY_WEBHOOKS_IN_BASE")


def of_status(status: int) -> Refusal:
    """Whatever has this status."""
    if status == 429:
        return over_limit()
    if status == 404:
        return not_found()
    if status == 401:
        return not_authenticated()
    if status == 403:
        return not_permitted()
    return refusal(status, TYPES.get(status, "SERVER_ERROR"), "Something went wrong.")


def token_refused(denied: Denied) -> Refusal:
    """The token endpoint speaks the words of the standard."""
    return Refusal(denied.status, {"error": denied.error, "error_description": denied.description})


def _of_many(status: int, error: str, message: str) -> Refusal:
    return Refusal(status, {"errors": [{"error": error, "message": message}]})
