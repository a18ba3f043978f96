"""Watches the contacts' syncs die, and holds Postgres against what the platform promises.

After every end of a process, however it came: what lies before the cursor is in the table, nothing
is there twice, nothing was reconciled by a read that has not ended, the next process begins where
the last commit was, and the row of history counts what was committed by its last heartbeat.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.position import Position
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.platform import Platform
from sync_platform.spec.times import moment
from sync_platform_tests.journeys.killable import KILLED, Asked, SyncProcess
from sync_platform_tests.journeys.watched import A_PAGE, GONE_A_PAGE, Step, WatchedHubSpot

CONTACTS = Target("acme-hubspot", "contacts")
LOOKBACK = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Row:
    id: str
    modified: datetime
    synced_at: datetime
    deleted_by: str | None


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What there is between two processes."""

    at: datetime
    rows: dict[str, Row]
    left: dict[str, Any] | None  # the progress
    seen: list[int] | None  # the ids that an unfinished full sync has committed
    cursor: datetime | None
    last: SyncResult | None

    @property
    def reconciled(self) -> set[str]:
        return {row.id for row in self.rows.values() if row.deleted_by == "reconcile"}

    @property
    def seen_lost(self) -> bool:
        """The server crashed and forgot what the full sync had seen."""
        if self.left is None or self.left["mode"] != SyncMode.FULL:
            return False
        return self.seen is None or len(self.seen) != self.left["seen"]


@dataclass
class Figures:
    """What happened in all."""

    starts: int = 0
    kills: int = 0
    resumed: int = 0
    rows_compared: int = 0
    counted: int = 0  # rows created, by history
    uncounted: int = 0  # rows created after the last heartbeat of a sync that was killed
    slowest_release: float = 0.0  # seconds from a process's end to its lease being free


