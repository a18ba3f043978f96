"""A collation by which texts that differ are the same (a nondeterministic one) on a synced column:
changes that it does not tell would never be written, and records whose keys it does not tell apart
would take each other's rows. Locks refuse it; where there are none, the next sync undoes it."""

from dataclasses import replace

import psycopg
import pytest
from psycopg import errors as pg

from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    destination,
    full,
    load,
    meddle,
    people,
    select,
)

REFUSED = pg.DependentObjectsStillExist
NO_CASE = (
    "CREATE COLLATION public.no_case"
    " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
)
PLAIN = "CREATE COLLATION public.plain (provider = libc, locale = 'C')"
ALTER = "ALTER TABLE acme.contacts ALTER {} TYPE text COLLATE public.{}"
ROWS = 'SELECT id, email, age FROM acme.contacts ORDER BY id COLLATE "C"'
SHAPE = "COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version 5.'"


@pytest.fixture
def database(empty_database: str) -> str:
    """A database with such a collation; a server without ICU cannot have one."""
    try:
        select(empty_database, NO_CASE)
    except pg.FeatureNotSupported:
        pytest.skip("this server was built without ICU, so that it has no such collation")
    return empty_database


@pytest.mark.parametrize(
    "statement",
    [
        ALTER.format("email", "no_case"),
        ALTER.format("id", "no_case"),
        ALTER.format("_deleted_by", "no_case"),
        "ALTER TABLE acme._rejected ALTER key TYPE text COLLATE public.no_case",
        "CREATE TABLE above (email text); ALTER TABLE acme.contacts INHERIT above;"
        " ALTER TABLE above ALTER email TYPE text COLLATE public.no_case",
    ],
)
def test_a_synced_column_cannot_be_given_it(database: str, statement: str) -> None:
    load(database, *people(1))
    said = (
        r"The column \w+ of acme\.\w+ .* is kept in sync by the connection acme-hubspot and cannot "
        r"be given the collation no_case, by which texts that differ can be the same\."
    )
    with pytest.raises(REFUSED, match=said):
        select(database, statement)


@pytest.mark.parametrize("column", ["id", "email"])
def test_it_can_be_given_any_other(empty_database: str, column: str) -> None:
    load(empty_database, *people(1))
    select(empty_database, f"{PLAIN}; {ALTER.format(column, 'plain')}")
    assert found(empty_database) == ([], False)
    assert load(empty_database, *people(2)).created == 1


