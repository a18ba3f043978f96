"""Killed anywhere: a sync may die at any moment, any number of times, and nothing is lost by it.

What holds after every single kill is in witness.py. SYNC_PLATFORM_KILLS says how many processes
test_a_sync_killed_anywhere… kills in all (16 if it is not set).
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.position import Position
from sync_platform.engine.results import SyncStatus
from sync_platform.settings import Settings
from sync_platform_tests.journeys.killable import (
    FULL,
    INCREMENTAL,
    KILLED,
    MODES,
    Asked,
    SyncProcess,
)
from sync_platform_tests.journeys.watched import A_PAGE, Step, WatchedHubSpot
from sync_platform_tests.journeys.witness import Witness

KILLS = int(os.environ.get("SYNC_PLATFORM_KILLS", "16"))
SEAMS = 26  # of a full sync of four pages of contacts and two of gone keys; before, after each call


def kill_somewhere(witness: Witness, asked: Asked, rng: random.Random) -> int:
    """Start a sync, and kill it at a moment of chance, if it has not ended by then."""
    vendor = witness.vendor
    way = rng.choice(["at a seam", "in a call", "after a call", "early"])
    asked = replace(
        asked,
        commit_bytes=rng.choice([1, 1, 150_000]),
        dies_at=rng.randint(1, 32) if way == "at a seam" else None,
    )
    witness.begin()
    vendor.tell_at(rng.randint(1, 11), hold=way == "in a call")
    quiet = rng.random() < 0.5
    if not quiet:
        purges = asked.mode is SyncMode.FULL
        vendor.after_calls(rng.randint(2, 9), lambda: vendor.live_on(rng, purges=purges))
    process = SyncProcess(witness.platform.settings, asked)
    match way:
        case "at a seam":
            process.end()
        case "early":
            process.ends_within(rng.uniform(0, 0.3))
        case "in a call":
            process.ends_within(or_hears=vendor.reached)
        case "after a call":
            process.ends_within(or_hears=vendor.reached)
            process.ends_within(rng.uniform(0, 0.05))
    exit = process.kill()
    vendor.go_on()
    witness.end(asked, exit, quiet=quiet)
    return exit


@pytest.mark.parametrize("mode", [*MODES, None], ids=[*MODES, "any mode"])
def test_a_sync_killed_anywhere_any_number_of_times_ends_with_what_the_vendor_has(
    witness: Witness, watched: WatchedHubSpot, mode: SyncMode | None
) -> None:
    watched.fill(1_300, 150)
    rng = random.Random(f"killed anywhere, {mode}")
    figures, purges = witness.figures, mode in (SyncMode.FULL, None)
    while figures.kills < KILLS // 4:
        killed = witness.before.last
        kill_somewhere(witness, Asked(mode=mode or rng.choice(MODES)), rng)
        if killed and killed.status is SyncStatus.RUNNING and witness.before.last != killed:
            closed = witness.platform.past.get(killed.id)
            assert closed is None or closed.error_code == "interrupted"
        if rng.random() < 0.6:
            watched.live_on(rng, purges=purges)
        if witness.before.left is None:
            witness.age()
    last = Asked(mode=mode or SyncMode.FULL)
    assert witness.undisturbed(last).exit == 0  # what was interrupted
    witness.age()
    assert witness.undisturbed(last).exit == 0  # what changed behind it
    assert witness.differences() == []
    assert figures.counted + figures.uncounted == len(witness.before.rows)
    print(f"\n{mode or 'any mode'}: {figures}, {len(watched.records('contacts'))} contacts")


def test_a_full_sync_killed_between_any_two_steps_goes_on_and_marks_exactly_what_is_gone(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    watched.fill(650, 150)
    assert witness.undisturbed(FULL).exit == 0
    rng, seams = random.Random(1), range(1, SEAMS + 1)
    for seam in seams if KILLS >= 100 else sorted(rng.sample(seams, 4)):
        witness.age()
        purged = rng.choice(sorted(watched.records("contacts")))
        watched.purge("contacts", purged)
        edited = rng.choice(sorted(watched.records("contacts")))
        watched.edit("contacts", edited, firstname=f"Ada {seam}")  # so that the cursor moves
        known = witness.before.reconciled
        killed = witness.undisturbed(replace(FULL, dies_at=seam))
        assert killed.exit == KILLED
        assert witness.undisturbed(FULL).exit == 0
        assert witness.before.reconciled == known | {purged}, killed.said
    assert witness.undisturbed(replace(FULL, dies_at=SEAMS + 1)).exit == 0
    assert witness.differences() == []
    print(f"\nbetween two steps: {witness.figures}")


def test_a_killed_full_sync_asks_for_no_page_again_that_was_committed(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    watched.fill(2_000, 0)
    pages = ["0", *sorted(watched.records("contacts"), key=int)[A_PAGE - 1 : -1 : A_PAGE]]
    kill(witness, FULL, at_call=9)
    left = witness.before.left
    assert left is not None
    committed = pages.index(Position.from_json(left["position"]).resume["after"])
    assert 1 <= committed <= 8
    assert witness.undisturbed(FULL).exit == 0
    left_to_read = [*(Step("rows", after) for after in pages[committed:]), Step("gone")]
    # Then what changed since the killed one began.
    assert watched.steps[: len(left_to_read) + 1] == [*left_to_read, Step("rows")]


@pytest.mark.parametrize("seam", ["before reconcile", "after reconcile"])
def test_a_full_sync_killed_when_it_had_read_everything_reads_one_page_again_and_reconciles(
    witness: Witness, watched: WatchedHubSpot, seam: str
) -> None:
    watched.fill(650, 250)
    assert witness.undisturbed(FULL).exit == 0
    witness.age()
    purged = sorted(watched.records("contacts"))[:3]
    for id in purged:
        watched.purge("contacts", id)
    assert witness.undisturbed(replace(FULL, dies_at=seam)).exit == KILLED
    assert witness.before.reconciled == (set() if seam == "before reconcile" else set(purged))
    assert witness.undisturbed(FULL).exit == 0
    # Then what changed since the killed one began.
    assert [step.kind for step in watched.steps[:2]] == ["gone", "rows"]
    assert witness.before.reconciled == set(purged)


@pytest.mark.parametrize("seam", ["after commit", "before reconcile"])
def test_deletes_that_were_accepted_for_a_killed_full_sync_are_marked_by_the_tick_that_goes_on(
    witness: Witness, watched: WatchedHubSpot, seam: str
) -> None:
    watched.fill(650, 0)
    assert witness.undisturbed(FULL).exit == 0
    witness.age()
    everyone = sorted(watched.records("contacts"), key=int)
    for id in everyone[:400]:
        watched.purge("contacts", id)
    assert witness.undisturbed(FULL).said == ["too_many_deletes"]
    asked = replace(FULL, accept_deletes=True, dies_at=seam)
    assert witness.undisturbed(asked).exit == KILLED
    tick = replace(INCREMENTAL, automatic=True)
    assert witness.undisturbed(tick).exit == 0
    assert witness.before.reconciled == set(everyone[:400])
    witness.age()
    for id in everyone[400:600]:
        watched.purge("contacts", id)
    assert witness.undisturbed(FULL).said == ["too_many_deletes"]


def test_the_history_of_a_killed_sync_counts_what_it_had_committed_by_its_last_heartbeat(
    witness: Witness, watched: WatchedHubSpot
) -> None:
    watched.fill(1_600, 0)
    watched.fail("slow", times=100, path="*/search", seconds=0.2)
    kill(witness, INCREMENTAL, at_call=8)  # and the witness compares
    running = witness.before.last
    assert running is not None
    assert running.counts.created >= A_PAGE
    watched.faults.clear()
    assert witness.undisturbed(INCREMENTAL).exit == 0
    closed = witness.platform.past.get(running.id)
    assert closed is not None
    assert (closed.status, closed.error_code) == (SyncStatus.FAILED, "interrupted")
    assert closed.finished_at == running.heartbeat_at
    assert closed.counts == running.counts


def test_the_command_killed_twice_ends_the_third_time(
    witness: Witness, watched: WatchedHubSpot, settings: Settings
) -> None:
    watched.fill(1_000, 150)
    for call in (3, 8):
        witness.begin()
        watched.tell_at(call, hold=True)
        with command(settings, "sync", "acme-hubspot", "contacts", "--full") as process:
            assert watched.reached.poll(60)
            process.kill()
        watched.go_on()
        witness.end(FULL, process.wait(), quiet=True)
    witness.begin()
    with command(settings, "sync", "acme-hubspot", "contacts", "--full", "--wait", "0") as process:
        assert process.wait(60) == 0
    witness.end(FULL, 0, quiet=True)
    assert witness.figures.kills == 2
    assert witness.differences() == []


def kill(witness: Witness, asked: Asked, *, at_call: int) -> None:
    """Kill a sync while it waits for that answer of the vendor."""
    witness.begin()
    witness.vendor.tell_at(at_call, hold=True)
    process = SyncProcess(witness.platform.settings, asked)
    assert not process.ends_within(or_hears=witness.vendor.reached)
    assert process.kill() == KILLED
    witness.vendor.go_on()
    witness.end(asked, KILLED, quiet=True)


@contextmanager
def command(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The script `sync-platform`, on this installation."""
    database = urlencode(conninfo_to_dict(settings.database_url or ""), quote_via=quote)
    home = {
        "SYNC_PLATFORM_HOME": str(settings.home),
        "SYNC_PLATFORM_DATABASE_URL": f"postgresql:///?{database}",
    }
    script = Path(sys.executable).with_name("sync-platform")
    with subprocess.Popen(
        [script, *arguments],
        env=os.environ | home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process
