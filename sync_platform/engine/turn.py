"""A sync's turn with its table: begun anew, or gone on from where an interrupted one stopped."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync_platform.engine.destination import NEVER_READ, Loader, Progress
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import SyncRecord
from sync_platform.engine.position import Position
from sync_platform.engine.position import lost as lost_values

RESUME_WITHIN = timedelta(hours=24)  # older progress is not gone on from: vendors' tokens expire

FORGOTTEN = "Nothing tells since when {} is to be read: reading all of it, and what has gone."
HELD = "Deletes were accepted for it when it was asked for: any share of the table may be marked."
WITHDRAWN = "It was canceled, so the deletes that were accepted for it are none of this sync's."


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How a sync took its table over."""

    progress: Progress
    went_on: bool = False  # with what an interrupted sync left


def take_over(
    loader: Loader,
    record: SyncRecord,
    fresh: Progress,
    object: str,
    cursor: datetime | None,
    tell: Callable[[str], None],
    *,
    accepted: bool = False,
    canceled: Callable[[str], bool] = lambda sync: False,
) -> Turn:
    """Take the table over for `fresh`, a sync as it is asked for; or go on from what an interrupted
    one of the same kind left. `cursor` tells how far the object has been read. Where the table lost
    values, an incremental sync becomes a full one; and where it has rows and no cursor tells since
    when: nothing else would find what has gone meanwhile.

    `accepted`: whoever asks for it lets it mark any share as deleted. Who goes on with a read for
    which that was accepted may do so, too, unless a person `canceled` the sync of that id.
    """
    left = loader.progress()
    new = left is not None and left.shape == NEVER_READ and cursor is None
    lost = left is not None and not new and (lost_values(left) or _displaces(left, fresh, cursor))
    first = new or (left is not None and cursor is None and _was_first(left, fresh))
    fresh = replace(fresh, position=Position(lost=lost, first=first, accepted=accepted).as_json())
    if lost and fresh.mode is SyncMode.INCREMENTAL:
        fresh = replace(fresh, mode=SyncMode.FULL, window=SyncWindow())
    if left is None or not _continues(left, fresh):
        if fresh.mode is SyncMode.INCREMENTAL and cursor is None and not loader.is_empty():
            tell(FORGOTTEN.format(object))
            fresh = replace(fresh, mode=SyncMode.FULL, window=SyncWindow())
        was = record.result
        if (was.mode, was.window, was.resumed) != (fresh.mode, fresh.window, False):
            record.reads(fresh.mode, fresh.window, resumed=False)
        loader.begin(fresh, resume=False)
        tell(f"Reading {object}, {fresh.mode.value}, {fresh.window}.")
        return Turn(progress=fresh)
    position = Position.from_json(left.position)
    withdrawn = position.accepted and not accepted and canceled(left.sync)
    position = replace(position, accepted=accepted or (position.accepted and not withdrawn))
    going_on = replace(left, sync=fresh.sync, position=position.as_json())
    loader.begin(going_on, resume=True)
    record.reads(left.mode, left.window, resumed=True)
    tell(f"Going on where an interrupted sync of {left.started_at:%F %T} stopped.")
    if position.accepted and not accepted:
        tell(HELD)
    elif withdrawn:
        tell(WITHDRAWN)
    return Turn(progress=going_on, went_on=True)


def give_back(loader: Loader, progress: Progress, *, lost: bool) -> None:
    """Forget the progress; where values are still lost, leave the full read that is due."""
    if not lost:
        loader.finish()
        return
    due = replace(progress, mode=SyncMode.FULL, window=SyncWindow(), position=None)
    loader.begin(due, resume=False)


def _displaces(left: Progress, fresh: Progress, cursor: datetime | None) -> bool:
    """Whether a from-date sync takes the place of the first read of everything, interrupted: that
    must not be forgotten, or what it had not reached would never be read."""
    return left.window.since is None and cursor is None and fresh.mode is SyncMode.FROM_DATE


def _was_first(left: Progress, fresh: Progress) -> bool:
    """Whether the same was interrupted, and nobody had begun to read into the table before."""
    if left.position is None:
        return False
    asked = fresh.mode, fresh.window, fresh.shape
    if (left.mode, left.window, left.shape) != asked:
        return False
    return Position.from_json(left.position).first


def _continues(left: Progress, fresh: Progress) -> bool:
    """Whether to go on from there. An incremental sync goes on with an interrupted full one: that
    reads all that it would read, and must not lose its place to it. Where there is no place to go
    on from, the keys seen so far prove no more than they did then: it begins anew, when it is due.
    """
    asked_for_less = left.mode is SyncMode.FULL and fresh.mode is SyncMode.INCREMENTAL
    if left.position is None or left.shape != fresh.shape:
        return False
    position = Position.from_json(left.position)
    if position.at_the_beginning:
        return False
    if left.mode is not fresh.mode and not asked_for_less:
        return False
    if fresh.started_at - (position.at or left.started_at) > RESUME_WITHIN:
        return False
    if fresh.mode is SyncMode.FROM_DATE:
        return left.window == fresh.window
    return left.mode is SyncMode.FULL or left.window.since == fresh.window.since
