"""Backfills and automatic runs, by Dagster's own daemon, on an installation's own storage."""

from datetime import UTC, datetime

import dagster as dg
import psycopg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from sync_platform.defs.partitions import CONNECTION_TAG, current_partition
from sync_platform.defs.sensors import config_for
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.daemon import Daemon
from sync_platform_tests.defs.runs import RANGE_END, RANGE_START

COMPLETED, FAILED = BulkActionStatus.COMPLETED_SUCCESS, BulkActionStatus.COMPLETED_FAILED
ACME, BETA = "acme-hubspot", "beta-hubspot"
CONTACTS, DEALS, OWNERS = (
    dg.AssetKey(["hubspot", name]) for name in ("contacts", "deals", "owners")
)
DAYS = ("2024-02-28", "2024-02-29", "2024-03-01")
WINDOW = SyncWindow(datetime(2024, 2, 28, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))


@pytest.fixture(autouse=True)
def two_connections(acme: Connection, platform: Platform, hubspot: HubSpot, daemon: Daemon) -> None:
    """Two connections to one account, both known to Dagster as partitions."""
    token = Secret({"token": "sandbox-token"})
    platform.connect("hubspot", BETA, token, base_url=hubspot.url)
    daemon.instance.add_dynamic_partitions("hubspot_connections", [ACME, BETA])


def over(*connections: str, days: tuple[str, ...] = DAYS) -> list[str]:
    return [f"{connection}|{day}" for connection in connections for day in days]


def test_a_backfill_over_days_of_two_connections_is_one_run_for_each_over_exactly_the_days(
    daemon: Daemon, platform: Platform
) -> None:
    assert daemon.backfill([CONTACTS, DEALS], over(ACME, BETA)) is COMPLETED
    runs = daemon.instance.get_runs()
    assert sorted((run.tags[RANGE_START], run.tags[RANGE_END]) for run in runs) == [
        (f"{ACME}|2024-02-28", f"{ACME}|2024-03-01"),
        (f"{BETA}|2024-02-28", f"{BETA}|2024-03-01"),
    ]
    syncs = platform.history()
    assert sorted(str(each.target) for each in syncs) == [
        f"{connection}/{object}" for connection in (ACME, BETA) for object in ("contacts", "deals")
    ]
    assert {(each.mode, each.window) for each in syncs} == {(SyncMode.FROM_DATE, WINDOW)}


def test_a_backfill_lands_the_records_of_its_days_and_materializes_each_day(
    daemon: Daemon, platform: Platform, hubspot: HubSpot
) -> None:
    for day in ("2024-02-27", *DAYS, "2024-03-02"):
        hubspot.add("contacts", email=f"{day}@example.com", lastmodifieddate=f"{day}T12:00:00Z")
    daemon.backfill([CONTACTS], over(ACME))
    with psycopg.connect(platform.database_url) as postgres:
        rows = postgres.execute("SELECT email FROM acme_hubspot.contacts ORDER BY 1").fetchall()
    assert [email for (email,) in rows] == [f"{day}@example.com" for day in DAYS]
    assert daemon.instance.get_materialized_partitions(CONTACTS) == set(over(ACME))


def test_days_that_are_not_next_to_each_other_are_a_run_for_each_stretch(
    daemon: Daemon, platform: Platform
) -> None:
    daemon.backfill([CONTACTS], over(ACME, days=("2024-02-28", "2024-02-29", "2024-03-02")))
    windows = sorted(str(each.window) for each in platform.history())
    assert windows == [
        "2024-02-28T00:00:00+00:00 to 2024-03-01T00:00:00+00:00",
        "2024-03-02T00:00:00+00:00 to 2024-03-03T00:00:00+00:00",
    ]


def test_config_reaches_every_run_of_a_backfill(daemon: Daemon, platform: Platform) -> None:
    today = [
        current_partition(connection, "day", platform.settings.first_day)
        for connection in (ACME, BETA)
    ]
    daemon.backfill([CONTACTS], today, config_for([CONTACTS], {"mode": "full"}))
    assert [each.mode for each in platform.history()] == [SyncMode.FULL, SyncMode.FULL]


