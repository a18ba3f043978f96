"""What an app asks of the Acme vendor: the consent page, the token endpoint, its API."""

from collections.abc import Callable
from typing import Any

import httpx

from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform_tests.consenting import allowed
from sync_platform_tests.sandbox.acme import REDIRECT_URI, Acme

VERIFIER = "a-verifier-of-forty-three-characters-or-more"
APP = {"client_id": "our-app", "client_secret": "our-app-secret"}
Serve = Callable[..., Acme]


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def page_of(vendor: Acme, **params: str | None) -> str:
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": "our-app",
        "redirect_uri": REDIRECT_URI,
        "scope": "read write",
        "state": "s&1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    given = {name: value for name, value in (asked | params).items() if value is not None}
    return str(httpx.URL(f"{vendor.url}/oauth/authorize", params=given))


def ask(vendor: Acme, **form: str) -> httpx.Response:
    return httpx.post(f"{vendor.url}/oauth/token", data={**APP, **form})


def redeem(vendor: Acme, code: str, **form: str) -> httpx.Response:
    return ask(
        vendor,
        **{
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            **form,
        },
    )


def refresh(vendor: Acme, token: str) -> httpx.Response:
    return ask(vendor, grant_type="refresh_token", refresh_token=token)


def signed_in(vendor: Acme) -> Any:
    return redeem(vendor, allowed(page_of(vendor))["code"]).json()


def me(vendor: Acme, token: str) -> httpx.Response:
    return httpx.get(f"{vendor.url}/me", headers={"Authorization": f"Bearer {token}"})
