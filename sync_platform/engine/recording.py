"""What goes into a sync's row of history, where it is not as the sync's parts tell it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import SyncRecord
from sync_platform.engine.results import Counts, SyncResult, Usage
from sync_platform.errors import SyncPlatformError, Unexpected

log = logging.getLogger("sync_platform.sync")


class Continued:
    """The record of a sync that goes on with another VendorApi: what was `used` before counts."""

    def __init__(self, record: SyncRecord, used: Usage) -> None:
        self._record, self._used = record, used

    @property
    def id(self) -> str:
        """The sync's."""
        return self._record.id

    def add(self, counts: Counts, usage: Usage) -> None:
        """Add counts; `usage` is that of the present api."""
        self._record.add(counts, self._used + usage)

    def beat(self, usage: Usage | None = None) -> None:
        """The sync is alive."""
        self._record.beat(None if usage is None else self._used + usage)

    def reads(self, mode: SyncMode, window: SyncWindow, *, resumed: bool) -> None:
        """It reads something else than it was asked for."""
        self._record.reads(mode, window, resumed=resumed)

    @property
    def result(self) -> SyncResult:
        """As it stands."""
        return self._record.result


@contextmanager
def unexpected(label: str) -> Iterator[None]:
    """What is none of our errors becomes one, so that whoever runs several syncs goes on with the
    next: a bug of a connector's or ours. `label` says what was synced."""
    try:
        yield
    except SyncPlatformError:
        raise
    except Exception as error:
        log.exception("%s: its sync ended by a bug.", label)
        raise Unexpected(
            f"{label}: {type(error).__name__}: {error}. This is a bug of its connector or of the "
            "platform; the log of this run tells where."
        ) from error
