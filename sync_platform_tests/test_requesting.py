"""Syncs that someone asks for, from the asking to the end, at a Dagster whose runs a test moves."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.requested import Asked, AskedObject, AskedStatus
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    DagsterUnavailable,
    Refused,
    SyncPlatformError,
    Unexpected,
    UnknownConnection,
    UnknownObject,
    UnknownSync,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform.waist.requesting import date_partition
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.transport.small_dagster import SmallDagster, SmallRun, small_dagster
from sync_platform_tests.transport.wire import unused_url

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
ALL = ["contacts", "companies", "deals", "tickets", "products", "line_items", "owners"]


@pytest.fixture
def dagster() -> Iterator[SmallDagster]:
    with small_dagster(*(("hubspot", name) for name in ALL)) as it:
        yield it


@pytest.fixture
def platform(settings: Settings, dagster: SmallDagster) -> Iterator[Platform]:
    it = Platform(replace(settings, dagster_url=dagster.url), clock=HastyClock())
    yield it
    it.close()


def ask(platform: Platform, *objects: str | AskedObject, **more: bool) -> str:
    """Ask for syncs of these objects; the request's id."""
    named = [AskedObject(object=each) if isinstance(each, str) else each for each in objects]
    asked = Asked(objects=named or None, **more)
    return platform.request_syncs("acme-hubspot", asked, by="ana@acme.test").id


def carry_out(platform: Platform, run: SmallRun, status: str = "SUCCESS") -> None:
    """Sync what the run is to sync, as Dagster's worker would."""
    run.status = "STARTED"
    for name, config in run.config.items():
        since = config.get("since")
        window = SyncWindow(datetime.fromisoformat(since)) if since else SyncWindow()
        request = SyncRequest(
            Target("acme-hubspot", name),
            mode=SyncMode.FROM_DATE if since else SyncMode(config["mode"]),
            window=window,
            run_id=run.id,
        )
        try:
            platform.sync(request).run(into=platform.destination)
        except SyncPlatformError:
            status = "FAILURE"
    run.status = status


@pytest.mark.usefixtures("acme")
def test_by_default_all_chosen_objects_are_synced_incrementally_in_one_run(
    platform: Platform, dagster: SmallDagster
) -> None:
    request = platform.request_syncs("acme-hubspot", Asked(), by="ana@acme.test")
    (run,) = dagster.runs
    assert request.run_ids == [run.id]
    assert sorted(run.objects) == sorted(ALL)
    assert {config["mode"] for config in run.config.values()} == {"incremental"}
    assert request.status is AskedStatus.WAITING
    assert request.asked_by == "ana@acme.test"
    assert {each.status for each in request.syncs} == {AskedStatus.WAITING}


@pytest.mark.usefixtures("acme")
def test_objects_of_one_mode_and_window_share_a_run(
    platform: Platform, dagster: SmallDagster
) -> None:
    deals = AskedObject(object="deals", sync_from=MARCH)
    tickets = AskedObject(object="tickets", sync_from=MARCH)
    ask(platform, "contacts", deals, "companies", tickets)
    changes, dates = dagster.runs
    assert changes.objects == ["contacts", "companies"]
    assert dates.objects == ["deals", "tickets"]
    assert dates.config["deals"] == {"since": "2026-03-01T00:00:00+00:00"}


@pytest.mark.usefixtures("acme")
def test_a_full_sync_may_accept_deletes(platform: Platform, dagster: SmallDagster) -> None:
    ask(platform, "owners", full_sync=True, accept_deletes=True)
    assert dagster.runs[0].config == {"owners": {"mode": "full", "accept_deletes": True}}


