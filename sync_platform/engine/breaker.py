"""The circuit breaker: five failures in a row stop automatic syncs until a person resumes them.

Pure: it reads history. Failures count per object, because a connection's objects fail for their own
reasons (a missing scope on one) and six healthy ones would hide, or be stopped by, the seventh.
A failure that only a person can mend opens it at once.
"""

from collections.abc import Iterable
from datetime import datetime

from sync_platform.engine.results import SyncResult, SyncStatus

FAILURES = 5
UNCOUNTED = ("too_many_deletes", "already_syncing", "lease_lost")  # refused, not broken
HOPELESS = ("needs_reauth", "not_permitted")  # no try will succeed until someone acts


def failures_in_a_row(history: Iterable[SyncResult], resumed_at: datetime | None) -> int:
    """How many of an object's latest syncs failed, one after the other; newest first in `history`.

    Syncs from before `resumed_at` do not count. Canceled and running ones are passed over.
    """
    failures = 0
    for sync in history:
        if resumed_at is not None and sync.started_at <= resumed_at:
            break
        if sync.status in (SyncStatus.FAILED, SyncStatus.STALE):
            failures += sync.error_code not in UNCOUNTED
        elif sync.status is SyncStatus.SUCCEEDED:
            break
    return failures


def is_open(history: Iterable[SyncResult], resumed_at: datetime | None) -> bool:
    """Whether automatic syncs of the object must wait for a person."""
    syncs = list(history)
    failures = failures_in_a_row(syncs, resumed_at)
    latest = next((it for it in syncs if it.status is SyncStatus.FAILED), None)
    hopeless = failures > 0 and latest is not None and latest.error_code in HOPELESS
    return failures >= FAILURES or hopeless
