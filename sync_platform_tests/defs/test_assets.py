"""Runs of the objects' assets: what they materialize, log and fail with."""

from datetime import date, timedelta

import psycopg
import pytest

from sync_platform.defs.partitions import AUTOMATIC, current_partition
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.runs import Dagster

CONTACTS = ("hubspot", "contacts")
DEALS = ("hubspot", "deals")
OWNERS = ("hubspot", "owners")
TODAY = current_partition("acme-hubspot", "day", date(2024, 1, 1))
pytestmark = pytest.mark.usefixtures("acme")


def test_a_run_lands_the_rows_and_its_materialization_tells_of_the_sync(
    dagster: Dagster, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 250)
    run = dagster.run([CONTACTS], TODAY)
    assert run.ok
    (sync,) = platform.history("acme-hubspot")
    told = run.metadata(*CONTACTS)
    assert {name: told[name] for name in ("mode", "fetched", "created", "updated", "deleted")} == {
        "mode": "incremental",
        "fetched": 250,
        "created": 250,
        "updated": 0,
        "deleted": 0,
    }
    assert told["window"] == str(sync.window)
    assert (told["unchanged"], told["rejected"]) == (0, 0)
    assert (told["api_calls"], told["bytes"]) == (sync.usage.calls, sync.usage.bytes)
    assert told["seconds"] == pytest.approx(sync.seconds, abs=0.001)
    assert (told["sync"], sync.run_id) == (sync.id, run.id)
    assert told["dagster/row_count"] == 250
    assert told["dagster/relation_identifier"] == "acme_hubspot.contacts"