def test_a_backfill_of_all_objects_reads_those_whole_that_cannot_be_asked_for_days(
    daemon: Daemon, platform: Platform
) -> None:
    assert daemon.backfill([CONTACTS, OWNERS], over(ACME)) is COMPLETED
    assert len(daemon.runs()) == 1
    modes = {sync.target.object: sync.mode for sync in platform.history(ACME)}
    assert modes == {"contacts": SyncMode.FROM_DATE, "owners": SyncMode.FULL}
    assert daemon.instance.get_materialized_partitions(OWNERS) == set(over(ACME))


def test_the_daemon_syncs_every_connection_that_is_due_without_anyones_doing(
    daemon: Daemon, platform: Platform, hubspot: HubSpot
) -> None:
    for each in (ACME, BETA):
        daemon.instance.delete_dynamic_partition("hubspot_connections", each)
        platform.choose_objects(each, ["contacts", "owners"])
    hubspot.add_many("contacts", 20)
    daemon.evaluate_sensors()
    assert set(daemon.instance.get_dynamic_partitions("hubspot_connections")) == {ACME, BETA}
    runs = daemon.instance.get_runs()
    assert {run.tags[CONNECTION_TAG]: run.is_success for run in runs} == {ACME: True, BETA: True}
    assert sum(each.counts.created for each in platform.history()) == 2 * (20 + 10)


# -- runs over several connections, as Dagster makes them where there are not more dates ----------


def test_todays_partition_of_every_connection_is_one_run_that_syncs_each_of_them(
    daemon: Daemon, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 5)
    today = current_partition(ACME, "day", platform.settings.first_day).split("|")[1]
    daemon.backfill([CONTACTS], over(ACME, BETA, days=(today,)))
    (run,) = daemon.runs()
    assert len(run.materializations()) == 2
    tables = {
        str(each.partition): each.metadata["dagster/relation_identifier"].value
        for each in run.materializations("hubspot", "contacts")
    }
    assert tables == {
        f"{ACME}|{today}": "acme_hubspot.contacts",
        f"{BETA}|{today}": "beta_hubspot.contacts",
    }
    assert {(str(each.target), each.mode, each.counts.created) for each in platform.history()} == {
        (f"{ACME}/contacts", SyncMode.INCREMENTAL, 5),
        (f"{BETA}/contacts", SyncMode.INCREMENTAL, 5),
    }
    assert f"{BETA}: Page 1: 5 records" in "\n".join(run.log)


def test_as_many_days_as_connections_are_a_run_for_each_day_over_all_of_them(
    daemon: Daemon, platform: Platform
) -> None:
    assert daemon.backfill([CONTACTS], over(ACME, BETA, days=DAYS[:2])) is COMPLETED
    windows = {(each.target.connection, str(each.window)) for each in platform.history()}
    assert windows == {
        (name, window)
        for name in (ACME, BETA)
        for window in (
            "2024-02-28T00:00:00+00:00 to 2024-02-29T00:00:00+00:00",
            "2024-02-29T00:00:00+00:00 to 2024-03-01T00:00:00+00:00",
        )
    }


def test_a_connection_that_fails_does_not_stop_the_others_of_its_run(
    daemon: Daemon, platform: Platform
) -> None:
    platform.credentials.save(ACME, Secret({"token": "revoked-0123456789"}))
    assert daemon.backfill([CONTACTS], over(ACME, BETA, days=DAYS[:1])) is FAILED
    (run,) = daemon.runs()
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    assert str(failure.description).startswith(f"1 of 2 connections failed. {ACME}: ")
    assert "revoked-0123456789" not in run.everything
    done = daemon.instance.get_materialized_partitions(CONTACTS)
    assert done == set(over(BETA, days=DAYS[:1]))


def test_a_connection_that_has_not_chosen_the_object_is_passed_over_quietly(
    daemon: Daemon, platform: Platform
) -> None:
    platform.choose_objects(ACME, ["deals"])
    daemon.backfill([CONTACTS], over(ACME, BETA, days=DAYS[:1]))
    (run,) = daemon.runs()
    assert run.ok
    assert f"contacts is not chosen on {ACME}; nothing to do." in run.log
    done = daemon.instance.get_materialized_partitions(CONTACTS)
    assert done == set(over(BETA, days=DAYS[:1]))
