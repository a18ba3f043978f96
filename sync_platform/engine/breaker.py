"""The circuit breaker: five failures in a row stop automatic syncs until a person resumes them.

Pure: it reads history. Failures count per object, because a connection's objects fail for their own
reasons (a missing scope on one) and six healthy ones would hide, or be stopped by, the seventh.
A failure that only a person can mend opens it at once, and keeps it open until a sync of the object
goes well or a person resumes it. No later failure proves that it is mended: a vendor that is down
or answers nonsense may not even have looked at the sign-in. That our own database is out of reach
or busy (somebody's long transaction has the table) says nothing of the object, and a vendor's daily
limit that is used up is there again tomorrow: no person is needed.
A refresh of computed fields neither counts nor ends a row of failures: it reads other things, and
moves no cursor. What only a person can mend counts in whatever mode it is met.
"""

from collections.abc import Iterable
from datetime import datetime

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult, SyncStatus

FAILURES = 5
# Refused, not broken.
REFUSALS = ("too_many_deletes", "already_syncing", "lease_lost", "signed_in_anew")
# What passes by itself: our own database is busy or away, the vendor's limit of a day is used up.
PASSING = ("store_unavailable", "rate_limited")
UNCOUNTED = (*REFUSALS, *PASSING)
HOPELESS = ("needs_reauth", "not_permitted")  # no try will succeed until someone acts


def failures_in_a_row(
    history: Iterable[SyncResult], resumed_at: datetime | None
) -> list[SyncResult]:
    """An object's latest syncs that failed, one after the other; newest first, as in `history`.

    Syncs from before `resumed_at` do not count. Canceled, stopped and running ones are
    passed over.
    """
    failures = []
    for sync in history:
        if resumed_at is not None and sync.started_at <= resumed_at:
            break
        if sync.mode is SyncMode.COMPUTED and sync.error_code not in HOPELESS:
            continue
        if sync.status in (SyncStatus.FAILED, SyncStatus.STALE):
            failures += [sync] if sync.error_code not in UNCOUNTED else []
        elif sync.status is SyncStatus.SUCCEEDED:
            break
    return failures


def is_open(history: Iterable[SyncResult], resumed_at: datetime | None) -> bool:
    """Whether automatic syncs of the object must wait for a person."""
    failures = failures_in_a_row(history, resumed_at)
    return len(failures) >= FAILURES or any(it.error_code in HOPELESS for it in failures)


def opened_by(failure: SyncResult | None) -> str:
    """What stopped the syncs, in words, by the failure to tell of (`to_mend`): one is enough where
    only people can mend it."""
    hopeless = failure is not None and failure.error_code in HOPELESS
    return "a failure that only a person can mend" if hopeless else "repeated failures"


def to_mend(history: Iterable[SyncResult], resumed_at: datetime | None) -> SyncResult | None:
    """The failure to tell people of: the newest that only they can mend, else the newest; None
    where the latest sync did not fail."""
    failures = failures_in_a_row(history, resumed_at)
    hopeless = [it for it in failures if it.error_code in HOPELESS]
    return next(iter(hopeless or failures), None)