def test_a_materialization_has_the_tables_columns_with_their_types_and_labels(
    dagster: Dagster, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    told = dagster.run([CONTACTS], TODAY).metadata(*CONTACTS)
    columns = {each.name: each for each in told["dagster/column_schema"].columns}
    assert columns["email"].type == "text"
    assert "Email" in str(columns["email"].description)
    assert columns["createdate"].type == "timestamp with time zone"
    assert {"_synced_at", "_deleted_at"} <= columns.keys()


def test_the_counts_of_later_runs_are_those_of_what_changed(
    dagster: Dagster, hubspot: HubSpot
) -> None:
    first, second, *_ = hubspot.add_many("contacts", 10)
    dagster.run([CONTACTS], TODAY)
    hubspot.edit("contacts", first, firstname="Grace")
    hubspot.archive("contacts", second)
    hubspot.add("contacts", email="new@example.com")
    told = dagster.run([CONTACTS], TODAY).metadata(*CONTACTS)
    names = ("created", "updated", "deleted", "unchanged", "dagster/row_count")
    assert [told[name] for name in names] == [1, 1, 1, 8, 10]


def test_the_log_tells_what_is_read_and_how_far_it_is(dagster: Dagster, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 250)
    first, *told = dagster.run([CONTACTS], TODAY).log
    assert first.startswith("Reading contacts, incremental, the beginning to ")
    assert told[:2] == ["Page 1: 200 records.", "Page 2: 50 records."]
    committed = "Committed: 250 created, 0 updated, 0 deleted, 0 unchanged; 250 records so far."
    assert committed in told  # it may be told after the page that came meanwhile


def test_one_run_carries_many_objects(dagster: Dagster, platform: Platform) -> None:
    run = dagster.run([CONTACTS, DEALS, OWNERS], TODAY)
    assert len(run.materializations()) == 3
    assert {each.run_id for each in platform.history("acme-hubspot")} == {run.id}


def test_a_failing_sync_fails_its_step_with_our_sentence_and_evidence(
    dagster: Dagster, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.fail(kind="status", status=503, times=100, path="*/contacts/search")
    run = dagster.run([CONTACTS], TODAY)
    assert not run.ok
    assert run.materializations() == []
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    (sync,) = platform.history("acme-hubspot")
    assert sync.status is SyncStatus.FAILED
    assert failure.description == sync.error
    assert "HubSpot" in str(failure.description)
    told = {name: value.value for name, value in failure.metadata.items()}
    assert told["code"] == "vendor_unavailable"
    assert "'status': '503'" in str(told["evidence"])
    assert (told["mode"], told["sync"]) == ("incremental", sync.id)


def test_one_failing_object_does_not_stop_the_others_of_its_run(
    dagster: Dagster, hubspot: HubSpot
) -> None:
    hubspot.fail(kind="status", status=400, times=100, path="*/contacts/search")
    hubspot.add("deals", dealname="Big one")
    run = dagster.run([CONTACTS, DEALS, OWNERS], TODAY)
    assert list(run.failures) == ["hubspot__contacts"]
    assert {each.asset_key.path[1] for each in run.materializations()} == {"deals", "owners"}


def test_a_refused_sign_in_is_told_without_the_secret(dagster: Dagster, platform: Platform) -> None:
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked-0123456789"}))
    run = dagster.run([CONTACTS], TODAY)
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    assert "acme-hubspot" in str(failure.description)
    assert "revoked-0123456789" not in run.everything


def test_an_object_that_cannot_be_asked_for_days_is_read_whole(dagster: Dagster) -> None:
    run = dagster.run([OWNERS], "acme-hubspot|2024-03-01")
    (made,) = run.materializations()
    assert made.metadata["mode"].value == "full"
    assert made.metadata["fetched"].value == 10


def test_an_object_that_is_not_chosen_ends_quietly_without_a_materialization(
    dagster: Dagster, platform: Platform
) -> None:
    platform.choose_objects("acme-hubspot", ["deals"])
    run = dagster.run([CONTACTS, DEALS], TODAY)
    assert run.ok
    assert [each.asset_key.path[1] for each in run.materializations()] == ["deals"]
    assert "contacts is not chosen on acme-hubspot; nothing to do." in run.log
    assert [each.target.object for each in platform.history("acme-hubspot")] == ["deals"]


def test_an_automatic_run_of_what_is_being_synced_already_ends_quietly(
    dagster: Dagster, platform: Platform
) -> None:
    with platform.leases.hold(Target("acme-hubspot", "contacts"), wait=timedelta(0)):
        run = dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"})
    assert run.ok
    assert run.log == ["acme-hubspot/contacts is being synced already; nothing to do."]


def test_an_automatic_run_that_finds_two_syncs_of_its_connection_ends_quietly(
    dagster: Dagster, platform: Platform
) -> None:
    deals, owners = (Target("acme-hubspot", name) for name in ("deals", "owners"))
    at_once = timedelta(0)
    with platform.leases.hold(deals, wait=at_once), platform.leases.hold(owners, wait=at_once):
        run = dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"})
    assert run.ok
    (line,) = run.log
    assert line.startswith("acme-hubspot runs 2 syncs already, as many as a connection may; ")


def test_an_automatic_full_run_that_waited_while_another_did_it_ends_quietly(
    dagster: Dagster, platform: Platform
) -> None:
    age_the_connection(platform)
    again = {"tags": {AUTOMATIC: "true"}, "config": {"mode": "full"}}
    assert len(dagster.run([CONTACTS], TODAY, **again).materializations()) == 1
    second = dagster.run([CONTACTS], TODAY, **again)
    assert second.log == [
        "The full sync of acme-hubspot/contacts is not due any more; nothing to do."
    ]
    assert len(platform.history("acme-hubspot")) == 1


def test_an_automatic_run_soon_after_another_ends_quietly_and_one_by_hand_does_not(
    dagster: Dagster, platform: Platform
) -> None:
    assert len(dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"}).materializations()) == 1
    assert dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"}).materializations() == []
    assert len(dagster.run([CONTACTS], TODAY).materializations()) == 1
    assert len(platform.history("acme-hubspot")) == 2


def test_an_automatic_run_of_a_paused_connection_ends_quietly_and_one_by_hand_does_not(
    dagster: Dagster, platform: Platform
) -> None:
    platform.pause("acme-hubspot", "Over the holidays.")
    quiet = dagster.run([CONTACTS], TODAY, tags={AUTOMATIC: "true"})
    assert quiet.log == ["acme-hubspot is paused: Over the holidays."]
    assert (quiet.ok, quiet.materializations()) == (True, [])
    assert len(dagster.run([CONTACTS], TODAY).materializations()) == 1


def test_too_many_deletes_fail_the_run_until_a_person_accepts_them_in_the_launchpad(
    dagster: Dagster, platform: Platform, hubspot: HubSpot
) -> None:
    ids = hubspot.add_many("deals", 10)
    dagster.run([OWNERS, DEALS], TODAY)
    for id in ids:
        hubspot.purge("deals", id)
    age_by_a_day(platform)
    refused = dagster.run([DEALS], TODAY, config={"mode": "full"})
    (failure,) = refused.failures.values()
    assert not isinstance(failure, str)
    assert failure.metadata["code"].value == "too_many_deletes"
    accepted = dagster.run([DEALS], TODAY, config={"mode": "full", "accept_deletes": True})
    assert accepted.metadata(*DEALS)["deleted"] == 10


def test_a_connection_that_was_removed_meanwhile_is_told_as_such(
    dagster: Dagster, platform: Platform
) -> None:
    platform.disconnect("acme-hubspot")
    (failure,) = dagster.run([CONTACTS], TODAY).failures.values()
    assert not isinstance(failure, str)
    assert "acme-hubspot" in str(failure.description)


def test_only_a_full_run_accepts_deletes(dagster: Dagster, platform: Platform) -> None:
    (failure,) = dagster.run([DEALS], TODAY, config={"accept_deletes": True}).failures.values()
    assert not isinstance(failure, str)
    assert "only a full sync finds deletes; say mode: full as well" in str(failure.description)


def age_the_connection(platform: Platform) -> None:
    """Make it as old as one that has had no daily full sync yet."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("UPDATE sync_platform.connections SET created_at = now() - interval '2 d'")


def age_by_a_day(platform: Platform) -> None:
    """Make the deals look as old as rows of yesterday: a reconcile spares very new ones."""
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("UPDATE acme_hubspot.deals SET _synced_at = _synced_at - interval '1 day'")
