"""The ways in which an object may be read, and which one a sync takes: as it is declared for every
vendor, from a feed of changes, or in bulk."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sync_platform.engine import extract
from sync_platform.engine.modes import SyncMode, SyncWindow, latest
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
    that far, an incremental sync must read everything.
    """
    feed = obj.changes
    if feed is None or mode is not SyncMode.INCREMENTAL:
        return mode, None
    if cursor is None:
        return SyncMode.FULL, None
    since = cursor - obj.lookback
    if started_at - since > feed.remembers:
        return SyncMode.FULL, (
            f"{obj.name} was last read up to {cursor:%F %T}, and the vendor remembers changes for "
            f"{feed.remembers.days} days only: this sync reads everything."
        )
    return mode, None


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
    that looks into them can be asked."""
    return replace(
        obj,
        cursor=None,
        lookback=timedelta(0),
        step=None,
        changes=None,
        deletes=None,
        gone_when=None,
        filters=[each for each in obj.filters if each.keeps is None],
    )


def computed(obj: ConnectorObject, fields: Sequence[Field]) -> list[Field]:
    """The key and the computed fields; raises Refused where there are none."""
    if not any(each.computed for each in fields):
        raise Refused(f"{obj.name} has no computed fields to read again.")
    return [each for each in fields if each.computed or each.name in obj.keys]


def reached(
    obj: ConnectorObject, mode: SyncMode, highest: datetime | None, started_at: datetime
) -> datetime | None:
    """How far the object has been read: the highest cursor value seen.

    A feed that was read to its end, or a full read, tells everything up to the present, also where
    nothing has happened: only not the vendor's present, whose clock may be behind ours. A from-date
    sync of an object with a feed reads by another moment, so it tells nothing.
    """
    if obj.changes is None:
        return highest
    if mode is SyncMode.FROM_DATE:
        return None
    floor = started_at - MARGIN
    return floor if highest is None else max(highest, floor)


def highest_in(obj: ConnectorObject, page: Page, highest: datetime | None) -> datetime | None:
    """The greatest cursor value up to this page; values that are no moment are passed over."""
    if obj.cursor is not None:
        highest = latest([row.get(obj.cursor) for row in page.rows], highest)
    if page.reached is not None and (highest is None or page.reached > highest):
        highest = page.reached
    return highest
