"""Who is due for an automatic sync."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sync_platform.engine.activity import FullSyncs, TargetActivity
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.due import (
    DueConnection,
    due_computed,
    due_fulls,
    due_syncs,
    interval_of,
    latest_slot,
)
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.spec import BearerToken, Connector, Interval, get, hours, minutes
from sync_platform_tests.engine.stage import CONTACTS, at, contacts
from sync_platform_tests.engine.test_breaker import DOWN, history
from sync_platform_tests.fakes import NOON

DAY = timedelta(days=1)
HUBSPOT = Connector(
    name="hubspot",
    label="HubSpot",
    base_url="https://api.example.com",
    auth=[BearerToken()],
    objects=[],
    check=get("/me"),
    interval=Interval(default=minutes(15), shortest=minutes(5), longest=hours(24)),
)
ACME = Connection(
    name="acme",
    connector="hubspot",
    schema="acme",
    objects=[ObjectChoice(object="contacts")],
    created_at=at(-600),
)


def due(
    activity: TargetActivity | None = None, connection: Connection = ACME
) -> Sequence[tuple[str, ...]]:
    """The objects of each connection that is due at noon."""
    known = {CONTACTS: activity} if activity else {}
    return [it.objects for it in due_syncs([connection], {"hubspot": HUBSPOT}, known, NOON)]


@pytest.mark.parametrize(
    ("activity", "is_due"),
    [
        (None, True),
        (TargetActivity(), True),
        (TargetActivity(last_started_at=at(-16)), True),
        (TargetActivity(last_started_at=at(-15)), True),
        (TargetActivity(last_started_at=at(-14)), False),
        (TargetActivity(last_started_at=at(-16), running=True), False),
        (TargetActivity(last_started_at=at(-16), recent=history(*(DOWN,) * 5)), False),
        (TargetActivity(last_started_at=at(-16), recent=history(*(DOWN,) * 4)), True),
        (TargetActivity(last_started_at=at(-16), recent=history("not_permitted")), False),
        (
            TargetActivity(
                last_started_at=at(-16), recent=history(*(DOWN,) * 5), resumed_at=at(-1)
            ),
            True,
        ),
        (TargetActivity(last_started_at=at(-3), resumed_at=at(-1)), True),
    ],
)
def test_an_object_is_due_when_its_interval_has_passed_and_nothing_forbids_it(
    activity: TargetActivity | None, is_due: bool
) -> None:
    assert due(activity) == ([("contacts",)] if is_due else [])


@pytest.mark.parametrize(
    ("status", "is_due"),
    [
        (ConnectionStatus.ACTIVE, True),
        (ConnectionStatus.NEEDS_ATTENTION, True),  # one object's trouble does not stop the others
        (ConnectionStatus.PAUSED, False),
        (ConnectionStatus.NEEDS_REAUTH, False),
    ],
)
def test_a_connection_that_is_paused_or_signed_out_is_never_due(
    status: ConnectionStatus, is_due: bool
) -> None:
    connection = replace(ACME, status=status)
    assert bool(due(connection=connection)) is is_due
    assert bool(due_fulls([connection], {}, NOON + DAY, hour=3)) is is_due


def test_a_connection_of_a_connector_that_is_not_there_is_never_due() -> None:
    assert due(connection=replace(ACME, connector="other")) == []


def test_a_connection_without_chosen_objects_is_never_due() -> None:
    assert due(connection=replace(ACME, objects=())) == []
    assert due_fulls([replace(ACME, objects=())], {}, NOON + DAY, hour=3) == []


@pytest.mark.parametrize(
    ("own", "connections", "interval"),
    [
        (None, None, minutes(15)),
        (None, hours(2), hours(2)),
        (hours(1), hours(2), hours(1)),
        (minutes(1), None, minutes(5)),
        (None, minutes(1), minutes(5)),
        (hours(100), None, hours(24)),
    ],
)
def test_the_interval_is_the_objects_own_or_its_connections_within_the_connectors_bounds(
    own: timedelta | None, connections: timedelta | None, interval: timedelta
) -> None:
    connection = replace(ACME, interval=connections)
    choice = ObjectChoice(object="contacts", interval=own)
    assert interval_of(HUBSPOT, connection, choice) == interval


def test_only_the_objects_that_are_due_are_named() -> None:
    choices = [ObjectChoice(object=name) for name in ("contacts", "deals", "owners")]
    acme = replace(ACME, objects=choices)
    known = {
        CONTACTS: TargetActivity(last_started_at=at(-20)),
        Target("acme", "deals"): TargetActivity(last_started_at=at(-2)),
    }
    [found] = due_syncs([acme], {"hubspot": HUBSPOT}, known, NOON)
    assert found.objects == ("contacts", "owners")


def test_the_longest_overdue_comes_first() -> None:
    names = ["a", "b", "c"]
    connections = [replace(ACME, name=name) for name in names]
    known = {
        Target(name, "contacts"): TargetActivity(last_started_at=at(-minutes))
        for name, minutes in zip(names, (20, 60, 40), strict=True)
    }
    found = due_syncs(connections, {"hubspot": HUBSPOT}, known, NOON)
    assert [it.connection.name for it in found] == ["b", "c", "a"]
    assert found[0].due_at == at(-45)


def slot(now: datetime = NOON) -> datetime:
    return latest_slot("acme", now, hour=3)


def test_full_syncs_spread_over_the_hour_by_name() -> None:
    slots = [latest_slot(f"connection-{n}", NOON, hour=3) for n in range(600)]
    assert {it.hour for it in slots} == {3}
    assert len({it.minute for it in slots}) > 50
    assert max(sum(it == each for it in slots) for each in set(slots)) < 30


def test_a_slot_is_todays_once_it_has_come_and_yesterdays_before() -> None:
    today = slot()
    assert today.date() == NOON.date()
    assert slot(today) == today
    assert slot(today - timedelta(seconds=1)) == today - DAY


def full_due(activity: TargetActivity, now: datetime = NOON) -> bool:
    return bool(due_fulls([ACME], {CONTACTS: activity}, now, hour=3))


def test_a_full_sync_is_due_when_its_slot_has_passed_since_the_last_one_that_went_well() -> None:
    last = TargetActivity(last_full_started_at=slot(), fulls=FullSyncs(well_at=slot()))
    assert not full_due(last)
    assert not full_due(last, slot() + DAY - timedelta(seconds=1))
    assert full_due(last, slot() + DAY)


@pytest.mark.parametrize(
    ("failed", "pause"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (99, 32)]
)
def test_one_that_did_not_go_well_is_tried_again_later_and_later(failed: int, pause: int) -> None:
    tried, much_later = slot() + timedelta(minutes=5), 9 * DAY
    fulls = FullSyncs(well_at=slot() - DAY, failed=failed)
    again = tried + timedelta(hours=pause)
    told = fulls.due_at(slot(), tried, None)
    assert told == again
    known = TargetActivity(last_full_started_at=tried, fulls=fulls)
    if pause < 16:  # else the next day's comes first
        assert not full_due(known, again - timedelta(seconds=1))
        [found] = due_fulls([ACME], {CONTACTS: known}, again, hour=3)
        assert found.due_at == again
    assert full_due(known, slot() + DAY)
    assert full_due(known, slot() + much_later)


def test_one_whose_slot_has_come_goes_with_one_that_is_tried_again() -> None:
    both = replace(ACME, objects=[ObjectChoice(object="contacts"), ObjectChoice(object="deals")])
    yesterday = FullSyncs(well_at=slot() - DAY)
    tried = replace(yesterday, failed=1)
    known = {
        CONTACTS: TargetActivity(last_full_started_at=slot(), fulls=tried),
        Target("acme", "deals"): TargetActivity(last_full_started_at=slot() - DAY, fulls=yesterday),
    }
    [found] = due_fulls([both], known, slot() + timedelta(minutes=59), hour=3)
    assert (found.objects, found.due_at) == (("deals",), slot())
    [found] = due_fulls([both], known, slot() + timedelta(minutes=60), hour=3)
    assert found.objects == ("contacts", "deals")
    assert found.due_at == slot() + timedelta(hours=1)


@pytest.mark.parametrize(
    "activity",
    [
        TargetActivity(last_full_started_at=at(-9999), running=True),
        TargetActivity(last_full_started_at=at(-9999), recent=history(*(DOWN,) * 5)),
        TargetActivity(last_full_started_at=at(-9999), recent=history("needs_reauth")),
    ],
)
def test_a_full_sync_is_not_due_while_another_runs_or_the_breaker_is_open(
    activity: TargetActivity,
) -> None:
    assert activity.running or activity.recent[0].status is SyncStatus.FAILED
    assert not full_due(activity)


def test_a_new_connection_gets_no_full_sync_before_its_next_slot() -> None:
    new = replace(ACME, created_at=slot() + timedelta(minutes=1))
    assert due_fulls([new], {}, NOON, hour=3) == []
    assert due_fulls([new], {}, slot() + DAY - timedelta(seconds=1), hour=3) == []
    [found] = due_fulls([new], {}, slot() + DAY, hour=3)
    assert found.objects == ("contacts",)
    assert found.due_at == slot() + DAY


def test_objects_due_within_a_minute_of_one_that_is_due_go_with_it() -> None:
    both = replace(ACME, objects=[ObjectChoice(object="contacts"), ObjectChoice(object="deals")])
    moment = timedelta(seconds=40)
    known = {
        CONTACTS: TargetActivity(last_started_at=at(-15)),
        Target("acme", "deals"): TargetActivity(last_started_at=at(-15) + moment),
    }
    connectors = {"hubspot": HUBSPOT}
    (found,) = due_syncs([both], connectors, known, NOON)
    assert found.objects == ("contacts", "deals")
    assert found.due_at == NOON
    assert due_syncs([both], connectors, known, NOON - moment / 2) == []


def test_what_stays_due_is_tried_again_every_quarter_of_an_hour() -> None:
    due = DueConnection(connection=ACME, objects=("contacts",), due_at=at(-31))
    assert [due.tries(at(minutes)) for minutes in (-31, -17, -16, -2, 0)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("activity", "is_due"),
    [
        (TargetActivity(last_started_at=at(-600)), False),  # never read in full
        (TargetActivity(fulls=FullSyncs(well_at=at(-61))), True),
        (TargetActivity(fulls=FullSyncs(well_at=at(-59))), False),
        (TargetActivity(fulls=FullSyncs(well_at=at(-600)), last_computed_at=at(-59)), False),
        (TargetActivity(fulls=FullSyncs(well_at=at(-600)), last_computed_at=at(-61)), True),
        (TargetActivity(fulls=FullSyncs(well_at=at(-61)), running=True), False),
        (TargetActivity(last_full_started_at=at(-61)), False),  # none went well yet
    ],
)
def test_computed_fields_are_due_so_long_after_they_were_read(
    activity: TargetActivity, is_due: bool
) -> None:
    formulas = replace(HUBSPOT, objects=[contacts(computed_every=hours(1))])
    due = due_computed([(ACME, formulas)], {CONTACTS: activity}, NOON)
    assert [it.objects for it in due] == ([("contacts",)] if is_due else [])
    assert due_computed([(ACME, HUBSPOT)], {CONTACTS: activity}, NOON) == []