@pytest.mark.usefixtures("acme")
def test_its_progress_is_that_of_its_runs_with_the_counts_of_history(
    platform: Platform, dagster: SmallDagster, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    id = ask(platform, "contacts", "deals")
    (run,) = dagster.runs
    run.status = "STARTED"
    assert platform.sync_request("acme-hubspot", id).status is AskedStatus.RUNNING
    carry_out(platform, run)
    done = platform.sync_request("acme-hubspot", id)
    assert done.status is AskedStatus.SUCCEEDED
    assert done.ended_at is not None
    contacts, deals = done.syncs
    assert contacts.sync is not None
    assert contacts.sync.counts.created == 3
    assert deals.status is AskedStatus.SUCCEEDED


@pytest.mark.usefixtures("acme")
def test_one_object_that_fails_fails_the_request_and_tells_its_sentence(
    platform: Platform, dagster: SmallDagster, hubspot: HubSpot
) -> None:
    id = ask(platform, "contacts", "deals")
    hubspot.fail(kind="status", status=403, path="/crm/v3/objects/contacts*", times=50)
    carry_out(platform, dagster.runs[0])
    done = platform.sync_request("acme-hubspot", id)
    assert done.status is AskedStatus.FAILED
    contacts, deals = done.syncs
    assert contacts.status is AskedStatus.FAILED
    assert contacts.error is not None
    assert "does not permit" in contacts.error
    assert deals.status is AskedStatus.SUCCEEDED


@pytest.mark.usefixtures("acme")
def test_what_is_asked_again_while_it_waits_or_runs_is_the_same_request(
    platform: Platform, dagster: SmallDagster
) -> None:
    first = ask(platform, "contacts", "deals")
    assert ask(platform, "deals", "contacts") == first
    dagster.runs[0].status = "STARTED"
    assert ask(platform, "contacts", "deals") == first
    assert ask(platform, "contacts") != first
    dagster.runs[0].status = "SUCCESS"
    assert ask(platform, "contacts", "deals") != first
    assert len(dagster.runs) == 3


@pytest.mark.usefixtures("acme")
def test_of_those_who_ask_for_the_same_at_once_one_launches_it(
    platform: Platform, dagster: SmallDagster
) -> None:
    with ThreadPoolExecutor(8) as people:
        ids = set(people.map(lambda _: ask(platform, "contacts"), range(16)))
    assert len(ids) == len(dagster.runs) == 1


@pytest.mark.usefixtures("acme")
def test_canceling_ends_its_runs_and_frees_the_way_for_the_same_again(
    platform: Platform, dagster: SmallDagster
) -> None:
    id = ask(platform, "contacts", AskedObject(object="deals", sync_from=MARCH))
    dagster.runs[1].status = "STARTED"
    stopping = platform.cancel_syncs("acme-hubspot", id)
    assert [run.status for run in dagster.runs] == ["CANCELED", "CANCELING"]
    assert stopping.status is AskedStatus.RUNNING
    assert stopping.canceled_at is not None
    assert ask(platform, "contacts", AskedObject(object="deals", sync_from=MARCH)) != id
    dagster.runs[1].status = "CANCELED"
    assert platform.sync_request("acme-hubspot", id).status is AskedStatus.CANCELED


@pytest.mark.usefixtures("acme")
def test_what_has_ended_stays_as_it_ended_when_dagster_and_history_have_forgotten(
    platform: Platform, dagster: SmallDagster
) -> None:
    id = ask(platform, "contacts")
    carry_out(platform, dagster.runs[0])
    ended = platform.sync_request("acme-hubspot", id)
    dagster.runs.clear()
    with platform.database.statement() as session:
        session.execute("DELETE FROM sync_platform.syncs")
    later = platform.cancel_syncs("acme-hubspot", id)
    assert later.status is later.syncs[0].status is AskedStatus.SUCCEEDED
    assert later.ended_at == ended.ended_at
    assert later.canceled_at is None


@pytest.mark.usefixtures("acme")
def test_a_run_that_failed_before_its_sync_began_is_told_as_such(
    platform: Platform, dagster: SmallDagster
) -> None:
    id = ask(platform, "contacts")
    dagster.runs[0].status = "FAILURE"
    (sync,) = platform.sync_request("acme-hubspot", id).syncs
    assert sync.status is AskedStatus.FAILED
    assert sync.error is not None
    assert "before the sync began" in sync.error


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(objects=[AskedObject(object="owners", sync_from=MARCH)]), "only be synced in full"),
        (Asked(objects=[AskedObject(object="deals")]), "deals is not chosen"),
        (
            Asked(objects=[AskedObject(object="contacts"), AskedObject(object="contacts")]),
            "asked for twice",
        ),
        (
            Asked(objects=[AskedObject(object="contacts", sync_from=MARCH)], full_sync=True),
            "in full and from a date at once",
        ),
        (Asked(accept_deletes=True), "Only a full sync finds deletes"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(
    platform: Platform, dagster: SmallDagster, acme: Connection, asked: Asked, sentence: str
) -> None:
    platform.choose_objects(acme.name, ["contacts", "owners"])
    with pytest.raises(Refused, match=sentence):
        platform.request_syncs(acme.name, asked, by="ana")
    assert dagster.runs == []


@pytest.mark.usefixtures("acme")
def test_names_that_there_are_not_are_refused(platform: Platform) -> None:
    with pytest.raises(UnknownObject):
        ask(platform, "unicorns")
    with pytest.raises(UnknownConnection):
        platform.request_syncs("nobody", Asked(), by="ana")
    with pytest.raises(UnknownSync):
        platform.sync_request("acme-hubspot", "nothing")


@pytest.mark.usefixtures("acme")
def test_where_the_second_of_two_runs_cannot_be_launched_the_first_is_taken_back(
    platform: Platform, dagster: SmallDagster
) -> None:
    dagster.refuse_launch = {"__typename": "PythonError", "message": "no room"}
    dagster.launches_until_refused = 1
    with pytest.raises(Unexpected, match="no room"):
        ask(platform, "contacts", AskedObject(object="deals", sync_from=MARCH))
    assert [run.status for run in dagster.runs] == ["CANCELED"]
    dagster.refuse_launch = None
    ask(platform, "contacts")


def test_where_dagster_cannot_be_reached_nothing_is_left_behind(
    platform: Platform, settings: Settings, acme: Connection
) -> None:
    alone = Platform(replace(settings, dagster_url=unused_url()))
    with pytest.raises(DagsterUnavailable):
        alone.request_syncs(acme.name, Asked(), by="ana")
    alone.close()
    with platform.database.statement() as session:
        assert session.execute("SELECT id FROM sync_platform.sync_requests").fetchall() == []


@pytest.mark.usefixtures("acme")
def test_a_sync_that_nobody_asked_for_is_told_alike_and_its_run_can_be_stopped(
    platform: Platform, dagster: SmallDagster
) -> None:
    request = SyncRequest(Target("acme-hubspot", "contacts"), automatic=True)
    result = platform.sync(request).run(into=platform.destination)
    told = platform.sync_request("acme-hubspot", result.id)
    assert told.status is AskedStatus.SUCCEEDED
    assert told.asked_by is None
    assert told.syncs[0].sync == result
    assert platform.cancel_syncs("acme-hubspot", result.id) == told


def test_the_date_partition_is_the_day_the_monday_or_the_first() -> None:
    saturday = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    assert date_partition(saturday, "day") == "2026-11-21"
    assert date_partition(saturday, "week") == date(2026, 11, 16).isoformat()
    assert date_partition(saturday, "month") == "2026-11-01"


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_the_date_partition_is_dagsters_last_one(grain: str) -> None:
    from sync_platform.defs.partitions import dates

    first = datetime.now(UTC).date() - timedelta(days=400)
    today = datetime.now(UTC)
    assert date_partition(today, grain) == dates(grain, first).get_last_partition_key()  # type: ignore[arg-type]
