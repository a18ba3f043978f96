"""A sync is alive while it waits for its fields, or for its rows to be reconciled."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sync_platform.engine.fields import Found
from sync_platform.engine.heartbeat import beating
from sync_platform.engine.results import Usage
from sync_platform.errors import StoreUnavailable
from sync_platform_tests.engine.stage import FIELDS, Stage, at
from sync_platform_tests.engine.test_ahead import PATIENCE


def heartbeats() -> list[threading.Thread]:
    return [it for it in threading.enumerate() if it.name == "heartbeat"]


def next_beat(stage: Stage) -> threading.Event:
    """Set when the history of the sync that runs hears of it the next time."""
    record: Any = stage.history.records[-1]
    beat: Callable[[Usage | None], None] = record.beat
    heard = threading.Event()

    def told(usage: Usage | None = None) -> None:
        beat(usage)
        heard.set()

    record.beat = told
    return heard


def test_it_beats_until_the_block_ends_and_no_longer() -> None:
    beats, third = 0, threading.Event()

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            third.set()

    with beating(beat, seconds=0.001):
        assert third.wait(PATIENCE)
    assert heartbeats() == []


def test_a_store_that_is_away_does_not_stop_it() -> None:
    back = threading.Event()
    came = iter([StoreUnavailable, StoreUnavailable])

    def beat() -> None:
        for error in came:
            raise error
        back.set()

    with beating(beat, seconds=0.001):
        assert back.wait(PATIENCE)


def test_it_ends_with_an_error_of_the_block() -> None:
    with pytest.raises(StoreUnavailable), beating(lambda: None, seconds=0.001):
        raise StoreUnavailable
    assert heartbeats() == []


def test_a_sync_beats_while_it_waits_for_its_fields() -> None:
    stage = Stage()

    def found(api: object, anew: bool) -> Found:
        assert next_beat(stage).wait(PATIENCE)
        return Found(FIELDS)

    stage.options["find_fields"] = found
    stage.full()


def test_a_sync_beats_while_it_reconciles() -> None:
    stage = Stage()
    stage.vendor.put(1, -10)
    stage.vendor.put(2, -10)
    stage.full()
    del stage.vendor.records[2]
    stage.clock.set(at(60))
    now, saved = stage.clock.now, threading.Event()

    class Clock:
        """Of the destination: stands still at the reconcile, until the sync was heard of."""

        def now(self) -> datetime:
            assert not saved.is_set() or next_beat(stage).wait(PATIENCE)
            return now()

        def sleep(self, seconds: float) -> None:
            raise NotImplementedError

    stage.destination.clock = Clock()
    stage.cursors.before_save = lambda cursor: saved.set()
    assert stage.full().counts.deleted == 1
