"""A marker is planted in every secret; whatever fails then, none of it is written anywhere.

A new face joins by adding what it wrote to `Written`, and its secrets to `Stage.secrets`.
"""

import base64
import logging
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sync_platform.cli.commands import cli
from sync_platform.defs.partitions import current_partition
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.signing_in import OAuthClient
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, Refused, SyncPlatformError, VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform.store.database import Database
from sync_platform.transport.api import HttpApi
from sync_platform.transport.line import Timeouts
from sync_platform.transport.retry import Patience
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.defs.daemon import projects_dagster
from sync_platform_tests.defs.runs import Dagster, definitions_of
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


@pytest.fixture
def stage(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    caplog.set_level(logging.DEBUG)
    assert settings.database_url is not None
    url = with_password(settings.database_url, PLANTED["password of the database"])
    client = ("our-app", PLANTED["our client secret"])
    platform = Platform(
        replace(
            settings,
            database_url=url,
            connector_folders=(FOLDER,),
            oauth_clients={"echoing": client},
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


def test_no_secret_is_written_however_a_sync_fails(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    connect_all(stage)
    for spoil in FAILURES.values():
        spoil(stage)
        for name in NAMES:
            stage.sync(name)
        mend(stage)
    failed = {each.error_code for name in NAMES for each in stage.platform.history(name)}
    assert {"needs_reauth", "not_permitted", "vendor_unavailable", "rate_limited"} <= failed
    assert stage.elsewhere.heard == []  # nobody else was told anything
    stage.written.add_logs(caplog.records)
    stage.look_everywhere()
    assert stage.written.leaks(stage.secrets) == []


def test_no_secret_is_written_by_dagster_runs_that_fail(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With Dagster's own storage in Postgres, and its compute logs in the home folder."""
    connect_all(stage)
    settings = stage.platform.settings
    monkeypatch.setenv("SYNC_PLATFORM_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("SYNC_PLATFORM_HOME", str(settings.home))
    home = settings.home / "dagster"
    home.mkdir()
    with projects_dagster(home) as instance:
        names = {"echoing": [it for it in NAMES if it != "query-key"], "echoing_query": []}
        names["echoing_query"] = ["query-key"]
        for connector, listed in names.items():
            instance.add_dynamic_partitions(f"{connector}_connections", listed)
        dagster = Dagster(instance, definitions_of(stage.platform))
        for failure in ("401", "403", "500", "malformed", "refused refresh"):
            FAILURES[failure](stage)
            for connector, listed in names.items():
                for name in listed if failure == "500" else listed[:1]:
                    partition = current_partition(name, "day", date(2024, 1, 1))
                    run = dagster.run([(connector, "things")], partition)
                    stage.written.add(f"Dagster's events of {name}", run.everything)
                    assert run.failures or failure == "refused refresh"  # a key needs none
            mend(stage)
        stage.written.add("Dagster's instance", instance, *instance.get_runs())
        compute_logs = [each for each in home.rglob("*") if each.is_file()]
        assert any(each.suffix in (".err", ".out") for each in compute_logs)
        stage.look_everywhere()
    assert any(place.startswith("dagster.event_logs") for place, _ in stage.written.texts)
    stage.written.add_logs(caplog.records)
    assert stage.written.leaks(stage.secrets) == []


def test_no_secret_is_printed_by_commands_that_fail(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect_all(stage)
    settings = stage.platform.settings
    monkeypatch.setenv("SYNC_PLATFORM_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("SYNC_PLATFORM_HOME", str(settings.home))
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(FOLDER))
    monkeypatch.setenv("SYNC_PLATFORM_OAUTH_ECHOING_CLIENT_ID", "our-app")
    monkeypatch.setenv("SYNC_PLATFORM_OAUTH_ECHOING_CLIENT_SECRET", PLANTED["our client secret"])

    def run(line: str, typed: str | None = None) -> None:
        result = CliRunner().invoke(cli, line.split(), input=typed)
        stage.written.add(f"output of {line}", result.output)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            stage.written.add_error(line, result.exception)

    for failure in ("401", "403", "refused refresh"):  # what is not tried again, for minutes
        FAILURES[failure](stage)
        for name in NAMES:
            run(f"sync {name}")
            run(f"history {name}")
        again = f"connect echoing bearer --token-stdin --base-url {stage.vendor.url}"
        run(again, typed=PLANTED["bearer token"])
        run(again.replace("--token-stdin", "--way client"), typed=f"service\n{PLANTED['password']}")
        mend(stage)
    for line in ("connections --json", "doctor", "oauth-client list", "rotate-keys"):
        run(line)
    stage.written.add_logs(caplog.records)
    stage.look_everywhere()
    assert stage.written.leaks(stage.secrets) == []


def test_no_secret_is_written_when_signing_in_fails(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    connecting, browser = stage.platform.connecting, PLANTED["browser"]
    for number, change in enumerate(({"code": "another"}, {"error": "invalid_scope"}, {})):
        begun = connecting.begin(
            "echoing", redirect_uri=HERE, browser=browser, base_url=stage.vendor.url
        )
        stage.seen[f"state {number}"] = parse_qs(urlsplit(begun.url).query)["state"][0]
        back = allowed(begun.url)
        stage.seen[f"code {number}"] = back["code"]
        stage.vendor.denies = True
        with pytest.raises(SyncPlatformError) as refused:
            connecting.finish({**back, **change}, browser=browser)
        stage.written.add_error("finish", refused.value)
        with pytest.raises(Refused) as refused_again:
            connecting.finish(back, browser="another browser")
        stage.written.add_error("finish", refused_again.value)
        stage.vendor.denies = False
    stage.hears()
    stage.written.add_logs(caplog.records)
    stage.look_everywhere()
    assert stage.written.leaks(stage.secrets) == []


def test_no_secret_is_written_when_the_vendor_does_not_answer_in_time(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    connector = stage.platform.connector("echoing_query")
    stage.vendor.fail("slow", times=9, seconds=1.0)
    api = HttpApi(
        connector,
        connection="slow",
        base_url=stage.vendor.url,
        secret=lambda: Secret({"token": PLANTED["key in the address"]}),
        settings={},
        limiter=RateLimiter("slow", (), stage.platform.quotas, stage.platform.clock, {}),
        clock=stage.platform.clock,
        patience=Patience(tries=1),
        timeouts=Timeouts(read=0.05),
    )
    with pytest.raises(VendorUnavailable) as refused:
        api.get("/things")
    api.close()
    stage.written.add_error("slow", refused.value)
    stage.written.add("repr", api)
    stage.written.add_logs(caplog.records)
    assert stage.written.leaks(PLANTED) == []


def test_a_database_that_refuses_is_told_without_its_password(stage: Stage) -> None:
    settings = replace(
        stage.platform.settings,
        database_url="postgresql://u:marker%3Adatabase%2Fpassword@[::1]:1/x",
    )
    platform = Platform(settings)
    with pytest.raises(SyncPlatformError) as refused:
        platform.connections()
    stage.written.add_error("database", refused.value)
    stage.written.add("repr", settings, Database(platform.database_url))
    assert stage.written.leaks(PLANTED) == []


# -- the test itself ------------------------------------------------------------------------------


def test_what_is_written_is_found_in_every_form(platform: Platform, tmp_path: Path) -> None:
    secret = "marker/of a secret+1="
    written = Written()
    with psycopg.connect(platform.database_url, autocommit=True) as postgres:
        postgres.execute("CREATE TABLE notes (packed bytea, json jsonb, plain text[])")
        postgres.execute(
            "INSERT INTO notes VALUES (%s, %s, %s)",
            (zlib.compress(secret.encode()), psycopg.types.json.Jsonb([secret]), [secret]),
        )
    written.add_database(platform.database_url)
    (tmp_path / "log").write_text("GET /?key=marker%2Fof+a+secret%2B1%3D")
    written.add_folder(tmp_path)
    encoded = base64.b64encode(secret.encode()).decode()
    cause = NeedsReauth("as it is", evidence={"body": [secret]})
    raised = ValueError(f"Basic {encoded}")
    raised.__cause__ = cause
    written.add_error("raised", raised)
    written.add_error("cause", cause)
    assert written.leaks({"it": secret}) == [
        f"it in {tmp_path}/log",
        "it in cause: evidence",
        "it in public.notes.json",
        "it in public.notes.packed",
        "it in public.notes.plain",
        "it in raised",
    ]
    assert written.leaks({"another": "marker/of another"}) == []