def test_a_column_of_ones_own_can_be_given_it_and_an_index(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ADD COLUMN own text COLLATE public.no_case")
    select(database, "CREATE INDEX ON acme.contacts (email COLLATE public.no_case)")
    assert found(database)[0] == []
    assert load(database, *people(2)).created == 1


def test_locks_of_an_older_version_learn_to_refuse_it(database: str) -> None:
    load(database, *people(1))
    select(
        database,
        "CREATE OR REPLACE FUNCTION sync_platform.keep_shape() RETURNS event_trigger"
        f" LANGUAGE plpgsql AS 'BEGIN END'; {SHAPE}",
    )
    load(database, *people(1))
    with pytest.raises(REFUSED, match="collation no_case"):
        select(database, ALTER.format("email", "no_case"))


def found(database: str) -> tuple[list[str], bool]:
    """What the next sync tells, and whether it is to read everything."""
    with destination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        left = loader.progress()
        anew = left is not None and left.mode is FULL and left.position is None
        return [str(it) for it in loader.told], anew


TOLD = (
    "The column {} was given the collation no_case, by which texts that differ can be the same, "
    "and has the database's again; what it held comes back with the next full sync."
)


def test_a_column_that_has_it_gets_the_databases_again_and_is_read_anew(database: str) -> None:
    load(database, {"id": "1", "email": "a@x", "age": 1})
    meddle(database, ALTER.format("email", "no_case"))
    assert found(database) == ([TOLD.format("email")], True)
    full(database, {"id": "1", "email": "A@X", "age": 1})
    assert select(database, ROWS) == [("1", "A@X", 1)]
    assert found(database) == ([], False)


def test_so_does_a_key(database: str) -> None:
    load(database, {"id": "a", "email": "a@x", "age": 1})
    meddle(database, ALTER.format("id", "no_case"))
    rows = {"id": "A", "email": "b@x", "age": 2}, {"id": "a", "email": "a@x", "age": 1}
    assert found(database) == ([TOLD.format("id")], True)
    full(database, *rows)
    assert select(database, ROWS) == [("A", "b@x", 2), ("a", "a@x", 1)]


def test_one_that_was_made_narrower_with_it_is_mended_at_once(database: str) -> None:
    load(database, *people(1))
    alter = "ALTER TABLE acme.contacts ALTER email TYPE varchar(99) COLLATE public.no_case"
    meddle(database, alter)
    told, anew = found(database)
    assert (len(told), anew) == (1, True)
    assert found(database) == ([], True)
    with psycopg.connect(database) as connection:
        kept = connection.execute("SELECT 'A' = min(email) FROM acme.contacts").fetchone()
    assert kept == (False,)


def test_under_somebodys_view_it_is_told_what_to_do(database: str) -> None:
    load(database, *people(1))
    meddle(database, ALTER.format("email", "no_case"))
    select(database, "CREATE VIEW acme.emails AS SELECT email FROM acme.contacts")
    said = r"'email' of acme\.contacts the collation no_case, .* Drop the view"
    with pytest.raises(ConfigurationError, match=said) as error:
        load(database, *people(1))
    _, statement = str(error.value).split("(after ")
    select(database, f"DROP VIEW acme.emails; {statement.removesuffix(').').replace(':', ';', 1)}")
    assert found(database) == ([], False)
    assert load(database, *people(2)).created == 1


def test_the_column_of_a_field_that_is_gone_may_have_it_until_that_returns(database: str) -> None:
    load(database, *people(1))
    load(database, fields=[FIELDS[0]])
    meddle(database, ALTER.format("email", "no_case"))
    assert load(database, {"id": "0"}, fields=[FIELDS[0]]).unchanged == 1
    assert found(database) == ([TOLD.format("email")], True)


ON_OTHERS = (
    "ADD COLUMN mine int",
    "ALTER age SET STATISTICS 10",
    "OWNER TO CURRENT_USER",
    "ENABLE ROW LEVEL SECURITY",
    "ALTER email SET STATISTICS 10",
)


def gone(database: str) -> None:
    """A sync after the vendor took the field of the column email away."""
    load(database, {"id": "0", "age": 0}, fields=[FIELDS[0], FIELDS[2]], sync="gone")


def vanished_with_it(database: str) -> None:
    """Make a table whose column email has such a collation, and no field any more."""
    load(database, *people(1))
    gone(database)
    meddle(database, ALTER.format("email", "no_case"))
    gone(database)


def test_then_it_keeps_nobody_from_altering_the_table(database: str) -> None:
    vanished_with_it(database)
    for statement in ON_OTHERS:
        select(database, f"ALTER TABLE acme.contacts {statement}")
    with pytest.raises(REFUSED, match=r"column _deleted_by of .* given the collation no_case"):
        select(database, ALTER.format("_deleted_by", "no_case"))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("RENAME email TO mail", "renamed"),
        ("ALTER email TYPE bytea USING ''", "from the type text to bytea"),
        ("DROP COLUMN email", "dropped"),
    ],
)
def test_then_it_is_locked_in_all_else(database: str, statement: str, said: str) -> None:
    vanished_with_it(database)
    with pytest.raises(REFUSED, match=f"column email of .* {said}"):
        select(database, f"ALTER TABLE acme.contacts {statement}")


def test_once_it_has_another_it_cannot_be_given_that_again(database: str) -> None:
    vanished_with_it(database)
    select(database, "ALTER TABLE acme.contacts ALTER email TYPE text")
    gone(database)
    with pytest.raises(REFUSED, match="given the collation no_case"):
        select(database, ALTER.format("email", "no_case"))


def test_nor_once_its_field_has_returned(database: str) -> None:
    vanished_with_it(database)
    load(database, *people(1))
    with pytest.raises(REFUSED, match="given the collation no_case"):
        select(database, ALTER.format("email", "no_case"))


def test_one_that_marks_deletions_with_it_keeps_nobody_from_altering_the_table(
    database: str,
) -> None:
    load(database, *people(1))
    meddle(database, ALTER.format("_deleted_by", "no_case"))
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ADD COLUMN mine int")


def test_newer_locks_know_which_columns_had_it_under_older_ones(database: str) -> None:
    vanished_with_it(database)
    select(database, "ALTER TABLE sync_platform.locked_tables DROP COLUMN IF EXISTS differing")
    select(database, SHAPE)
    load(database, table=replace(CONTACTS, schema="beta", connection="beta-hubspot"))
    for statement in ON_OTHERS:
        select(database, f"ALTER TABLE acme.contacts {statement}")
    with pytest.raises(REFUSED, match="given the collation no_case"):
        select(database, ALTER.format("id", "no_case"))


def test_a_field_that_outgrew_its_column_widens_though_others_have_it(database: str) -> None:
    load(database, *people(1))
    meddle(database, ALTER.format("email", "no_case"))
    outgrown = [*FIELDS[:2], Field("age")]
    assert load(database, {"id": "0", "email": "x", "age": "old"}, fields=outgrown).updated == 1
