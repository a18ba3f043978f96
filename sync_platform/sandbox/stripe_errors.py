"""Stripe's error bodies, each as a Refusal to raise."""

from sync_platform.sandbox.calls import Refusal
from sync_platform.sandbox.oauth_words import Denied

ACCOUNT_ID = "acct_1NxUq2Acme000001"


def refusal(
    status: int, message: str, *, type: str = "invalid_request_error", **more: str | None
) -> Refusal:
    """Stripe's usual error body; `more` may be its code and param."""
    said = {name: value for name, value in more.items() if value is not None}
    if "code" in said:
        said["doc_url"] = f"https://stripe.com/docs/error-codes/{said['code'].replace('_', '-')}"
    return Refusal(status, {"error": {"message": message, "type": type, **said}})


def unknown_parameter(name: str) -> Refusal:
    return refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def missing_parameter(name: str) -> Refusal:
    return refusal(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def invalid(param: str, message: str) -> Refusal:
    """A parameter with a value that it cannot have."""
    return refusal(400, message, param=param)


def missing(object: str, id: str, *, param: str = "id", status: int = 404) -> Refusal:
    """No object of that id."""
    what = object.replace(".", " ").replace("_", " ")
    return refusal(status, f"No such {what}: '{id}'", code="resource_missing", param=param)


def no_key() -> Refusal:
    return refusal(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization "
        "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    )


def invalid_key(key: str) -> Refusal:
    shown = key[:8] + "*" * max(0, len(key) - 12) + key[-4:] if len(key) > 12 else "***"
    return refusal(401, f"Invalid API Key provided: {shown}")


def expired_key() -> Refusal:
    return refusal(401, "Expired API Key provided.", code="api_key_expired")


def revoked() -> Refusal:
    """What an app's token gets once its person has removed the app."""
    return refusal(
        403,
        f"The provided key does not have access to account '{ACCOUNT_ID}' (or that account does "
        "not exist). Application access may have been revoked.",
        code="account_invalid",
    )


def not_permitted(permission: str) -> Refusal:
    return refusal(
        403,
        "The provided key does not have the required permissions for this endpoint on account "
        f"'{ACCOUNT_ID}'. Having the '{permission}' permission would allow this request to "
        "continue.",
    )


def over_limit(reason: str) -> Refusal:
    """Stripe's 429: it says nothing of when to try again."""
    refused = refusal(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        code="rate_limit",
    )
    refused.headers["Stripe-Rate-Limited-Reason"] = reason
    return refused


def key_reused(key: str) -> Refusal:
    return refusal(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different "
        "request.",
        type="idempotency_error",
    )


def token_refused(denied: Denied) -> Refusal:
    """The token endpoint's errors are those of the standard."""
    return Refusal(denied.status, {"error": denied.error, "error_description": denied.description})
