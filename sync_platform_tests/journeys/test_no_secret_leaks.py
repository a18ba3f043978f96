"""A marker is planted in every secret; whatever fails then, none of it is written anywhere.

A new face joins by adding what it wrote to `Written`, and its secrets to `Stage.secrets`; the web
face has done so in test_no_secret_leaks_to_the_web.py.
"""

import base64
import logging
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from click.testing import CliRunner

from sync_platform.cli.commands import cli
from sync_platform.defs.partitions import current_partition
from sync_platform.engine.ports import Secret
from sync_platform.errors import NeedsReauth, Refused, SyncPlatformError, VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.store.database import Database
from sync_platform.transport.api import HttpApi
from sync_platform.transport.call import Timeouts
from sync_platform.transport.retry import Patience
from sync_platform.transport.throttle import RateLimiter
from sync_platform_tests.defs.daemon import projects_dagster
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.journeys.planted import (
    FAILURES,
    FOLDER,
    HERE,
    NAMES,
    PLANTED,
    Stage,
    allowed,
    connect_all,
    mend,
    staged,
)
from sync_platform_tests.journeys.written import Written


@pytest.fixture
def stage(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    caplog.set_level(logging.DEBUG)
    with staged(settings) as it:
        yield it


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
    stage.vendor.fail("slow", times=9, seconds=3.0)  # silence is noticed to the second
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
