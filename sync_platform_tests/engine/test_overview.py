"""How a connection is, in a word."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_platform.engine.activity import FullSyncs
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.overview import Condition, Glance, Overview, overview, overviews
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import SyncStatus, Target
from sync_platform_tests.engine.stage import at, contacts
from sync_platform_tests.engine.test_breaker import DOWN, history
from sync_platform_tests.engine.test_due import ACME, HUBSPOT
from sync_platform_tests.fakes import NOON

BOTH = replace(ACME, objects=[ObjectChoice(object="contacts"), ObjectChoice(object="deals")])
OLD = replace(BOTH, created_at=at(-900 * 60))
WITH_OBJECTS = replace(HUBSPOT, objects=[contacts(), contacts(name="deals")])
FAILING = Glance(
    last_started_at=at(-5),
    last_finished_at=at(-4),
    last_status=SyncStatus.FAILED,
    failures=history(*[DOWN] * 5),
)


def how(connection: Connection = BOTH, **glances: Glance) -> Overview:
    known = {Target("acme", name): glance for name, glance in glances.items()}
    return overview(connection, WITH_OBJECTS, known, NOON)


@pytest.mark.parametrize("status", list(ConnectionStatus))
def test_what_the_connection_says_of_itself_comes_first(status: ConnectionStatus) -> None:
    it = how(replace(BOTH, status=status), contacts=Glance(running=True))
    expected = "syncing" if status is ConnectionStatus.ACTIVE else status.value
    assert it.condition.value == expected


def test_it_needs_attention_while_an_object_is_stopped() -> None:
    it = how(contacts=FAILING, deals=Glance(running=True))
    assert it.condition is Condition.NEEDS_ATTENTION
    assert it.condition.needs_person
    assert (it.stopped, it.running) == (["contacts"], ["deals"])


def test_a_few_failures_are_no_reason_to_call_anybody() -> None:
    it = how(contacts=replace(FAILING, failures=history(*[DOWN] * 4)))
    assert it.condition is Condition.HEALTHY
    assert it.last_status is SyncStatus.FAILED


def test_it_needs_attention_while_no_full_sync_of_an_object_goes_well() -> None:
    fulls, good = FullSyncs(well_at=at(-37 * 60), failed=1), FullSyncs(well_at=at(-35 * 60))
    it = how(OLD, contacts=Glance(fulls=fulls), deals=Glance(fulls=good))
    assert it.condition is Condition.NEEDS_ATTENTION
    assert (it.failing, it.stopped) == (["contacts"], [])
    never = how(OLD, contacts=Glance(fulls=replace(fulls, failed=0)))
    assert never.failing == ["contacts", "deals"]
    stopped = how(OLD, contacts=replace(FAILING, fulls=fulls), deals=Glance(fulls=good))
    assert (stopped.failing, stopped.stopped) == ([], ["contacts"])  # which says more


def test_an_object_that_its_connector_has_no_more_is_owed_no_full_sync() -> None:
    assert overview(OLD, WITH_OBJECTS, {}, NOON).failing == ["contacts", "deals"]
    fewer = replace(WITH_OBJECTS, objects=[contacts()])
    assert overview(OLD, fewer, {}, NOON).failing == ["contacts"]
    assert overview(OLD, None, {}, NOON).failing == []


def test_the_last_sync_is_that_which_ended_last_and_the_next_that_which_is_due_first() -> None:
    early = Glance(
        last_started_at=at(-20), last_finished_at=at(-19), last_status=SyncStatus.SUCCEEDED
    )
    late = replace(early, last_started_at=at(-9), last_finished_at=at(-8))
    it = how(contacts=late, deals=early)
    assert it.last_finished_at == at(-8)
    assert it.next_at == at(-20) + timedelta(minutes=15)


@pytest.mark.parametrize("status", [ConnectionStatus.PAUSED, ConnectionStatus.NEEDS_REAUTH])
def test_nothing_is_next_where_nothing_syncs_by_itself(status: ConnectionStatus) -> None:
    assert how(replace(BOTH, status=status)).next_at is None
    assert how(ACME, contacts=FAILING).next_at is None


def test_one_whose_connector_is_gone_is_listed_all_the_same() -> None:
    (it,) = overviews([BOTH], {}, {}, NOON)
    assert (it.condition, it.next_at) == (Condition.HEALTHY, None)
