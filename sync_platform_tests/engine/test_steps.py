"""The steps of a window, read at the same time: loaded in their order, whichever comes first."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync_platform.engine.extract import PAGES_AHEAD
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import NeedsReauth, StoreUnavailable, VendorUnavailable
from sync_platform.spec import Json, Read, Request, get, iso, keyset_pages, offset_pages
from sync_platform_tests.engine.stage import Stage, at, contacts

PATIENCE = 10.0  # seconds that a test waits for what must come
STEPS = 6
HOUR = SyncWindow(at(-60), at(0))  # six steps of ten minutes


class Windows:
    """A vendor with contacts in each step of HOUR, who counts the calls under way. `before` is
    called with each call's step and what it asks for."""

    def __init__(self, *, contacts: int = 1) -> None:
        self.contacts = contacts  # in each step
        self.before: Callable[[int, str], None] = lambda step, path: None
        self.asked: list[tuple[int, str]] = []
        self.under_way = self.most_under_way = 0
        self.changed = threading.Condition()

    def answer(self, request: Request, asked: object) -> Json:
        assert isinstance(asked, Read)
        assert asked.since is not None
        step = int((asked.since - at(-60)).total_seconds()) // 600
        with self.changed:
            self.asked.append((step, request.path))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.changed.notify_all()
        try:
            self.before(step, request.path)
        finally:
            with self.changed:
                self.under_way -= 1
        if request.path == "/gone":
            return {"results": []}
        assert isinstance(request.params, dict)
        start = int(request.params.get("offset", asked.after or 0))
        found = [self.contact(step, number) for number in range(start, self.contacts)]
        return {"results": found[:1]}

    def contact(self, step: int, number: int) -> dict[str, Any]:
        return {"id": number + 1, "name": f"{step}", "updated": iso(self.moment(step))}

    @staticmethod
    def moment(step: int) -> datetime:
        return at(-60 + step * 10 + 1)

    def wait_for(self, *steps: int, path: str = "/contacts") -> None:
        """Wait until these steps were asked for."""
        wanted = {(step, path) for step in steps}
        with self.changed:
            assert self.changed.wait_for(lambda: wanted <= set(self.asked), PATIENCE)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [it for it in threading.enumerate() if it.name.startswith("reader")] == []


def staged(vendor: Windows, side_by_side: int, **slots: Any) -> Stage:
    step = timedelta(minutes=10)
    stage = Stage(obj=contacts(step=step, side_by_side=side_by_side, **slots))
    stage.answer = vendor.answer
    return stage


def test_steps_are_loaded_in_their_order_although_later_ones_came_first() -> None:
    vendor = Windows()
    vendor.before = lambda step, path: vendor.wait_for(step + 1) if step % 3 < 2 else None
    stage = staged(vendor, 3)
    stage.sync(SyncMode.FROM_DATE, HOUR)
    assert stage.cursors.saved == [vendor.moment(step) for step in range(STEPS)]
    assert stage.table.live[("1",)]["name"] == "5"  # the last step has the last word
    assert vendor.most_under_way <= 3


def test_no_more_steps_are_read_at_the_same_time_than_declared() -> None:
    vendor = Windows()
    vendor.before = lambda step, path: vendor.wait_for(1, 2, 3) if step == 0 else None
    staged(vendor, 4).sync(SyncMode.FROM_DATE, HOUR)
    assert vendor.most_under_way <= 4
    assert len(vendor.asked) == STEPS + STEPS  # each asks once more, to find no more contacts


def test_without_the_declaration_a_step_waits_for_the_one_before_it() -> None:
    vendor = Windows()
    staged(vendor, 1).sync(SyncMode.FROM_DATE, HOUR)
    assert vendor.most_under_way == 1
    assert [step for step, _ in vendor.asked] == sorted(step for step, _ in vendor.asked)


