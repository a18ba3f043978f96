"""Our clock and Postgres' differ: a full sync goes by the one that says when rows were written."""

from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.engine.destination import Progress
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    destination,
    load,
    loading,
    meddle,
    people,
    progress,
    select,
)
from sync_platform_tests.engine.stage import FIELDS as SYNCED
from sync_platform_tests.engine.stage import TABLE, Stage
from sync_platform_tests.fakes import NOON

HOUR = timedelta(hours=1)
PUSHED = Progress(
    sync="push", mode=SyncMode.INCREMENTAL, window=SyncWindow(), started_at=NOON, shape=""
)
LIVE = "SELECT id FROM acme.contacts WHERE _deleted_at IS NULL ORDER BY id"
HAS = "SELECT count(*) FROM pg_attribute WHERE attname = 'began_at' AND attrelid::regclass::text"
HAS += " = 'acme._progress'"
BEGAN = "SELECT began_at FROM acme._progress"


@pytest.mark.parametrize("ahead", [HOUR, NONE, -HOUR])
def test_a_record_that_is_pushed_while_a_full_sync_runs_is_spared_and_nothing_older(
    database: str, ahead: timedelta
) -> None:
    into = destination(database)

    def push(call: int) -> None:
        if call == 2:
            with into.open(TABLE, SYNCED, sync="push") as loader:
                loader.write(Page([{"id": 0, "name": "pushed behind the reader"}]))
                loader.commit(PUSHED)

    stage = Stage()
    stage.clock.set(datetime.now(UTC) + ahead)
    for id in range(1, 6):
        stage.vendor.put(id, -100)
    stage.plan(FULL).run(into)
    del stage.vendor.records[2]
    stage.vendor.reads.clear()
    stage.vendor.before = push
    result = stage.plan(FULL).run(into)
    assert result.counts.deleted == 1
    assert select(database, LIVE) == ["0", "1", "3", "4", "5"]


def test_a_sync_that_goes_on_began_when_the_interrupted_one_did(database: str) -> None:
    load(database, *people(1))
    with loading(database, sync="first", mode=FULL):
        [began] = select(database, BEGAN)
    load_pushed(database)
    with destination(database).open(CONTACTS, FIELDS, sync="second") as loader:
        loader.begin(progress("second", FULL), resume=True)
        assert select(database, BEGAN) == [began]
        assert loader.reconcile(lookback=NONE, most=None) is not None
        assert select(database, LIVE) == ["pushed"]
        loader.begin(progress("third", FULL), resume=False)
        assert select(database, BEGAN) > [began]


def load_pushed(database: str) -> None:
    with destination(database).open(CONTACTS, FIELDS, sync="push") as loader:
        loader.write(Page([{"id": "pushed"}]))
        loader.commit(PUSHED)


@pytest.mark.parametrize("more", [(), (Field("new"),)], ids=["same fields", "new field"])
def test_a_schema_of_an_older_version_learns_when_syncs_began(
    database: str, more: tuple[Field, ...]
) -> None:
    load(database, *people(1))
    with loading(database, sync="first", mode=FULL) as loader:
        loader.commit(progress("first", FULL, {"page": 2}))
    meddle(database, "ALTER TABLE acme._progress DROP COLUMN began_at")
    with destination(database).open(CONTACTS, (*FIELDS, *more), sync="second") as loader:
        assert (select(database, HAS) == [1]) is bool(more)
        found = loader.progress()
        assert found == progress("first", FULL, {"page": 2})
        loader.begin(progress("second", FULL), resume=True)
        assert select(database, BEGAN) == [found.started_at]
        loader.begin(progress("third", FULL), resume=False)
        assert select(database, BEGAN) > [found.started_at]
