"""An installation with a marker in every secret, and everything that may fail there."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.environment import as_url
from sync_platform_tests.journeys.echoing import Echoing
from sync_platform_tests.journeys.written import Written
from sync_platform_tests.person import Person

FOLDER = Path(__file__).parent.parent / "own_connectors"
HERE = "http://127.0.0.1:8000/connect/callback"
PLANTED = {
    "bearer token": "marker/bearer+0123456789=",
    "key in a header": "marker-header-key-01234567",
    "key in the address": "marker query&key=0123456789",
    "password": "marker:password/0123456789",
    "client secret of an account": "marker+account+secret+0123",
    "our client secret": "marker/our/client/secret/01",
    "our other client secret": "marker-other-client-secret",
    "password of the database": "marker:database/password",
    "browser": "marker-browser-cookie-0123",
}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_KEY = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
NAMES = ("oauth", "bearer", "header-key", "query-key", "basic", "client", "robot")


@dataclass
class Stage:
    """An installation with one connection for each way of signing in."""

    platform: Platform
    vendor: Echoing
    elsewhere: Echoing
    written: Written = field(default_factory=Written)
    seen: dict[str, str] = field(default_factory=dict)  # made on the way: states, verifiers

    @property
    def secrets(self) -> Mapping[str, str]:
        """Every secret there is by now."""
        lines = PRIVATE_KEY.splitlines()
        keys = (self.platform.settings.home / "keys").read_text().split()
        return {
            **PLANTED,
            **self.seen,
            **self.vendor.oauth.given,
            **{f"line {n} of the private key": line for n, line in enumerate(lines[2:-2])},
            **{f"key {n} of ours": key for n, key in enumerate(keys)},
        }

    def sync(self, name: str, **asked: Any) -> None:
        """One sync; how it fails is written down."""
        request = SyncRequest(target=Target(name, "things"), mode=SyncMode.FULL, **asked)
        try:
            self.platform.sync(request).run(into=self.platform.destination)
        except SyncPlatformError as error:
            self.written.add_error(name, error)

    def look_everywhere(self) -> None:
        """Put down all that is in the database, the home folder, and the platform's reprs."""
        url = self.platform.database_url
        tables = self.written.add_database(url)
        assert "sync_platform.credentials" in tables
        home = self.platform.settings.home
        self.written.add_folder(home, but=[home / "keys"])
        parts = [each for each in vars(self.platform).values() if not isinstance(each, str)]
        self.written.add("repr", self.platform, *parts)

    def hears(self) -> None:
        """Learn the verifiers that were sent to the vendor."""
        for told in self.vendor.heard:
            for each in parse_qs(told.split()[2]).get("code_verifier", ()):
                self.seen[f"verifier {len(self.seen)}"] = each


@contextmanager
def staged(settings: Settings, **changed: Any) -> Iterator[Stage]:
    """A stage in that installation, with these settings changed."""
    assert settings.database_url is not None
    url = with_password(settings.database_url, PLANTED["password of the database"])
    client = ("our-app", PLANTED["our client secret"])
    platform = Platform(
        replace(
            settings,
            database_url=url,
            connector_folders=(FOLDER,),
            **{"oauth_clients": {"echoing": client}, **changed},
        ),
        clock=HastyClock(),
    )
    keys = [PLANTED[it] for it in ("bearer token", "key in a header", "key in the address")]
    vendor = Echoing(
        [*keys, PLANTED["password"]],
        client_id=client[0],
        client_secret=client[1],
        services={"service": PLANTED["client secret of an account"]},
        service_accounts={"robot@echoing": PUBLIC_KEY.decode()},
    )
    with serve(vendor), serve(Echoing([], client_id="x", client_secret="x")) as elsewhere:
        it = Stage(platform, vendor, elsewhere)
        yield it
    platform.close()


def with_password(conninfo: str, password: str) -> str:
    """The test's server asks for none, and takes any."""
    return as_url(psycopg.conninfo.make_conninfo(conninfo, password=password))


def allowed(url: str) -> dict[str, str]:
    """What a person's Allow brings back. Their browser's own log is not ours."""
    logging.disable(logging.CRITICAL)
    try:
        return Person().allows(url)
    finally:
        logging.disable(logging.NOTSET)


def connect_all(stage: Stage) -> None:
    """One connection by each way."""
    platform, url = stage.platform, stage.vendor.url
    browser = PLANTED["browser"]
    begun = platform.connecting.begin(
        "echoing", redirect_uri=HERE, browser=browser, base_url=url, connection="oauth"
    )
    stage.seen["state"] = parse_qs(urlsplit(begun.url).query)["state"][0]
    stage.written.add("repr", begun)
    back = allowed(begun.url)
    stage.seen["code"] = back["code"]
    sign_in = platform.connecting.finish(back, browser=browser)
    stage.written.add("repr", sign_in)
    stage.written.add_database(platform.database_url)  # while the sign-in is in progress
    platform.connecting.complete(sign_in.id, browser=browser)
    secrets: dict[str, dict[str, str]] = {
        "bearer": {"auth": "BearerToken", "token": PLANTED["bearer token"]},
        "header-key": {"auth": "ApiKey", "token": PLANTED["key in a header"]},
        "basic": {"auth": "BasicAuth", "username": "ann", "token": PLANTED["password"]},
        "client": {
            "client_id": "service",
            "client_secret": PLANTED["client secret of an account"],
        },
        "robot": {"private_key": PRIVATE_KEY},
    }
    for name, secret in secrets.items():
        where = {"here": url}
        platform.connect("echoing", name, Secret(secret), base_url=url, settings=where)
        stage.written.add("repr", platform.credentials.read(name))
    key = Secret({"token": PLANTED["key in the address"]})
    platform.connect("echoing_query", "query-key", key, base_url=url)
    other = OAuthClient("other-app", PLANTED["our other client secret"])
    platform.set_oauth_client("echoing", other)
    stage.written.add("repr", other, platform.oauth_client_list())
    stage.hears()
    assert any(name.startswith("verifier") for name in stage.seen)
    assert sorted(each.name for each in platform.connections()) == sorted(NAMES)


def echo(status: int) -> Callable[[Stage], None]:
    """Every answer has this status and repeats its call."""

    def spoil(stage: Stage) -> None:
        stage.vendor.status = status

    return spoil


def refuse_refreshes(stage: Stage) -> None:
    """The access tokens are over, and the token endpoint repeats what it refuses."""
    stage.vendor.oauth.expire(0)
    stage.vendor.denies = True


def redirect(stage: Stage) -> None:
    """Everything is somewhere else now."""
    stage.vendor.elsewhere = stage.elsewhere.url


def break_answers(kind: Any) -> Callable[[Stage], None]:
    """The connection breaks, or the answer does."""

    def spoil(stage: Stage) -> None:
        stage.vendor.fail(kind, times=200, path="/things")

    return spoil


FAILURES: dict[str, Callable[[Stage], None]] = {
    "401": echo(401),
    "403": echo(403),
    "404": echo(404),
    "429": echo(429),
    "500": echo(500),
    "malformed": break_answers("malformed"),
    "cut": break_answers("cut"),
    "reset": break_answers("reset"),
    "redirect": redirect,
    "refused refresh": refuse_refreshes,
}


def mend(stage: Stage) -> None:
    stage.vendor.status, stage.vendor.elsewhere, stage.vendor.denies = None, None, False
    stage.vendor.faults = []
