"""Killed anywhere: a sync may die at any moment, any number of times, and nothing is lost by it.

What holds after every single kill is in witness.py. SYNC_PLATFORM_KILLS says how many processes
test_a_sync_killed_anywhere… kills in all (20 if it is not set).
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path

import psycopg
import pytest

from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncStatus
from sync_platform.engine.sync import Position
from sync_platform.settings import Settings
from sync_platform.store.addresses import sqlalchemy_url
from sync_platform_tests.journeys.killable import Asked, SyncProcess
from sync_platform_tests.journeys.watched import Step, WatchedHubSpot
from sync_platform_tests.journeys.witness import A_PAGE, CONTACTS, KILLED, Witness

KILLS = int(os.environ.get("SYNC_PLATFORM_KILLS", "20"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FULL = Asked(mode=SyncMode.FULL)
SEAMS = 28  # of a full sync of four pages of contacts and two of gone keys: two for each call


def in_mode(mode: SyncMode) -> Asked:
    return Asked(mode=mode, since=LONG_AGO if mode is SyncMode.FROM_DATE else None)


class Killer:
    """Starts syncs, and kills them at moments of its choice."""

    def __init__(self, witness: Witness, settings: Settings, seed: str) -> None:
        self.witness, self.settings = witness, settings
        self.vendor = witness.vendor
        self.rng = random.Random(seed)

    def once(self, asked: Asked) -> int:
        """One process, and what it leaves; how it ended."""
        rng, vendor = self.rng, self.vendor
        way = rng.choice(["seam", "in a call", "after a call", "early"])
        asked = replace(asked, commit_bytes=rng.choice([1, 1, 150_000]))
        if way == "seam":
            asked = replace(asked, dies_at=rng.randint(1, 44))
        self.witness.begin()
        vendor.tell_at(rng.randint(1, 16), hold=way == "in a call")
        quiet = rng.random() < 0.5
        if not quiet:
            purges = asked.mode is SyncMode.FULL
            vendor.meanwhile(rng.randint(2, 12), lambda: vendor.live_on(rng, purges=purges))
        process = SyncProcess(self.settings, asked)
        if way == "early":
            process.ends_within(rng.uniform(0, 0.3))
        elif way != "seam":
            process.ends_within(or_hears=vendor.reached)
        if way == "after a call":
            process.ends_within(rng.uniform(0, 0.05))
        exit = process.end() if way == "seam" else process.kill()
        vendor.go_on()
        self.witness.end(asked, exit, quiet=quiet)
        return exit

    def spare(self, asked: Asked) -> None:
        """A process that nobody kills, while the vendor is quiet."""
        self.witness.begin()
        process = SyncProcess(self.settings, asked)
        exit = process.end()
        assert exit == 0, process.said
        self.witness.end(asked, exit, quiet=True)


@pytest.mark.parametrize("mode", [*SyncMode, None], ids=[*SyncMode, "any mode"])
def test_a_sync_killed_anywhere_any_number_of_times_ends_with_what_the_vendor_has(
    witness: Witness, watched: WatchedHubSpot, settings: Settings, mode: SyncMode | None
) -> None:
    watched.fill(2_000, 250)
    killer = Killer(witness, settings, f"killed anywhere, {mode}")
    figures, purges = witness.figures, mode in (SyncMode.FULL, None)
    while figures.kills < KILLS // 4:
        killed = witness.before.last
        killer.once(in_mode(mode or killer.rng.choice(list(SyncMode))))
        if killed and killed.status is SyncStatus.RUNNING and witness.before.last != killed:
            closed = witness.platform.past.get(killed.id)
            assert closed is None or closed.error_code == "interrupted"
        if killer.rng.random() < 0.6:
            watched.live_on(killer.rng, purges=purges)
        if witness.before.left is None:
            age(witness)
    last = in_mode(mode or SyncMode.FULL)
    killer.spare(last)  # what was interrupted
    age(witness)
    killer.spare(last)  # what changed behind it
    assert not list(differences(witness.platform, watched.url, CONTACTS))
    assert figures.counted + figures.uncounted == len(witness.before.rows)
    print(f"\n{mode or 'any mode'}: {figures}, {len(watched.records('contacts'))} contacts")


def test_a_full_sync_killed_between_any_two_steps_goes_on_and_marks_exactly_what_is_gone(
    witness: Witness, watched: WatchedHubSpot, settings: Settings
) -> None:
    watched.fill(650, 150)
    killer = Killer(witness, settings, "seams")
    killer.spare(FULL)
    seams = range(1, SEAMS + 1)
    for seam in seams if KILLS >= 100 else sorted(killer.rng.sample(seams, KILLS // 3)):
        age(witness)
        purged = killer.rng.choice(sorted(watched.records("contacts")))
        watched.purge("contacts", purged)
        known = witness.before.reconciled
        witness.begin()
        process = SyncProcess(settings, replace(FULL, dies_at=seam))
        assert process.end() == KILLED, f"there are {seam - 1} seams"
        witness.end(FULL, KILLED, quiet=True)
        killer.spare(FULL)
        assert witness.before.reconciled == known | {purged}, process.said
    assert not list(differences(witness.platform, watched.url, CONTACTS))


def test_a_killed_full_sync_asks_for_no_page_again_that_was_committed(
    witness: Witness, watched: WatchedHubSpot, settings: Settings
) -> None:
    watched.fill(2_000, 0)
    pages = ["0", *sorted(watched.records("contacts"), key=int)[A_PAGE - 1 :: A_PAGE]]
    kill(witness, settings, FULL, at_call=9)
    left = witness.before.left
    assert left is not None
    committed = pages.index(Position.from_json(left["position"]).resume["after"])
    assert 1 <= committed <= 8
    Killer(witness, settings, "").spare(FULL)
    assert watched.steps == [*(Step("rows", after) for after in pages[committed:]), Step("gone")]


@pytest.mark.parametrize("seam", ["before reconcile", "after reconcile"])
def test_a_full_sync_killed_when_it_had_read_everything_reads_one_page_again_and_reconciles(
    witness: Witness, watched: WatchedHubSpot, settings: Settings, seam: str
) -> None:
    watched.fill(650, 250)
    killer = Killer(witness, settings, "")
    killer.spare(FULL)
    age(witness)
    purged = sorted(watched.records("contacts"))[:3]
    for id in purged:
        watched.purge("contacts", id)
    witness.begin()
    assert SyncProcess(settings, replace(FULL, dies_at=seam)).end() == KILLED
    witness.end(FULL, KILLED, quiet=True)
    assert witness.before.reconciled == (set() if seam == "before reconcile" else set(purged))
    killer.spare(FULL)
    assert [step.kind for step in watched.steps] == ["gone"]
    assert witness.before.reconciled == set(purged)


def test_the_history_of_a_killed_sync_counts_what_it_had_committed_by_its_last_heartbeat(
    witness: Witness, watched: WatchedHubSpot, settings: Settings
) -> None:
    watched.fill(2_000, 0)
    watched.fail("slow", times=100, path="*/search", seconds=0.3)
    incremental = Asked(mode=SyncMode.INCREMENTAL)
    kill(witness, settings, incremental, at_call=8)
    running = witness.before.last
    assert running is not None
    assert running.counts.created >= A_PAGE
    watched.faults.clear()
    Killer(witness, settings, "").spare(incremental)
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
            assert wait([watched.reached], 60)
            process.kill()
        watched.go_on()
        witness.end(FULL, process.wait(), quiet=True)
    witness.begin()
    with command(settings, "sync", "acme-hubspot", "contacts", "--full", "--wait", "0") as process:
        assert process.wait(60) == 0
    witness.end(FULL, 0, quiet=True)
    assert not list(differences(witness.platform, watched.url, CONTACTS))


def kill(witness: Witness, settings: Settings, asked: Asked, *, at_call: int) -> None:
    """Kill a sync while it waits for that answer of the vendor."""
    witness.begin()
    witness.vendor.tell_at(at_call, hold=True)
    process = SyncProcess(settings, asked)
    assert not process.ends_within(or_hears=witness.vendor.reached)
    assert process.kill() == KILLED
    witness.vendor.go_on()
    witness.end(asked, KILLED, quiet=True)


@contextmanager
def command(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The script `sync-platform`, on this installation."""
    url = sqlalchemy_url(settings.database_url or "").render_as_string(hide_password=False)
    home = {"SYNC_PLATFORM_HOME": str(settings.home), "SYNC_PLATFORM_DATABASE_URL": url}
    script = Path(sys.executable).with_name("sync-platform")
    with subprocess.Popen(
        [script, *arguments], env=os.environ | home, stdout=subprocess.DEVNULL
    ) as process:
        yield process


def age(witness: Witness) -> None:
    """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
    if witness.before.rows:
        with psycopg.connect(witness.platform.database_url) as postgres:
            postgres.execute(
                "UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - '2h'::interval"
            )
