"""What became of a sync, as values."""

import json
from dataclasses import replace

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, SyncResult, SyncStatus, Usage
from sync_platform_tests.engine.stage import CONTACTS, at

RESULT = SyncResult(
    id="sync-1",
    target=CONTACTS,
    mode=SyncMode.FULL,
    window=SyncWindow(at(-60), None),
    status=SyncStatus.RUNNING,
    started_at=at(0),
    counts=Counts(fetched=10, created=3, updated=2, deleted=4, rejected=1),
    usage=Usage(calls=7, bytes=800, pages=5),
)


def test_counts_add_up() -> None:
    some = Counts(fetched=1, created=2, updated=3, deleted=4, rejected=5)
    twice = Counts(fetched=2, created=4, updated=6, deleted=8, rejected=10)
    assert some + some == twice
    assert some + Counts() == some


def test_unchanged_is_what_was_fetched_and_neither_created_nor_updated_nor_rejected() -> None:
    assert RESULT.counts.unchanged == 4


def test_a_sync_that_runs_has_no_seconds_yet() -> None:
    assert RESULT.seconds is None
    assert replace(RESULT, finished_at=at(2)).seconds == 120


def test_a_result_is_flat_and_json_for_listings() -> None:
    listed = json.loads(json.dumps(RESULT.as_dict()))
    assert listed["connection"] == "acme"
    assert listed["object"] == "contacts"
    assert listed["mode"] == "full"
    assert listed["since"] == "2026-11-21T11:00:00+00:00"
    assert listed["until"] is None
    assert (listed["created"], listed["unchanged"], listed["calls"]) == (3, 4, 7)
    assert str(RESULT.target) == "acme/contacts"