class Witness:
    """Sees what one process after the other leaves in Postgres."""

    def __init__(self, platform: Platform, vendor: WatchedHubSpot) -> None:
        self.platform, self.vendor = platform, vendor
        self.figures = Figures()
        self.before = self._look()

    def begin(self) -> None:
        """A process is about to start."""
        self.vendor.forget()
        self.before = self._look()

    def undisturbed(self, asked: Asked) -> SyncProcess:
        """A process that nobody disturbs, to its end."""
        self.begin()
        process = SyncProcess(self.platform.settings, asked)
        self.end(asked, process.end(), quiet=True)
        return process

    def age(self) -> None:
        """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
        if self.before.rows:
            with psycopg.connect(self.platform.database_url) as postgres:
                postgres.execute(
                    "UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - interval '2 hours'"
                )

    def differences(self) -> list[str]:
        """What differs between the rows and the vendor's records, field by field."""
        self.figures.rows_compared += len(self.vendor.records("contacts"))
        return list(differences(self.platform, self.vendor.url, CONTACTS))

    def end(self, asked: Asked, exit: int, *, quiet: bool) -> None:
        """It ended. `quiet`: the vendor did not change meanwhile."""
        self._wait_for_the_dead()
        now = self._look()
        figures = self.figures
        figures.starts += 1
        figures.kills += exit == KILLED
        self._nothing_unread_before_the_cursor(now)
        self._begun_at_the_last_commit(asked)
        self._reconciled_by_whole_reads_only(now, quiet=quiet)
        if now.last is not None and now.last != self.before.last:
            self._counted(now, now.last, exit, quiet=quiet)
        self.before = now

    # -- the promises --------------------------------------------------------------------------

    def _nothing_unread_before_the_cursor(self, now: Moment) -> None:
        if now.cursor is None:
            return
        for id, record in self.vendor.records("contacts").items():
            modified = moment(record["lastmodifieddate"])
            if modified < now.cursor:
                row = now.rows.get(id)
                assert row, f"{id} of {modified} is not there; the cursor is {now.cursor}"
                assert (row.modified, row.deleted_by) == (modified, None), id
                self.figures.rows_compared += 1
        for id, at in self.vendor.archived().items():
            if moment(at) < now.cursor and id in now.rows:
                assert now.rows[id].deleted_by, f"{id}, archived {at}, is live"
                self.figures.rows_compared += 1

    def _begun_at_the_last_commit(self, asked: Asked) -> None:
        if not self.vendor.steps:
            return
        expected, resumed = self.first_step(self.before, asked)
        assert self.vendor.steps[0] == expected
        self.figures.resumed += resumed
        if resumed and expected.kind == "rows":
            twice = [id for id in self.before.seen or () if id > int(expected.after)]
            assert len(twice) <= A_PAGE, "more than the last page is read again"

    @staticmethod
    def first_step(before: Moment, asked: Asked) -> tuple[Step, bool]:
        """The page that a process must ask for first, and whether it goes on from another's."""
        left, anew = before.left, Step("rows")
        if left is None or left["position"] is None or before.seen_lost:
            return anew, False
        full = left["mode"] == SyncMode.FULL
        if left["mode"] != asked.mode and not (full and asked.mode is SyncMode.INCREMENTAL):
            return anew, False
        since = before.cursor - LOOKBACK if before.cursor else None
        if left["mode"] == SyncMode.INCREMENTAL and left["since"] != since:
            return anew, False
        position = Position.from_json(left["position"])
        resume = position.resume or {}
        if position.phase == "rows":
            return Step("rows", resume.get("after") or "0"), True
        return Step("gone", resume.get("params", {}).get("after", "0")), True

    def _reconciled_by_whole_reads_only(self, now: Moment, *, quiet: bool) -> None:
        position = Position("ended")
        if now.left:  # without a position, a whole read is due of which nothing is done
            position = Position.from_json(now.left["position"] or Position().as_json())
        unread = position.phase == "rows"
        was, is_now = ((it.left or {}).get("mode") for it in (self.before, now))
        if (was, is_now) == (SyncMode.FULL, SyncMode.INCREMENTAL):
            unread = False  # it went on with a full one, and reads what changed since that began
        if quiet and position.phase == "gone":
            after = int((position.resume or {}).get("params", {}).get("after", "0"))
            unread = len([id for id in self.vendor.archived() if int(id) > after]) > GONE_A_PAGE
        if unread:
            assert now.reconciled <= self.before.reconciled
        live = self.vendor.records("contacts")
        for id in now.reconciled & live.keys():  # restored behind the reader: the next one's
            assert now.cursor is None or moment(live[id]["lastmodifieddate"]) >= now.cursor

    def _counted(self, now: Moment, last: SyncResult, exit: int, *, quiet: bool) -> None:
        """History counts what was committed by its heartbeat, to the batch under way then: never
        more, and no less."""
        written = [row for row in now.rows.values() if row.synced_at > self.before.at]
        new = now.rows.keys() - self.before.rows.keys()
        counts = last.counts
        counted = counts.created + counts.updated + counts.deleted
        self.figures.counted += counts.created
        self.figures.uncounted += len(new) - counts.created
        if exit == 0 or last.status is SyncStatus.SUCCEEDED:  # or killed on its way out
            assert last.status is SyncStatus.SUCCEEDED
            assert counts.created == len(new)
            assert not quiet or counted == len(written)
            return
        by_then = [row for row in written if row.synced_at <= (last.heartbeat_at or now.at)]
        # The newest of them may have been on their way, in one transaction, while the heart beat.
        newest = max((row.synced_at for row in by_then), default=now.at)
        there = [row for row in by_then if row.synced_at < newest]
        assert len(there) <= counted or exit != KILLED
        if quiet:
            assert counted <= len(written)
        if quiet and exit == KILLED:
            assert last.status is SyncStatus.RUNNING
            possible = [
                (len(rows), len(new & {row.id for row in rows})) for rows in (there, by_then)
            ]
            assert (counted, counts.created) in possible

    # -- looking -------------------------------------------------------------------------------

    def _wait_for_the_dead(self) -> None:
        """Until Postgres has noticed: then the lease is free and nothing is half done."""
        began = time.monotonic()
        while self.platform.leases.busy(CONTACTS):
            assert time.monotonic() < began + 10, "the lease of a process that is gone is held"
        took = time.monotonic() - began
        self.figures.slowest_release = max(self.figures.slowest_release, took)
        with psycopg.connect(self.platform.database_url, autocommit=True) as postgres:
            while postgres.execute(
                "SELECT FROM pg_stat_activity WHERE application_name LIKE 'sync_platform acme%'"
                " AND datname = current_database()"
            ).fetchone():
                assert time.monotonic() < began + 10

    def _look(self) -> Moment:
        with psycopg.connect(self.platform.database_url) as postgres:
            (at,) = postgres.execute("SELECT clock_timestamp()").fetchone() or ()
            rows: list[Row] = []
            left: dict[str, Any] | None = None
            seen: list[int] | None = None
            if _is_there(postgres, "contacts"):
                query = (
                    "SELECT hs_object_id::text AS id, lastmodifieddate AS modified,"
                    " _synced_at AS synced_at, _deleted_by AS deleted_by FROM acme_hubspot.contacts"
                )
                rows = postgres.cursor(row_factory=class_row(Row)).execute(query).fetchall()
                found = postgres.cursor(row_factory=dict_row)
                left = found.execute("SELECT * FROM acme_hubspot._progress").fetchone()
            if _is_there(postgres, "_seen_contacts"):
                query = "SELECT hs_object_id::bigint FROM acme_hubspot._seen_contacts"
                seen = [id for (id,) in postgres.execute(query)]
        by_id = {row.id: row for row in rows}
        assert len(by_id) == len(rows), "a contact is there twice"
        return Moment(
            at=at,
            rows=by_id,
            left=left,
            seen=seen,
            cursor=self.platform.cursors.get(CONTACTS),
            last=self.platform.past.latest(CONTACTS),
        )


def _is_there(postgres: psycopg.Connection[Any], table: str) -> bool:
    found = postgres.execute("SELECT to_regclass(%s)", [f"acme_hubspot.{table}"]).fetchone()
    return found is not None and found[0] is not None
