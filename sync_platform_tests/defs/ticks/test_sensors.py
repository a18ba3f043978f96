"""The sensors: what makes syncs run by themselves, and what looks after them."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from sync_platform.defs.partitions import AUTOMATIC, CONNECTION_TAG, current_partition
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import OAuthClient, ObjectChoice, Secret
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.runs import Dagster, definitions_of
from sync_platform_tests.defs.ticks.conftest import (
    OBJECTS,
    PARTITIONS,
    Tick,
    another,
    asked,
    changes,
    only_request,
    sync_all,
)
from sync_platform_tests.fakes import FakeClock

# -- connections_as_partitions ----------------------------------------------------------------


def test_a_new_connection_becomes_a_partition(acme: Connection, tick: Tick) -> None:
    assert changes(tick("connections_as_partitions")) == {"add": ["acme-hubspot"]}


def test_a_removed_connection_is_dropped_from_the_partitions(
    acme: Connection, tick: Tick, platform: Platform, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot", "gone-long-ago"])
    assert changes(tick("connections_as_partitions")) == {"delete": ["gone-long-ago"]}
    platform.disconnect("acme-hubspot")
    found = changes(tick("connections_as_partitions"))
    assert found == {"delete": ["acme-hubspot", "gone-long-ago"]}


def test_partitions_that_agree_with_the_connections_stay(
    acme: Connection, tick: Tick, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot"])
    assert changes(tick("connections_as_partitions")) == {}


# -- incremental_due --------------------------------------------------------------------------


def test_a_connection_that_is_due_gets_one_run_with_all_its_due_objects(
    acme: Connection, tick: Tick
) -> None:
    request = only_request(tick("incremental_due"))
    assert asked(request) == set(OBJECTS)
    assert request.tags[AUTOMATIC] == "true"
    assert request.tags[CONNECTION_TAG] == "acme-hubspot"
    assert request.run_config == {}


def test_its_partition_is_the_connections_today(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    today = current_partition("acme-hubspot", "day", platform.settings.first_day)
    assert only_request(tick("incremental_due")).partition_key == today
    assert today == f"acme-hubspot|{datetime.now(UTC):%Y-%m-%d}"


def test_each_connection_gets_a_run_of_its_own(
    acme: Connection, tick: Tick, platform: Platform, hubspot: HubSpot
) -> None:
    another(platform, hubspot, "beta-hubspot")
    found = [each.tags[CONNECTION_TAG] for each in tick("incremental_due").run_requests or []]
    assert sorted(found) == ["acme-hubspot", "beta-hubspot"]


def test_a_connection_made_a_moment_ago_need_not_wait_for_its_partition(
    acme: Connection, tick: Tick, instance: dg.DagsterInstance
) -> None:
    assert changes(tick("incremental_due")) == {"add": ["acme-hubspot"]}
    instance.add_dynamic_partitions(PARTITIONS, ["acme-hubspot"])
    assert changes(tick("incremental_due")) == {}


def test_nothing_is_launched_where_nothing_is_due(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    sync_all(platform)
    assert tick("incremental_due").run_requests == []


def test_only_the_objects_whose_interval_has_passed_are_launched(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    sync_all(platform)
    clock.pass_by(timedelta(minutes=10))
    platform.sync(SyncRequest(target=Target("acme-hubspot", "deals"))).run(
        into=platform.destination
    )
    clock.pass_by(timedelta(minutes=6))
    assert asked(only_request(tick("incremental_due"))) == set(OBJECTS) - {"deals"}


def test_a_paused_connection_is_left_alone(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    platform.pause("acme-hubspot")
    assert tick("incremental_due").run_requests == []
    platform.resume("acme-hubspot")
    assert only_request(tick("incremental_due"))


def test_a_connection_that_needs_a_new_sign_in_is_left_alone(
    acme: Connection, tick: Tick, platform: Platform
) -> None:
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked"}))
    with pytest.raises(NeedsReauth):
        sync_all(platform)
    assert tick("incremental_due").run_requests == []
    platform.reconnect("acme-hubspot", Secret({"token": "sandbox-token"}))
    assert only_request(tick("incremental_due"))


def test_a_run_is_asked_for_once_until_it_is_a_quarter_of_an_hour_overdue(
    acme: Connection, tick: Tick, clock: FakeClock
) -> None:
    key = only_request(tick("incremental_due")).run_key
    clock.pass_by(timedelta(minutes=14))
    assert only_request(tick("incremental_due")).run_key == key
    clock.pass_by(timedelta(minutes=2))
    assert only_request(tick("incremental_due")).run_key != key


def test_the_next_interval_has_another_run_key(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    key = only_request(tick("incremental_due")).run_key
    sync_all(platform)
    clock.pass_by(timedelta(minutes=16))
    assert only_request(tick("incremental_due")).run_key != key


def test_an_object_that_is_no_asset_keeps_nothing_else_from_syncing(
    acme: Connection,
    tick: Tick,
    platform: Platform,
    hubspot: HubSpot,
) -> None:
    """Its connector has it no more, or it was found since the code was loaded."""
    platform.store.choose_objects(
        "acme-hubspot", [ObjectChoice(object="contacts"), ObjectChoice(object="no_asset")]
    )
    another(platform, hubspot, "beta-hubspot")
    platform.store.choose_objects("beta-hubspot", [ObjectChoice(object="no_asset")])
    assert asked(only_request(tick("incremental_due"))) == {"contacts"}


def test_what_the_sensor_asks_for_can_be_run(
    acme: Connection, tick: Tick, platform: Platform, instance: dg.DagsterInstance
) -> None:
    answer = tick("incremental_due")
    request = only_request(answer)
    instance.add_dynamic_partitions(PARTITIONS, changes(answer)["add"])
    run = Dagster(instance, definitions_of(platform)).launch(request)
    assert (run.ok, len(run.materializations())) == (True, len(OBJECTS))
    assert all(each.automatic for each in platform.history("acme-hubspot"))


# -- stale_syncs ------------------------------------------------------------------------------


def test_a_sync_that_has_been_silent_for_five_minutes_is_marked_as_stale(
    acme: Connection, tick: Tick, platform: Platform, clock: FakeClock
) -> None:
    target = Target("acme-hubspot", "contacts")
    recording = platform.past.record(
        target, mode=SyncMode.FULL, window=SyncWindow(), started_at=clock.now()
    )
    recording.__enter__()  # its process dies here, without a word
    assert tick("stale_syncs").skip_message == "No sync is stale."
    clock.pass_by(timedelta(minutes=6))
    assert tick("stale_syncs").skip_message == "1 stale syncs."
    (sync,) = platform.history("acme-hubspot")
    assert sync.status is SyncStatus.STALE


# -- idle_sign_ins ----------------------------------------------------------------------------


def test_sign_ins_that_are_in_use_are_left_alone(acme: Connection, tick: Tick) -> None:
    assert tick("idle_sign_ins").skip_message == "No sign-in has been idle for long."


def test_a_sign_in_that_nobody_uses_is_renewed(
    acme: Connection, tick: Tick, platform: Platform, hubspot: HubSpot, clock: FakeClock
) -> None:
    """The vendor said how long its refresh token lives unused."""
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    redeem = {"grant_type": "authorization_code", "code": hubspot.consent(), **app}
    given = hubspot.oauth.grant(redeem, "", "")
    now = clock.now().timestamp()
    lives = {"renewed_at": now, "refresh_expires_at": now + 60 * 86_400}
    platform.credentials.save("acme-hubspot", Secret({"auth": "OAuth2", **given, **lives}))
    platform.oauth_clients.set("hubspot", OAuthClient("sandbox-client", "sandbox-secret"))
    assert tick("idle_sign_ins").skip_message == "No sign-in has been idle for long."
    clock.pass_by(timedelta(days=30))
    assert tick("idle_sign_ins").skip_message == "Renewed: acme-hubspot."
    assert platform.credentials.read("acme-hubspot")["renewed_at"] == clock.now().timestamp()
