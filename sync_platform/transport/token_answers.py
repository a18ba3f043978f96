"""Reads what token endpoints answer: a secret, or one of the many ways of saying no."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from sync_platform.spec import Json
from sync_platform.transport.answers import SENTENCE, decoded, shortened, vendor_sentence
from sync_platform.transport.call import Answer

NOT_TOLD = re.compile(r"token(?!_type$)|secret|password|assertion|code$", re.IGNORECASE)
REFRESH_LASTS = ("refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in")
A_CODE = re.compile(r"[A-Za-z][\w.-]{0,79}")


class No(Enum):
    """What an error of a token endpoint means."""

    GRANT = "the code, refresh token or assertion is not accepted (any more)"
    CLIENT = "our app, its secret or its redirect address is not accepted"
    SCOPE = "the scopes are not given to our app"
    LATER = "not now"
    ELSE = "something that should not happen"


# RFC 6749's words first, then those of vendors that have their own.
MEANINGS = {
    No.GRANT: (
        "invalid_grant", "access_denied", "consent_required", "interaction_required",
        "login_required", "expired_token", "token_expired", "token_revoked", "invalid_token",
        "invalid_code", "invalid_refresh_token", "bad_auth_code", "bad_refresh_token",
        "account_inactive",
    ),
    No.CLIENT: (
        "invalid_client", "unauthorized_client", "invalid_client_id", "invalid_client_secret",
        "bad_client_id", "bad_client_secret", "bad_redirect_uri", "invalid_redirect_uri",
        "redirect_uri_mismatch", "mismatch_redirect_uri_auth_code", "org_internal",
    ),
    No.SCOPE: ("invalid_scope",),
    No.LATER: (
        "temporarily_unavailable", "server_error", "slow_down", "ratelimited", "rate_limited",
        "rate_limit", "internal_error", "service_unavailable",
    ),
}  # fmt: skip
MEANS = {word: no for no, words in MEANINGS.items() for word in words}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A token endpoint's no. `code` is its word for it, `sentence` its explanation, scrubbed."""

    no: No
    code: str | None = None
    sentence: str | None = None


@dataclass(frozen=True, kw_only=True)
class Given:
    """A token endpoint's yes. Moments are in seconds since 1970."""

    access_token: str
    refresh_token: str | None
    expires_at: float | None
    refresh_expires_at: float | None
    scope: str | None
    told: Mapping[str, Any]  # the rest of the answer: `instance_url` and the like


def parsed(answer: Answer) -> Json:
    """The JSON of an answer, or its form, as older endpoints send it; None where it is neither."""
    if "x-www-form-urlencoded" in answer.headers.get("content-type", ""):
        return dict(parse_qsl(answer.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return decoded(answer.body)
    except ValueError:
        return None


def given(body: Json, asked_at: float, access_lasts: timedelta | None) -> Given | None:
    """What an answer gives, where it gives anything. Its spans begin when it was asked for."""
    if not isinstance(body, Mapping):
        return None
    access_token = body.get("access_token")
    if not isinstance(access_token, str) or not access_token.strip():
        return None
    seconds = _seconds(body.get("expires_in"))
    if seconds is None and access_lasts is not None:
        seconds = access_lasts.total_seconds()
    refresh_seconds = next(
        (found for name in REFRESH_LASTS if (found := _seconds(body.get(name)))), None
    )
    refresh_token = body.get("refresh_token")
    return Given(
        access_token=access_token.strip(),
        refresh_token=refresh_token.strip() or None if isinstance(refresh_token, str) else None,
        expires_at=None if seconds is None else asked_at + seconds,
        refresh_expires_at=None if refresh_seconds is None else asked_at + refresh_seconds,
        scope=_scope(body.get("scope", body.get("scopes"))),
        told=_told(body),
    )


def says_no(body: Json) -> bool:
    """Whether an answer is an error whatever its status is."""
    return isinstance(body, Mapping) and (body.get("ok") is False or bool(body.get("error")))


def refusal(answer: Answer, body: Json, scrub: Callable[[str], str]) -> Refusal:
    """What an answer without a token means. Some vendors say no with HTTP 200."""
    codes = list(_codes(body))
    word = next((code for code in codes if code.lower() in MEANS), codes[0] if codes else None)
    sentence = _sentence(answer, body, scrub)
    no = MEANS.get(word.lower(), No.ELSE) if word else No.ELSE
    said = (sentence or "").lower()
    if "too many requests" in said:
        no = No.LATER  # Zoho says it so: "Access Denied", HTTP 400
    elif no is No.CLIENT and re.search(r"refresh[_ ]token", said):
        no = No.GRANT  # Atlassian: "unauthorized_client", "refresh_token is invalid"
    elif no is No.ELSE and answer.status == 401:
        no = No.CLIENT
    return Refusal(no=no, code=scrub(word) if word else None, sentence=sentence)


def _codes(body: Json) -> Iterable[str]:
    """The words that may be an error's name: `error`, `error.code`, `status`, `errors[0].code`."""
    if not isinstance(body, Mapping):
        return
    first = body.get("errors")
    inner = [body.get("error"), first[0] if isinstance(first, list) and first else first]
    for each in inner:
        found: list[Any] = [each]
        if isinstance(each, Mapping):
            found = [each.get(name) for name in ("code", "type", "error", "status")]
        yield from (word for word in found if isinstance(word, str) and A_CODE.fullmatch(word))
    for name in ("code", "status", "error_code", "category"):
        word = body.get(name)
        if isinstance(word, str) and A_CODE.fullmatch(word) and word.lower() != "error":
            yield word


def _sentence(answer: Answer, body: Json, scrub: Callable[[str], str]) -> str | None:
    if isinstance(body, Mapping) and isinstance(body.get("error_description"), str):
        words = shortened(scrub(body["error_description"]), SENTENCE)
    else:
        words = vendor_sentence(answer.body, scrub) or ""
    return words if not words or words[-1] in ".!?…" else f"{words}."


def _seconds(value: Any) -> float | None:
    """A span, as number or text; what is none, or over already, counts as not said."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e10 else None


def _scope(value: Any) -> str | None:
    """The granted scopes with spaces between, whether they came as a list or with commas."""
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return " ".join(value.replace(",", " ").split()) if isinstance(value, str) else None


def _told(value: Any) -> Any:
    """The answer without anything that may be a secret, however deep."""
    if isinstance(value, Mapping):
        return {
            str(name): _told(inner)
            for name, inner in value.items()
            if not NOT_TOLD.search(str(name))
        }
    return [_told(each) for each in value] if isinstance(value, list) else value
