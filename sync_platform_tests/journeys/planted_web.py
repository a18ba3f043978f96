"""The web face of an installation with a marker in every secret, and all that it has answered."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from sync_platform.engine.access import derived
from sync_platform.sandbox import serve
from sync_platform.sandbox.openid import OpenId, User
from sync_platform.settings import Settings
from sync_platform.web.cookies import CONNECTING, OPENID, SESSION, VISITOR
from sync_platform_tests.environment import variables
from sync_platform_tests.journeys.looking import watch, web_process
from sync_platform_tests.journeys.planted import FOLDER, PLANTED, Stage, staged
from sync_platform_tests.journeys.written import Written
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.running import running_dagster
from sync_platform_tests.web.serving import Visitor, visitor

MARKERS = {
    **PLANTED,
    "password of Ann": "marker-password-of-ann",
    "mistyped password": "marker-mistyped-password",
    "secret of the OpenID client": "marker/openid+client/secret",
    "mistyped client secret": "marker-mistyped-client-secret",
    "wrong key": "marker-wrong-key-0123456789",
    "wrong key for the API": "marker-wrong-key-by-api-01",
    "wrong API key": "sp_marker-wrong-api-key-0123456789-0123456789",
}
ANN = "ann@example.com"
BOB = User(subject="2", email="bob@example.com", name="Bob")


class RememberingOpenId(OpenId):
    """Remembers every ID token."""

    def _signed(self, claims: Any) -> str:
        made = super()._signed(claims)
        self.__dict__.setdefault("given", []).append(made)
        return made


@dataclass
class Web:
    """The web face of a stage, and all that it has answered."""

    stage: Stage
    provider: RememberingOpenId
    url: str
    log: Path
    stack: ExitStack
    answered: Written = field(default_factory=Written)
    made: dict[str, str] = field(default_factory=dict)  # secrets that came on the way
    in_forms: dict[str, str] = field(default_factory=dict)  # that pages must have, and only they

    def browser(self) -> Visitor:
        """A new one, whose answers are written down."""
        it = self.stack.enter_context(closing(visitor(self.url)))
        watch(it, self.answered)
        return it

    def knows(self, name: str, browser: Visitor) -> None:
        """Learn the secrets that this browser has by now."""
        for cookie in (SESSION, VISITOR, OPENID, CONNECTING):
            kept = browser.cookies.get(cookie)
            if kept is None:
                continue
            secret = kept.strip('"').partition(".")[0]
            self.made[f"{cookie} of {name}"] = secret
            if cookie == OPENID:
                self.made |= {
                    f"{it} of {name}": derived(secret, it) for it in ("nonce", "verifier")
                }
                continue
            if cookie != CONNECTING:
                self.in_forms[f"{cookie}'s form token of {name}"] = derived(secret, "csrf")

    def api(self, key: str) -> httpx.Client:
        """A program with that key."""
        it = httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        watch(it, self.answered)
        return self.stack.enter_context(closing(it))

    @property
    def secrets(self) -> dict[str, str]:
        tokens = {f"ID token {n}": it for n, it in enumerate(vars(self.provider).get("given", ()))}
        access = {f"access token {n}": it for n, it in enumerate(vars(self.provider)["_access"])}
        return {**self.stage.secrets, **MARKERS, **self.made, **tokens, **access}


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[Web]:
    """The web face of that installation, with a sign-in provider, a vendor that echoes, and a
    Dagster that runs what is launched. The web process logs to `log`."""
    with ExitStack() as stack:
        url = unused_url()
        stage = stack.enter_context(staged(settings, public_url=url, oauth_clients={}))
        provider = RememberingOpenId(
            [BOB],
            redirect_uri=f"{url}/sign-in/openid/callback",
            client_secret=MARKERS["secret of the OpenID client"],
        )
        stack.enter_context(serve(provider))
        dagster = stack.enter_context(running_dagster(stage.platform))
        env = {
            **variables(stage.platform.settings),
            "SYNC_PLATFORM_CONNECTORS": str(FOLDER),
            "SYNC_PLATFORM_PUBLIC_URL": url,
            "SYNC_PLATFORM_DAGSTER_URL": dagster.url,
            "SYNC_PLATFORM_OIDC_ISSUER": provider.url,
            "SYNC_PLATFORM_OIDC_CLIENT_ID": provider.client_id,
            "SYNC_PLATFORM_OIDC_CLIENT_SECRET": provider.client_secret,
            "SYNC_PLATFORM_OIDC_ALLOWED_DOMAINS": "example.com",
        }
        port = urlsplit(url).port or 0
        stage.platform.database.apply_migrations()
        stack.enter_context(web_process(port, env, log))
        yield Web(stage, provider, url, log, stack)
