"""The ways in which an object may be read, and which one a sync takes: as it is declared for every
vendor, from a feed of changes, or in bulk."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sync_platform.engine import extract
from sync_platform.engine.modes import SyncMode, SyncWindow, earlier, latest
from sync_platform.engine.ports import VendorApi
from sync_platform.errors import Refused
from sync_platform.spec import ConnectorObject, Field, Page, Read

READERS: dict[str, extract.Reader] = {
    "read": extract.rows,
    "changes": extract.changes,
    "bulk": extract.bulk,
}
MARGIN = timedelta(hours=1)  # by which a vendor's clock may differ from ours: see `reached`


def mode_for(
    obj: ConnectorObject, mode: SyncMode, cursor: datetime | None, started_at: datetime
) -> tuple[SyncMode, str | None]:
    """The mode that a sync takes, and why, where that is not the one asked for.

    A feed tells what changed since a moment; without one, or where the vendor does not remember
    changes or deletions that far, an incremental sync must read everything.
    """
    if mode is not SyncMode.INCREMENTAL:
        return mode, None
    if cursor is None:
        return (mode if obj.changes is None else SyncMode.FULL), None
    if forgotten(obj, cursor, started_at):
        what = "deletions" if obj.changes is None else "changes"
        days = (_remembered(obj) or timedelta(0)).days
        return SyncMode.FULL, (
            f"{obj.name} was last read up to {cursor:%F %T}, and the vendor remembers {what} for "
            f"{days} days only: this sync reads everything."
        )
    return mode, None


def forgotten(obj: ConnectorObject, cursor: datetime | None, started_at: datetime) -> bool:
    """Whether the vendor can no longer tell all that there was to tell since the cursor."""
    remembered = _remembered(obj)
    if remembered is None or cursor is None:
        return False
    begins = earlier(cursor, obj.lookback)
    return begins is None or started_at - begins > remembered


def _remembered(obj: ConnectorObject) -> timedelta | None:
    return obj.changes.remembers if obj.changes is not None else obj.deletes_remembered


def way_for(
    obj: ConnectorObject, mode: SyncMode, window: SyncWindow, api: VendorApi, read: Read
) -> tuple[str, str | None]:
    """The way to read a window, and a sentence where the number of records decided it."""
    if mode is SyncMode.INCREMENTAL and obj.changes is not None:
        return "changes", None
    if obj.bulk is None or (mode is SyncMode.INCREMENTAL and window.since is not None):
        return "read", None
    count = obj.bulk.count(api, read)
    if count <= obj.bulk.above:
        return "read", f"{count:,} {obj.name} to read: few enough for single pages."
    return "bulk", f"{count:,} {obj.name} to read: in bulk, as from {obj.bulk.above:,} on."


def as_computed(obj: ConnectorObject) -> ConnectorObject:
    """The object as a refresh of its computed fields reads it: rows hold little else, so nothing
    looks into them (the vendor is asked with the same filters); and nothing of it may move the
    cursor."""
    return replace(
        obj,
        cursor=None,
        lookback=timedelta(0),
        step=None,
        changes=None,
        deletes=None,
        deletes_begin=None,
        deletes_remembered=None,
        gone_when=None,
        filters=[replace(each, keeps=None) for each in obj.filters],
    )


def computed(obj: ConnectorObject, fields: Sequence[Field]) -> list[Field]:
    """The key and the computed fields; raises Refused where there are none."""
    if not any(each.computed for each in fields):
        raise Refused(f"{obj.name} has no computed fields to read again.")
    return [each for each in fields if each.computed or each.name in obj.keys]


def reached(
    obj: ConnectorObject,
    mode: SyncMode,
    highest: datetime | None,
    started_at: datetime,
    *,
    before: datetime | None = None,
    covered: datetime | None = None,
) -> datetime | None:
    """How far the object has been read: the highest cursor value seen, but no further than
    deletions are `covered`. `before` is the cursor that there was.

    Where the vendor remembers for a time only, a cursor that stands still because nothing happens
    would look like a pause. A feed or window that was read to its end, or a full read, tells
    everything up to the present: only not the vendor's present, whose clock may be behind ours. A
    from-date sync of an object with a feed reads by another moment, so it tells nothing; nor may
    one take the cursor past deletions that are forgotten.
    """
    found: datetime | None
    if _remembered(obj) is None:
        found = highest
    elif mode is SyncMode.FROM_DATE:
        known = obj.changes is None and not forgotten(obj, before, started_at)
        found = highest if known else None
    else:
        found = max(highest or started_at - MARGIN, started_at - MARGIN)
    return found if found is None or covered is None else min(found, covered)


def covered_by(page: Page, covered: datetime | None) -> datetime | None:
    """Up to which moment deletions are told, with this page of them; None: to the window's end."""
    if page.reached is None or covered is None:
        return covered or page.reached
    return min(page.reached, covered)


def highest_in(obj: ConnectorObject, page: Page, highest: datetime | None) -> datetime | None:
    """The greatest cursor value up to this page; values that are no moment are passed over."""
    if obj.cursor is not None:
        highest = latest([row.get(obj.cursor) for row in page.rows], highest)
    if page.reached is not None and (highest is None or page.reached > highest):
        highest = page.reached
    return highest
