"""What people are warned of before they build on a table."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync_platform.engine.activity import FullSyncs, TargetActivity
from sync_platform.engine.checks import (
    Trouble,
    breakers_open,
    fulls_failing,
    not_fresh,
    rejected_since,
    still_rejected,
)
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import SyncStatus
from sync_platform_tests.engine.stage import CONTACTS, at
from sync_platform_tests.engine.test_breaker import DOWN, history
from sync_platform_tests.engine.test_due import ACME, HUBSPOT
from sync_platform_tests.fakes import NOON

WELL = SyncStatus.SUCCEEDED
DAY = 24 * 60


def late(activity: TargetActivity | None, connection: Connection = ACME) -> list[Trouble]:
    """What is told at noon; contacts sync every 15 minutes, so 45 are allowed."""
    known = {CONTACTS: activity} if activity else {}
    return list(not_fresh([connection], {"hubspot": HUBSPOT}, known, NOON))


def synced(minutes: float) -> TargetActivity:
    """A successful sync so many minutes from noon."""
    (good,) = history(WELL)
    good = replace(good, started_at=at(minutes - 1), finished_at=at(minutes))
    return TargetActivity(last_started_at=good.started_at, recent=(good,))


def test_a_table_is_fresh_for_twice_its_interval_and_a_quarter_of_an_hour() -> None:
    assert late(synced(-45)) == []
    (trouble,) = late(synced(-46))
    assert (trouble.check, trouble.target) == ("fresh", CONTACTS)
    assert trouble.sentence == (
        "acme/contacts: the latest sync that went well ended at 2026-11-21 11:14 UTC, which should "
        "happen every 45 minutes."
    )


def test_failures_since_do_not_make_it_fresh_and_the_last_is_told() -> None:
    (failed,) = history(DOWN)
    known = synced(-46)
    known = replace(known, recent=(replace(failed, error="It is down."), *known.recent))
    (trouble,) = late(known)
    assert trouble.sentence.endswith("which should happen every 45 minutes. Last: It is down.")


def test_an_object_that_never_synced_has_as_long_from_its_connection_on() -> None:
    assert late(None, replace(ACME, created_at=at(-45))) == []
    (trouble,) = late(None, replace(ACME, created_at=at(-46)))
    assert trouble.sentence.startswith("acme/contacts: no sync went well of late, which should")


def test_an_object_has_as_long_from_its_resuming_on() -> None:
    assert late(replace(synced(-DAY), resumed_at=at(-1))) == []


def test_an_object_that_syncs_right_now_is_not_told() -> None:
    assert late(replace(synced(-DAY), running=True)) == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (ConnectionStatus.ACTIVE, 1),
        (ConnectionStatus.NEEDS_ATTENTION, 1),
        (ConnectionStatus.NEEDS_REAUTH, 1),
        (ConnectionStatus.PAUSED, 0),
    ],
)
def test_only_a_connection_that_a_person_paused_need_not_be_fresh(
    status: ConnectionStatus, told: int
) -> None:
    assert len(late(synced(-DAY), replace(ACME, status=status))) == told


def test_an_open_breaker_is_told_with_its_last_error_and_what_to_type() -> None:
    known = {CONTACTS: TargetActivity(recent=history(*(DOWN,) * 5))}
    (trouble,) = breakers_open([ACME], known)
    assert trouble.check == "breaker_closed"
    assert "are paused after repeated failures. Last: " in trouble.sentence
    assert trouble.sentence.endswith("sync-platform resume acme contacts")
    assert list(breakers_open([ACME], {CONTACTS: TargetActivity(recent=history(DOWN))})) == []


def test_a_breaker_that_one_failure_opened_is_not_told_as_if_there_were_several() -> None:
    (failed,) = history("not_permitted")
    (trouble,) = breakers_open([ACME], {CONTACTS: TargetActivity(recent=(failed,))})
    assert "are paused after a failure that only a person can mend. Last: " in trouble.sentence
    assert "repeated" not in trouble.sentence


def test_one_rejected_record_is_not_several() -> None:
    assert "1 record does not fit" in still_rejected(ACME, "contacts", 1).sentence
    assert "1,200 records do not fit" in still_rejected(ACME, "contacts", 1200).sentence


def test_rejects_count_from_the_last_full_sync_on_that_went_well() -> None:
    assert rejected_since(TargetActivity()) is None
    assert rejected_since(TargetActivity(last_full_started_at=at(0))) is None  # the first one runs
    known = TargetActivity(last_full_started_at=at(0), fulls=FullSyncs(well_at=at(0)))
    minute = timedelta(minutes=1)
    assert rejected_since(known) == NOON - minute
    later = replace(known, last_full_started_at=at(5))  # which runs, or failed
    assert rejected_since(later) == NOON - minute
    gone_on_with = replace(known, last_full_started_at=at(-30))
    assert rejected_since(gone_on_with) == at(-30) - minute


LONG_AGO = FullSyncs(well_at=at(-37 * 60), failed=2, error="A page is not JSON.")


OLD = replace(ACME, created_at=at(-900 * 60))


def failing(fulls: FullSyncs, connection: Connection = OLD, **known: Any) -> list[Trouble]:
    """What is told at noon of an object whose incremental syncs go well."""
    activity = replace(synced(-1), fulls=fulls, **known)
    return list(fulls_failing([connection], {CONTACTS: activity}, NOON))


def test_a_full_sync_that_failed_for_a_day_and_a_half_is_told_with_its_last_error() -> None:
    (trouble,) = failing(LONG_AGO)
    assert (trouble.check, trouble.target) == ("fresh", CONTACTS)
    assert trouble.sentence == (
        "acme/contacts: no full sync has gone well since 2026-11-19 23:00 UTC (2 tries failed), so "
        "what was deleted without a word may still be in its table. Last: A page is not JSON."
    )
    (trouble,) = failing(replace(LONG_AGO, failed=1))
    assert "(1 try failed)" in trouble.sentence


def test_one_that_failed_since_yesterday_is_not_told() -> None:
    assert failing(replace(LONG_AGO, well_at=at(-35 * 60))) == []


NEVER_TRIED = FullSyncs(well_at=at(-37 * 60))


def test_one_that_was_due_for_a_day_and_a_half_and_never_began_is_told_as_such() -> None:
    assert failing(replace(NEVER_TRIED, well_at=at(-35 * 60))) == []
    (trouble,) = failing(NEVER_TRIED)
    assert trouble.sentence == (
        "acme/contacts: no full sync has begun since 2026-11-19 23:00 UTC, although each day has "
        "one, so what was deleted without a word may still be in its table."
    )


def test_one_that_runs_is_told_only_where_others_have_failed_before() -> None:
    assert failing(replace(NEVER_TRIED, running=True)) == []
    assert len(failing(replace(LONG_AGO, running=True))) == 1


def test_one_that_nobody_tried_has_as_long_from_its_resuming_on() -> None:
    assert failing(NEVER_TRIED, resumed_at=at(-35 * 60)) == []
    assert len(failing(NEVER_TRIED, resumed_at=at(-37 * 60))) == 1
    assert len(failing(LONG_AGO, resumed_at=at(-1))) == 1  # its tries fail all the same


@pytest.mark.parametrize("well_at", [None, at(-800 * 60)])
def test_an_object_that_was_just_chosen_has_as_long_from_then_on(well_at: datetime | None) -> None:
    def chosen(minutes: float) -> Connection:
        choice = ObjectChoice(object="contacts", chosen_at=at(minutes))
        return replace(OLD, objects=[choice])

    for fulls in (replace(NEVER_TRIED, well_at=well_at), replace(LONG_AGO, well_at=well_at)):
        assert failing(fulls, chosen(-35 * 60)) == []
        assert len(failing(fulls, chosen(-37 * 60))) == 1
    assert late(None, chosen(-45)) == []
    assert len(late(None, chosen(-46))) == 1


def test_one_that_never_went_well_is_told_from_when_it_was_connected() -> None:
    never = replace(LONG_AGO, well_at=None)
    assert failing(never, ACME) == []
    (trouble,) = failing(never, replace(ACME, created_at=at(-37 * 60)))
    assert "since 2026-11-19 23:00 UTC" in trouble.sentence


def test_where_nothing_syncs_by_itself_a_full_sync_that_fails_is_not_told_as_well() -> None:
    assert failing(LONG_AGO, replace(OLD, status=ConnectionStatus.PAUSED)) == []
    assert failing(LONG_AGO, recent=history(*(DOWN,) * 5)) == []
