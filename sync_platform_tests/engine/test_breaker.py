"""When automatic syncs of an object stop, and when they go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_platform.engine import breaker
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform_tests.engine.stage import CONTACTS, at

OK = "succeeded"
STATUSES = {"succeeded", "running", "canceled", "stopped", "stale"}


def history(*ends: str) -> list[SyncResult]:
    """Syncs, newest first, one a minute before noon: a status, or the error code of a failure."""
    syncs = []
    for n, end in enumerate(ends):
        status = SyncStatus(end) if end in STATUSES else SyncStatus.FAILED
        code = None if end in ("succeeded", "running") else end
        syncs.append(
            SyncResult(
                id=f"sync-{n}",
                target=CONTACTS,
                mode=SyncMode.INCREMENTAL,
                window=SyncWindow(),
                status=status,
                started_at=at(-n),
                error_code=code,
            )
        )
    return syncs


DOWN = "vendor_unavailable"


@pytest.mark.parametrize(
    ("ends", "opened"),
    [
        ((), False),
        ((DOWN,) * 4, False),
        ((DOWN,) * 5, True),
        ((DOWN,) * 9, True),
        ((DOWN, "stale", "unexpected", "row_does_not_fit", DOWN), True),
        ((DOWN, DOWN, OK, DOWN, DOWN, DOWN), False),
        ((OK, DOWN, DOWN, DOWN, DOWN, DOWN), False),
        ((DOWN,) * 4 + ("canceled", "stopped", "running", DOWN), True),
        (("running",) + (DOWN,) * 5, True),
        (("too_many_deletes",) * 6, False),
        ((DOWN,) * 4 + ("too_many_deletes", "lease_lost", "already_syncing"), False),
        ((DOWN,) * 4 + ("signed_in_anew",) * 5, False),
        ((DOWN, "lease_lost", DOWN, DOWN, "too_many_deletes", DOWN, DOWN), True),
        (("store_unavailable",) * 9, False),  # our own database was busy, or away
        ((DOWN, "store_unavailable", DOWN, DOWN, "store_unavailable", DOWN, DOWN), True),
        (("rate_limited",) * 9, False),  # the limit of a day is used up
        (("store_unavailable", "needs_reauth"), True),
        (("needs_reauth",), True),
        (("not_permitted",), True),
        (("stale", "not_permitted"), True),
        (("lease_lost", "needs_reauth"), True),
        ((DOWN, "needs_reauth"), True),  # a vendor that is down has not looked at the sign-in
        (("interrupted", DOWN, "not_permitted", OK), True),
        (("stopped", "canceled", "row_does_not_fit", "not_permitted"), True),
        ((DOWN, OK, "not_permitted"), False),
        ((OK, "needs_reauth"), False),
        (("stale", OK, "needs_reauth"), False),
    ],
)
def test_five_failures_in_a_row_or_a_hopeless_one_open_it(
    ends: tuple[str, ...], opened: bool
) -> None:
    assert breaker.is_open(history(*ends), resumed_at=None) is opened


def refresh(end: str) -> SyncResult:
    """A refresh of computed fields, which ended so."""
    return replace(history(end)[0], mode=SyncMode.COMPUTED)


def test_a_refresh_of_computed_fields_neither_counts_nor_ends_the_row() -> None:
    failures = history(*(DOWN,) * 4)
    assert not breaker.is_open([refresh(DOWN), *failures], resumed_at=None)
    assert breaker.is_open([refresh(OK), *failures, *history(DOWN)], resumed_at=None)
    assert breaker.is_open([refresh(OK), *history("not_permitted")], resumed_at=None)


def test_what_only_a_person_can_mend_opens_it_in_a_refresh_of_computed_fields_too() -> None:
    assert breaker.is_open([refresh("not_permitted"), *history(OK)], resumed_at=None)


def test_the_failures_in_a_row_are_named_newest_first() -> None:
    found = breaker.failures_in_a_row(history(DOWN, "lease_lost", "stale", OK, DOWN), None)
    assert [sync.error_code for sync in found] == [DOWN, "stale"]


def test_failures_from_before_it_was_resumed_do_not_count() -> None:
    failures = history(*(DOWN,) * 7)
    assert not breaker.is_open(failures, resumed_at=at(0))
    assert not breaker.is_open(failures, resumed_at=at(-4))
    assert breaker.is_open(failures, resumed_at=at(-5))


def test_a_hopeless_failure_from_before_it_was_resumed_does_not_open_it_again() -> None:
    failures = history(DOWN, "needs_reauth")
    assert breaker.is_open(failures, resumed_at=None)
    assert not breaker.is_open(failures, resumed_at=at(-1) + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((DOWN, "stale"), DOWN),
        ((DOWN, "not_permitted", "needs_reauth"), "not_permitted"),
        (("lease_lost", "stale", DOWN), "stale"),
        ((OK, "not_permitted"), None),
        ((), None),
    ],
)
def test_people_are_told_what_they_must_mend_else_the_newest_failure(
    ends: tuple[str, ...], told: str | None
) -> None:
    failure = breaker.to_mend(history(*ends), resumed_at=None)
    assert (failure.error_code if failure else None) == told
