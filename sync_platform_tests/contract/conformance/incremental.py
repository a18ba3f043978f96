"""What every connector is held to: reads of what changed."""

from datetime import timedelta

from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import HOUR, Stage, now


@behaviour("Incremental", needs="incremental")
def created(on: Stage) -> None:
    """An incremental sync brings what was created."""
    on.synced()
    on.change(creates=2)
    on.let_show()
    assert on.incremental().created == 2
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def edited(on: Stage) -> None:
    """An incremental sync brings what was edited."""
    on.synced()
    ids = on.change(updates=3)
    on.let_show()
    assert on.incremental().updated >= 1, ids
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def nothing_new(on: Stage) -> None:
    """An incremental sync after nothing happened writes nothing and asks little."""
    on.synced()
    on.incremental()
    before = on.calls
    counts = on.incremental()
    assert (counts.created, counts.updated, counts.deleted) == (0, 0, 0)
    assert on.calls - before <= 4


@behaviour("Incremental", needs="incremental")
def at_the_edge(on: Stage) -> None:
    """What changes in the very moment of a sync is not lost, however coarse the vendor's clock."""
    on.synced()
    for _ in range(3):
        on.change(creates=1, updates=1)
        on.incremental()
        on.change(updates=1)
    on.let_show()
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="tie")
def ties(on: Stage) -> None:
    """Many records that changed in one moment are all read, across pages."""
    on.synced()
    assert on.it.tie is not None
    on.it.tie(on.vendor)
    on.let_show()
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="lag")
def what_shows_late(on: Stage) -> None:
    """A change that the vendor shows late is brought by a later sync, also where newer ones were
    shown before it."""
    on.synced()
    assert on.it.lag is not None
    on.it.lag(on.vendor)
    on.change(creates=1, updates=1)
    on.incremental()
    on.let_show()
    on.incremental()
    assert on.differences == []
    on.created_at(now() - timedelta(seconds=30))  # older than what was just read
    on.let_show()
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def from_a_date(on: Stage) -> None:
    """A from-date sync of a time before everything brings everything; of the future, nothing."""
    on.connect()
    on.change(creates=4)
    assert on.since(now() + timedelta(days=2), now() + timedelta(days=3)).created == 0
    on.since(now() - timedelta(days=3650))
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def exactly_the_window(on: Stage) -> None:
    """A from-date sync with an end brings what its first moment has and not what its end has, to
    the finest step of the vendor's times."""
    on.connect()
    tick, since = on.it.tick, (now() - timedelta(days=2)).replace(microsecond=0)
    if tick < timedelta(seconds=1):
        since += timedelta(milliseconds=250)
    until = since + HOUR
    moments = (since - tick, since, until - tick, until)
    before, first, last, after = [on.created_at(moment) for moment in moments]
    on.since(since, until)
    assert on.keys == {first, last}
    on.since(until, until + HOUR)
    assert on.keys == {first, last, after}
    on.since(since - HOUR, since)
    assert on.keys == {before, first, last, after}
