"""Google's error bodies, each as a Refusal to raise."""

from sync_platform.sandbox.calls import Json, Refusal

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
PROJECT = "482910337745"
WORDS = {
    404: "Requested entity was not found.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}


def refusal(status: int, message: str, reason: str = "", **metadata: str) -> Refusal:
    """Google's usual error body; `reason` is that of its ErrorInfo."""
    error: Json = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    if reason:
        error["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
                "metadata": {"service": "sheets.googleapis.com", **metadata},
            }
        ]
    return Refusal(status, {"error": error})


def invalid(message: str) -> Refusal:
    return refusal(400, message)


def unparsable(text: str) -> Refusal:
    return invalid(f"Unable to parse range: {text}")


def beyond(text: str, rows: int, columns: int) -> Refusal:
    return invalid(f"Range ({text}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")


def no_tab(id: object) -> Refusal:
    return invalid(f"No grid with id: {id}")


def not_shared() -> Refusal:
    return refusal(403, "The caller does not have permission")


def no_credentials() -> Refusal:
    return refusal(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "ACCESS_TOKEN_EXPIRED",
    )


def too_few_scopes() -> Refusal:
    return refusal(
        403,
        "Request had insufficient authentication scopes.",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    )


def switched_off() -> Refusal:
    """The API is not enabled in the project of the app."""
    return refusal(
        403,
        f"Google Sheets API has not been used in project {PROJECT} before or it is disabled. "
        "Enable it by visiting https://console.developers.google.com/apis/api/"
        f"sheets.googleapis.com/overview?project={PROJECT} then retry.",
        "SERVICE_DISABLED",
        consumer=f"projects/{PROJECT}",
    )


def over_limit(kind: str = "Read") -> Refusal:
    """Google's 429: no Retry-After, no headers."""
    return refusal(
        429,
        f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute "
        f"per user' of service 'sheets.googleapis.com' for consumer 'project_number:{PROJECT}'.",
        "RATE_LIMIT_EXCEEDED",
        quota_limit=f"{kind}RequestsPerMinutePerUser",
    )


def over_limit_in_old_words() -> Refusal:
    """The same as older clients were told it."""
    error = {
        "code": 403,
        "message": "Rate Limit Exceeded",
        "errors": [
            {"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "Rate Limit"}
        ],
    }
    return Refusal(403, {"error": error})
