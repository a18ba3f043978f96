"""Columns that widen together: what Postgres refuses of them costs the others little, since each
statement that widens some writes the whole table anew."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sync_platform.spec import Field
from sync_platform_tests.destination.tables import CONTACTS, destination, load, select

COUNTING = """
    CREATE SEQUENCE public.rewrites;
    CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM nextval('public.rewrites'); END $$;
    CREATE EVENT TRIGGER note ON table_rewrite EXECUTE FUNCTION public.note()
"""
ABOVE = "CREATE TABLE public.above ({} bigint); ALTER TABLE acme.contacts INHERIT public.above"
UNIQUE = (
    "UPDATE acme.contacts SET {0} = '\"5\"' WHERE id = '6';"
    " CREATE UNIQUE INDEX ON acme.contacts ({0})"
)
NUMBERS = [f"n{n}" for n in range(16)]


def numbered(database: str, extra: tuple[str, ...] = (), count: int = 16) -> list[Field]:
    """A table of many integers, and of json; gives the fields that have outgrown them."""
    fields = [Field("id"), *(Field(it, "integer") for it in NUMBERS[:count])]
    fields += [Field(it, "json") for it in extra]
    rows = ({"id": str(n)} | {it.name: n for it in fields[1:]} for n in range(10))
    load(database, *rows, fields=fields)
    return [Field(it.name) for it in fields]


@contextmanager
def rewrites(database: str, at_most: int) -> Iterator[None]:
    select(database, COUNTING)
    try:
        yield
        (count,) = select(
            database, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.rewrites"
        )
        assert 0 < count <= at_most
    finally:
        select(database, "DROP EVENT TRIGGER note")


def kept(database: str, fields: list[Field]) -> set[str]:
    with destination(database).open(CONTACTS, fields, sync="x") as loader:
        return {it.field for it in loader.told if it.kind == "kept"}


def texts(database: str) -> set[str]:
    types = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'acme'"
    return set(select(database, f"{types} AND table_name = 'contacts' AND data_type = 'text'"))


def test_columns_that_nothing_refuses_are_written_once(database: str) -> None:
    fields = numbered(database)
    with rewrites(database, at_most=1):
        assert kept(database, fields) == set()
    assert texts(database) > set(NUMBERS)


@pytest.mark.parametrize("refused", ["n0", "n7", "n15"])
def test_one_that_is_refused_at_once_costs_no_rewrite_for_each_of_the_others(
    database: str, refused: str
) -> None:
    fields = numbered(database)
    select(database, ABOVE.format(refused))
    with rewrites(database, at_most=5):
        assert kept(database, fields) == {refused}
    assert texts(database) & set(NUMBERS) == set(NUMBERS) - {refused}


def test_nor_does_one_that_is_refused_late(database: str) -> None:
    fields = numbered(database, extra=("extra",))
    select(database, UNIQUE.format("extra"))
    with rewrites(database, at_most=8):
        assert kept(database, fields) == {"extra"}
    assert texts(database) > set(NUMBERS)


def test_several_that_are_refused_are_found_among_the_others(database: str) -> None:
    fields = numbered(database, extra=("e1", "e2"))
    select(database, ABOVE.format("n3"))
    for it in ("e1", "e2"):
        select(database, UNIQUE.format(it))
    with rewrites(database, at_most=10):
        assert kept(database, fields) == {"n3", "e1", "e2"}
    assert texts(database) & set(NUMBERS) == set(NUMBERS) - {"n3"}


def test_where_all_are_refused_all_are_kept_and_nothing_is_tried_again(database: str) -> None:
    fields = numbered(database)
    select(database, "CREATE TABLE public.snapshots (it acme.contacts)")
    for _ in range(2):
        assert kept(database, fields) == set(NUMBERS)


SMALL_STEPS = """
    CREATE FUNCTION public.small_steps() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_query() LIKE '%n0%TYPE%n1%TYPE%' THEN RAISE 'too much at once'; END IF;
    END $$;
    CREATE EVENT TRIGGER small_steps ON table_rewrite EXECUTE FUNCTION public.small_steps()
"""


def test_what_is_refused_only_together_is_widened_one_by_one(database: str) -> None:
    fields = numbered(database, count=4)
    select(database, SMALL_STEPS)
    assert kept(database, fields) == set()
    assert texts(database) > set(NUMBERS[:4])