def test_the_keys_that_are_gone_are_read_ahead_too_each_step_s_after_its_rows() -> None:
    vendor = Windows()
    vendor.before = lambda step, path: (
        vendor.wait_for(1, 2, path="/gone") if (step, path) == (0, "/contacts") else None
    )
    short = keyset_pages("id", limit=2)
    read, gone = (get(path, records="results", pages=short) for path in ("/contacts", "/gone"))
    stage = staged(vendor, 3, read=read, deletes=gone)
    stage.sync(SyncMode.FROM_DATE, HOUR)
    for step in range(STEPS):
        assert [path for of, path in vendor.asked if of == step][-1] == "/gone"
    assert stage.cursors.saved == [vendor.moment(step) for step in range(STEPS)]


def test_a_step_that_waits_for_its_turn_keeps_a_few_pages_only() -> None:
    vendor = Windows(contacts=20)
    calls: list[int] = []

    def before(step: int, path: str) -> None:
        calls.append(step)
        if step == 0 and len(calls) == 1:
            vendor.wait_for(1)

    vendor.before = before
    stage = staged(vendor, 2)
    most = 0

    def before_commit() -> None:
        nonlocal most
        if not stage.cursors.saved:  # the first step is being loaded
            most = max(most, calls.count(1))

    stage.destination.before_commit = before_commit
    stage.sync(SyncMode.FROM_DATE, HOUR)
    assert most <= PAGES_AHEAD + 2
    assert len(stage.table.live) == 20


def test_an_error_in_a_later_step_is_raised_at_its_turn() -> None:
    vendor = Windows()
    failed = threading.Event()

    def before(step: int, path: str) -> None:
        if step == 2:
            failed.set()
            raise NeedsReauth
        if step < 2:
            assert failed.wait(PATIENCE)

    vendor.before = before
    stage = staged(vendor, 3)
    with pytest.raises(NeedsReauth):
        stage.sync(SyncMode.FROM_DATE, HOUR)
    assert stage.cursors.saved == [vendor.moment(0), vendor.moment(1)]
    assert stage.apis[-1].closed.is_set()


def test_all_readers_are_woken_when_the_destination_is_lost() -> None:
    vendor = Windows()
    stage = staged(vendor, 4)

    def before(step: int, path: str) -> None:
        if step > 0:
            stage.apis[-1].closed.wait(PATIENCE)

    def lose() -> None:
        vendor.wait_for(1, 2, 3)
        raise StoreUnavailable

    vendor.before, stage.destination.before_commit = before, lose
    with pytest.raises(StoreUnavailable):
        stage.sync(SyncMode.FROM_DATE, HOUR)
    assert stage.cursors.saved == []


def test_an_interrupted_sync_goes_on_in_the_step_where_it_was() -> None:
    vendor = Windows(contacts=3)

    def fail(step: int, path: str) -> None:
        if step == 2 and vendor.asked.count((2, path)) == 2:
            raise VendorUnavailable

    vendor.before = fail
    stage = staged(vendor, 3)
    with pytest.raises(VendorUnavailable):
        stage.sync(SyncMode.FROM_DATE, HOUR)
    vendor.asked.clear()
    vendor.before = lambda step, path: None
    assert stage.sync(SyncMode.FROM_DATE, HOUR).resumed
    assert {step for step, _ in vendor.asked} == {2, 3, 4, 5}
    assert stage.cursor == vendor.moment(5)


def test_the_pages_of_steps_read_at_the_same_time_come_one_by_one() -> None:
    vendor = Windows(contacts=4)
    read = get("/contacts", records="results", pages=offset_pages("offset", limit=1, overlap=0))
    stage = staged(vendor, 3, read=read)
    vendor.before = lambda step, path: vendor.wait_for(1, 2) if step == 0 else None
    stage.sync(SyncMode.FROM_DATE, HOUR)
    assert vendor.most_under_way <= 3
    assert len(stage.table.live) == 4
