"""A small table of contacts, loaded through the real destination."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.destination import Destination, Loader, Progress, Table
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page

CONTACTS = Table(
    schema="acme",
    name="contacts",
    keys=("id",),
    connection="acme-hubspot",
    label="HubSpot contacts",
)
FIELDS = (Field("id"), Field("email", label="Email"), Field("age", "integer"))
FULL, INCREMENTAL = SyncMode.FULL, SyncMode.INCREMENTAL
NONE = timedelta(0)  # no look-back


def progress(sync: str = "s1", mode: SyncMode = INCREMENTAL, position: Any = None) -> Progress:
    return Progress(
        sync=sync,
        mode=mode,
        window=SyncWindow(),
        started_at=datetime(2024, 1, 1, tzinfo=UTC),
        shape="shape",
        position=position,
    )


@cache
def destination(url: str) -> Destination:
    """The real one, as the engine sees it; the same again, as in a process that runs on."""
    return PostgresDestination(url)


@contextmanager
def loading(
    url: str,
    table: Table = CONTACTS,
    fields: Sequence[Field] = FIELDS,
    *,
    sync: str = "s1",
    mode: SyncMode = INCREMENTAL,
) -> Iterator[Loader]:
    """A loader that has begun its sync."""
    with destination(url).open(table, fields, sync=sync) as loader:
        loader.begin(progress(sync, mode), resume=False)
        yield loader


def load(
    url: str,
    *rows: Mapping[str, Any],
    gone: Sequence[Any] = (),
    table: Table = CONTACTS,
    fields: Sequence[Field] = FIELDS,
    sync: str = "s1",
) -> Counts:
    """One whole sync of one page."""
    with loading(url, table, fields, sync=sync) as loader:
        loader.write(Page(rows=rows, gone=gone))
        counts = loader.commit(progress(sync))
        loader.finish()
    return counts


def full(url: str, *rows: Mapping[str, Any], most: float | None = None, sync: str = "f1") -> Counts:
    """One whole full sync of one page, reconciled."""
    with loading(url, sync=sync, mode=FULL) as loader:
        loader.write(Page(rows=rows))
        counts = loader.commit(progress(sync, FULL))
        counts += loader.reconcile(lookback=NONE, most=most) or Counts()
        loader.finish()
    return counts


def select(url: str, query: str, values: Iterable[Any] | None = None) -> list[Any]:
    """What a query gives: tuples, or values where there is one column."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode(), tuple(values) if values else None)
        rows = cursor.fetchall() if cursor.description else []
    return [row[0] if len(row) == 1 else row for row in rows]


def needs(url: str, postgres: int) -> None:
    """Skip the test where the server is older than this version of PostgreSQL."""
    with psycopg.connect(url) as connection:
        if connection.info.server_version < postgres * 10_000:
            pytest.skip(f"what it builds is of PostgreSQL {postgres} and later")


def meddle(url: str, statement: str) -> None:
    """What somebody does to a synced table whom no lock keeps from it."""
    select(url, f"SET sync_platform.own_ddl = 'on'; {statement}")


def people(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": str(n), "email": f"{n}@example.com", "age": n} for n in range(start, start + count)
    ]
