"""Books that somebody brought back from a backup, and what the next sync makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FULL,
    NONE,
    destination,
    loading,
    meddle,
    progress,
    select,
)

COPY = """
    DROP TABLE IF EXISTS public.tables, public.columns;
    CREATE TABLE public.tables (LIKE acme._tables INCLUDING ALL);
    CREATE TABLE public.columns (LIKE acme._columns INCLUDING ALL);
    INSERT INTO public.tables SELECT * FROM acme._tables;
    INSERT INTO public.columns SELECT * FROM acme._columns
"""
ROWS_BACK = """
    TRUNCATE acme._tables, acme._columns;
    INSERT INTO acme._tables SELECT * FROM public.tables;
    INSERT INTO acme._columns SELECT * FROM public.columns
"""
TABLES_BACK = f"""
    DROP TABLE acme._tables, acme._columns;
    CREATE TABLE acme._tables (LIKE public.tables INCLUDING ALL);
    CREATE TABLE acme._columns (LIKE public.columns INCLUDING ALL);
    {ROWS_BACK}
"""
HOW = pytest.mark.parametrize("how", [ROWS_BACK, TABLES_BACK])
AGAIN = (
    "The column {} was in no book any more, as where an older backup of the books is brought back, "
    "and is booked again; what it missed meanwhile comes with the next full sync."
)


@contextmanager
def older_book(database: str, how: str = ROWS_BACK) -> Iterator[None]:
    """Afterwards the books are those of before the block."""
    select(database, COPY)
    yield
    meddle(database, how)


def opened(database: str, fields: Sequence[Field]) -> tuple[list[str], bool]:
    """What a sync tells when it opens the table, and whether it is to read everything."""
    with destination(database).open(CONTACTS, fields, sync="x") as loader:
        left = loader.progress()
        anew = left is not None and left.mode is FULL and left.position is None
        return [str(it) for it in loader.told], anew


def read(database: str, fields: Sequence[Field], rows: Iterable[dict[str, Any]]) -> None:
    with loading(database, fields=fields, sync="f", mode=FULL) as loader:
        loader.write(Page(rows=list(rows)))
        loader.commit(progress("f", FULL))
        loader.reconcile(lookback=NONE, most=None)
        loader.finish()


def columns(database: str) -> list[str]:
    return [name for name, _, _ in PostgresDestination(database).column_types(CONTACTS)]
