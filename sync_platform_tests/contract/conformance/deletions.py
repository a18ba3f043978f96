"""What every connector is held to: what was deleted, and what only seems so."""

import pytest

from sync_platform.errors import TooManyDeletes
from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import Stage


@behaviour("Deletions", needs="sees_deletes")
def deletions_at_once(on: Stage) -> None:
    """An incremental sync marks what was deleted."""
    on.synced()
    on.change(archives=2)
    on.let_show()
    assert on.incremental().deleted == 2
    assert on.differences == []
    assert {row["_deleted_by"] for row in on.rows(deleted=True)} == {"vendor"}


@behaviour("Deletions")
def deletions_by_a_full_sync(on: Stage) -> None:
    """A full sync marks what is not there any more."""
    on.synced()
    on.age()
    on.change(archives=2)
    on.let_show()
    on.full()
    assert on.differences == []
    assert len(on.rows(deleted=True)) == 2


@behaviour("Deletions")
def too_many_deletions(on: Stage) -> None:
    """A full sync that would mark most records, without the vendor's word, asks a person first."""
    on.connect()
    made = on.change(creates=10)["created"]
    on.let_show()
    on.incremental()
    on.age()
    on.vanish(made[:9])
    on.let_show()
    with pytest.raises(TooManyDeletes):
        on.full()
    on.full(accept_deletes=True)
    assert on.differences == []


@behaviour("Deletions", needs="restore")
def restored(on: Stage) -> None:
    """A record that comes back is live again."""
    on.synced()
    (id,) = on.change(archives=1)["archived"]
    on.let_show()
    on.full()
    assert len(on.rows(deleted=True)) == 1
    assert on.it.restore is not None
    on.it.restore(on.vendor, id)
    on.let_show()
    on.full()
    assert on.rows(deleted=True) == []
    assert on.differences == []


@behaviour("Deletions")
def deleted_while_reading(on: Stage) -> None:
    """Records that are deleted while pages are read make no others look deleted."""
    on.connect()
    on.change(creates=on.it.page + 10)
    on.let_show()
    on.full()
    on.age()
    gone: list[str] = []
    on.while_reading(lambda: gone.extend(on.change(archives=2)["archived"]), page=2, times=3)
    on.full()
    on.vendor.meanwhile = lambda: None
    assert gone
    assert [each for each in on.differences if "is not in Postgres" in each] == []
    on.let_show()
    on.age()
    on.full()
    assert on.differences == []
    assert len(on.rows(deleted=True)) == len(gone)
