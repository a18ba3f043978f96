"""HubSpot's error bodies, each as a Refusal to raise."""

import uuid
from collections.abc import Sequence

import orjson

from sync_platform.sandbox.calls import Json, Refusal
from sync_platform.sandbox.oauth_words import Denied

PORTAL_ID = 24117733


def refusal(status: int, message: str, category: str, **more: object) -> Refusal:
    """HubSpot's usual error body."""
    return Refusal(
        status,
        {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
            **more,
            "category": category,
        },
    )


def invalid(message: str, code: str | None = None, **context: Sequence[str]) -> Refusal:
    """A call that makes no sense."""
    if code is None:
        return refusal(400, message, "VALIDATION_ERROR")
    detail = {"message": message, "code": code, "context": context}
    return refusal(400, message, "VALIDATION_ERROR", errors=[detail])


def invalid_values(problems: Sequence[tuple[str, str, str]]) -> Refusal:
    """Values that do not fit, as (property, code, what is wrong)."""
    listed = [
        {
            "isValid": False,
            "message": message,
            "error": code,
            "name": name,
            "localizedErrorMessage": message,
            "portalId": PORTAL_ID,
        }
        for name, code, message in problems
    ]
    details = [
        {"message": message, "code": code, "context": {"propertyName": [name]}}
        for name, code, message in problems
    ]
    message = f"Property values were not valid: {orjson.dumps(listed).decode()}"
    return refusal(400, message, "VALIDATION_ERROR", errors=details)


def not_found(object: str, id: str) -> Refusal:
    return refusal(
        404,
        "resource not found",
        "OBJECT_NOT_FOUND",
        context={"objectType": [object], "id": [id]},
    )


def taken(object: str, id: str) -> Refusal:
    """A unique value that another record already has."""
    what = {"contacts": "Contact", "companies": "Company"}.get(object, "Object")
    return refusal(409, f"{what} already exists. Existing ID: {id}", "CONFLICT")


def no_credentials() -> Refusal:
    return refusal(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you "
        "can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "INVALID_AUTHENTICATION",
    )


def expired(seconds_ago: float) -> Refusal:
    return refusal(
        401,
        f"The OAuth token used to make this call expired {seconds_ago:.0f} second(s) ago.",
        "EXPIRED_AUTHENTICATION",
    )


def missing_scope(scope: str) -> Refusal:
    return refusal(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about "
        "required scopes here: https://developers.hubspot.com/scopes.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]},
            }
        ],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def over_limit(policy: str) -> Refusal:
    """HubSpot's 429: it has no category, and no Retry-After either."""
    word = {"SECONDLY": "secondly", "DAILY": "daily"}.get(policy, "ten_secondly_rolling")
    body: Json = {
        "status": "error",
        "message": f"You have reached your {word} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
    }
    return Refusal(429, body)


TOKEN_STATUSES = {
    "client_id": "BAD_CLIENT_ID",
    "client_secret": "BAD_CLIENT_SECRET",
    "code": "BAD_AUTH_CODE",
    "redirect_uri": "MISMATCH_REDIRECT_URI_AUTH_CODE",
    "refresh_token": "BAD_REFRESH_TOKEN",
}


def token_refused(denied: Denied) -> Refusal:
    """The token endpoint's errors look different from all others, and are 400 whatever they are."""
    status = TOKEN_STATUSES.get(denied.about, "BAD_GRANT_TYPE")
    body = {"status": status, "message": denied.description, "correlationId": str(uuid.uuid4())}
    return Refusal(400, body)
