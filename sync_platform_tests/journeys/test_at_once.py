"""Several processes at once: one sync an object, two a connection."""

import time
from dataclasses import replace
from datetime import timedelta

import psycopg

from sync_platform.engine.results import SyncStatus
from sync_platform_tests.journeys.killable import FULL, KILLED, Asked, SyncProcess
from sync_platform_tests.journeys.watched import WatchedHubSpot
from sync_platform_tests.journeys.witness import Witness

STANDING = replace(FULL, stops_before="commit")


def start(witness: Witness, asked: Asked) -> SyncProcess:
    return SyncProcess(witness.platform.settings, asked)


def start_standing(witness: Witness, object: str) -> SyncProcess:
    """A sync in the middle."""
    process = start(witness, replace(STANDING, object=object))
    process.stands()
    return process


def test_a_second_sync_of_an_object_is_refused_at_once(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    watched.fill(300, 0)
    first = start_standing(witness, "contacts")
    second = start(witness, FULL)
    assert (second.end(), second.said) == (1, ["already_syncing"])
    first.go_on()
    assert first.end() == 0
    (only,) = witness.platform.history("acme-hubspot")
    assert only.status is SyncStatus.SUCCEEDED
    assert witness.differences() == []


def test_a_second_sync_of_an_object_that_may_wait_begins_when_the_first_has_ended(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    watched.fill(300, 0)
    first = start_standing(witness, "contacts")
    before = sessions(witness)
    second = start(witness, replace(FULL, wait=timedelta(seconds=60)))
    while sessions(witness) == before:  # it has asked for the lease
        time.sleep(0.01)
    first.go_on()
    assert (first.end(), second.end()) == (0, 0)
    later, earlier = witness.platform.history("acme-hubspot")
    assert earlier.finished_at is not None
    assert earlier.finished_at <= later.started_at
    assert (earlier.counts.created, later.counts.created) == (300, 0)


def test_of_three_objects_of_a_connection_two_sync_and_a_kill_makes_room(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    for object in ("contacts", "companies", "deals"):
        watched.add_many(object, 10)
    contacts, companies = (start_standing(witness, it) for it in ("contacts", "companies"))
    deals = replace(FULL, object="deals")
    refused = start(witness, deals)
    assert (refused.end(), refused.said) == (1, ["already_syncing"])
    assert contacts.kill() == KILLED
    assert start(witness, replace(deals, wait=timedelta(seconds=5))).end() == 0
    companies.go_on()
    assert companies.end() == 0
    ended = {it.target.object: it.status for it in witness.platform.history("acme-hubspot")}
    assert ended == {
        "contacts": SyncStatus.RUNNING,  # until the next one of contacts finds it
        "companies": SyncStatus.SUCCEEDED,
        "deals": SyncStatus.SUCCEEDED,
    }


def sessions(witness: Witness) -> int:
    """How many sessions the database has that are nobody's but the syncs' (and this one)."""
    with psycopg.connect(witness.platform.database_url) as postgres:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        (count,) = postgres.execute(query).fetchone() or (0,)
    return int(count)
