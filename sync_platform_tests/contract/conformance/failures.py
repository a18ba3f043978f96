"""What every connector is held to: what goes wrong at the vendor and on the way."""

import pytest

from sync_platform.errors import UnexpectedResponse, VendorUnavailable
from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import Stage


@behaviour("Failures")
def a_server_error(on: Stage) -> None:
    """An HTTP 503 is tried again."""
    on.synced()
    on.change(creates=1)
    on.vendor.fail(kind="status", status=503, path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Failures")
def an_outage(on: Stage) -> None:
    """An outage fails the sync with a sentence, deletes nothing, and the next sync mends all."""
    on.synced()
    on.change(creates=1)
    on.vendor.fail(kind="status", status=503, times=100, path=on.it.reads)
    with pytest.raises(VendorUnavailable):
        on.full()
    assert on.rows(deleted=True) == []
    on.vendor.faults.clear()
    on.full()
    assert on.differences == []


@behaviour("Failures")
def a_broken_connection(on: Stage) -> None:
    """A connection that is reset or cut in the middle of an answer is tried again."""
    on.synced()
    on.change(creates=1)
    on.vendor.fail(kind="reset", path=on.it.reads)
    on.vendor.fail(kind="cut", path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Failures")
def garbage(on: Stage) -> None:
    """An answer that cannot be read fails the sync and proves no deletion."""
    on.synced()
    on.vendor.fail(kind="malformed", times=100, path=on.it.reads)
    with pytest.raises(UnexpectedResponse):
        on.full()
    on.vendor.faults.clear()
    assert on.rows(deleted=True) == []
    on.full()
    assert on.differences == []


@behaviour("Failures")
def broken_off(on: Stage) -> None:
    """A full read that broke off after its first page ends whole the next time."""
    on.synced()
    on.change(creates=on.it.page + 1)
    on.vendor.fail(kind="status", status=503, times=100, after=1, path=on.it.reads)
    with pytest.raises(VendorUnavailable):
        on.full()
    on.vendor.faults.clear()
    on.full()
    assert on.differences == []
    assert on.rows(deleted=True) == []


@behaviour("Failures")
def a_page_cut_off(on: Stage) -> None:
    """A page that never comes whole ends a full sync, which proves no deletion."""
    on.connect()
    on.change(creates=on.it.page + 1)
    on.let_show()
    on.full()
    on.age()
    on.vendor.fail(kind="cut", times=100, after=1, path=on.it.reads)
    with pytest.raises(VendorUnavailable):
        on.full()
    assert on.rows(deleted=True) == []
    on.vendor.faults.clear()
    on.full()
    assert on.differences == []
