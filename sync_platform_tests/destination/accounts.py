"""Syncs of accounts that read into one table, one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sync_platform.engine.destination import Loader
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    INCREMENTAL,
    NONE,
    destination,
    progress,
)

WITHOUT_AGE = [each for each in FIELDS if each.name != "age"]


@contextmanager
def opened(
    url: str, account: str, mode: SyncMode = INCREMENTAL, fields: Sequence[Field] = FIELDS
) -> Iterator[Loader]:
    """A loader that has begun a sync of this account."""
    with destination(url).open(CONTACTS, fields, sync="s1", account=account) as loader:
        loader.begin(progress(mode=mode), resume=False)
        yield loader
        loader.finish()


def reads(url: str, account: str, *rows: Mapping[str, Any]) -> Counts:
    """An incremental sync of an account."""
    with opened(url, account) as loader:
        loader.write(Page(rows=rows))
        return loader.commit(progress())


def reads_all(url: str, account: str, *rows: Mapping[str, Any]) -> tuple[Counts, Counts]:
    """A full sync of an account that has no ages: what was marked, and what was cleared."""
    with opened(url, account, FULL, WITHOUT_AGE) as loader:
        loader.write(Page(rows=rows))
        loader.commit(progress(mode=FULL))
        marked = loader.reconcile(lookback=NONE, most=None) or Counts()
        return marked, loader.clear_others()


def refreshes(url: str, account: str, *rows: Mapping[str, Any]) -> None:
    """A refresh of computed fields of an account."""
    opens = destination(url).open
    with opens(CONTACTS, FIELDS[:2], sync="c", account=account, known_only=True) as loader:
        loader.write(Page(rows=rows))
        loader.commit(progress("c"))


def has_others(url: str, account: str) -> bool:
    with opened(url, account) as loader:
        return loader.has_others
