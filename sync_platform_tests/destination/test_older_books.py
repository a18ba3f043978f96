"""Books that somebody brought back from a backup which is older than some of the columns: these are
known by our comments, and get no second ones beside them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, FieldType, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    destination,
    load,
    loading,
    meddle,
    people,
    progress,
    select,
)

PHONE = Field("phone", label="Phone")
NEW = (*FIELDS, PHONE)
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


def calling(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**it, "phone": f"+{it['id']}"} for it in rows]


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


def phones(database: str) -> list[Any]:
    return select(database, "SELECT phone FROM acme.contacts ORDER BY id")


@HOW
def test_a_column_that_is_newer_than_the_book_is_booked_again_and_read_anew(
    database: str, how: str
) -> None:
    load(database, *people(3))
    with older_book(database, how):
        load(database, *calling(*people(3)), fields=NEW)
        before = columns(database)
    assert opened(database, NEW) == ([AGAIN.format("phone")], True)
    assert columns(database) == before
    assert phones(database) == ["+0", "+1", "+2"]
    read(database, NEW, [*calling(*people(2)), {**people(3)[2], "phone": "new"}])
    assert phones(database) == ["+0", "+1", "new"]
    assert opened(database, NEW) == ([], False)
    with pytest.raises(psycopg.Error, match=r"column phone of .* is kept in sync"):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN phone")


def test_it_keeps_its_type_and_widens_as_any_other(database: str) -> None:
    load(database, *people(1))
    number = (*FIELDS, Field("phone", "integer", label="Phone"))
    with older_book(database):
        load(database, {**people(1)[0], "phone": 7}, fields=number)
    assert opened(database, number) == ([AGAIN.format("phone")], True)
    kinds = "SELECT type FROM acme._columns WHERE field = 'phone'"
    assert (phones(database), select(database, kinds)) == ([7], ["integer"])
    meddle(database, ROWS_BACK)
    assert opened(database, NEW) == ([AGAIN.format("phone")], True)
    assert (phones(database), select(database, kinds)) == (["7"], ["text"])


def test_it_is_known_too_if_its_field_was_gone_meanwhile(database: str) -> None:
    load(database, *people(1))
    with older_book(database):
        load(database, *calling(*people(1)), fields=NEW)
        load(database, fields=FIELDS)
    assert opened(database, FIELDS) == ([], False)
    assert opened(database, NEW) == ([AGAIN.format("phone")], True)
    types = PostgresDestination(database).column_types(CONTACTS)
    assert types[-1] == ("phone", "text", "synced from HubSpot contacts: Phone")


def test_a_refresh_of_computed_fields_finds_it_too(database: str) -> None:
    load(database, *people(1))
    with older_book(database):
        load(database, *calling(*people(1)), fields=NEW)
    computed = (FIELDS[0], Field("phone", label="Phone", computed=True))
    with destination(database).open(CONTACTS, computed, sync="r", known_only=True) as loader:
        assert [it.field for it in loader.told] == ["phone"]
        loader.write(Page(rows=[{"id": "0", "phone": "+1"}]))
        assert loader.commit(progress("r")).updated == 1
    assert opened(database, NEW) == ([], True)
    assert phones(database) == ["+1"]


def test_fields_whose_names_differ_little_get_their_own_columns_again(database: str) -> None:
    load(database, *people(1))
    alike = (*FIELDS, Field("phone"), Field("Phone"), Field("PHONE"))
    row = {**people(1)[0], "phone": "a", "Phone": "b", "PHONE": "c"}
    with older_book(database):
        load(database, row, fields=alike)
        before = columns(database)
    for again in (alike, (*FIELDS, *alike[:2:-1])):
        with older_book(database):
            told, anew = opened(database, again)
            assert (len(told), anew) == (3, True)
            assert columns(database) == before
            assert load(database, row, fields=again).unchanged == 1


@pytest.mark.parametrize(
    "after",
    [
        "",
        "COMMENT ON COLUMN acme.contacts.phone IS 'mine'",
        "COMMENT ON COLUMN acme.contacts.phone IS 'synced from HubSpot contacts: Mobile'",
    ],
)
def test_a_column_of_somebodys_own_is_left_alone(database: str, after: str) -> None:
    load(database, *people(1))
    own = "ALTER TABLE acme.contacts ADD COLUMN phone text DEFAULT 'mine'"
    select(database, f"{own}; {after}")
    assert load(database, *calling(*people(1)), fields=NEW).updated == 1
    assert phones(database) == ["mine"]
    assert select(database, f"SELECT {columns(database)[-1]} FROM acme.contacts") == ["+0"]


def test_ours_that_was_made_beside_somebodys_own_is_booked_again(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ADD COLUMN phone text DEFAULT 'mine'")
    with older_book(database):
        load(database, *calling(*people(1)), fields=NEW)
        before = columns(database)
    told, anew = opened(database, NEW)
    assert (len(told), anew, columns(database)) == (1, True, before)
    assert load(database, *calling(*people(1)), fields=NEW).unchanged == 1


def test_fields_that_share_a_column_that_is_newer_than_the_book_share_it_again(
    database: str,
) -> None:
    many = [FIELDS[0], *(Field(f"f{n}") for n in range(1600))]
    row = {"id": "1", "f1599": "last"}
    load(database, {"id": "1"}, fields=many[:1500])
    with older_book(database):
        load(database, row, fields=many)
    told, anew = opened(database, many)
    assert AGAIN.format("_more") in told
    assert anew
    assert load(database, row, fields=many).unchanged == 1
    assert select(database, "SELECT _more ->> 'f1599' FROM acme.contacts") == ["last"]


def test_a_shared_column_of_somebodys_own_is_told_as_ever(database: str) -> None:
    load(database, {"id": "1"}, fields=FIELDS)
    select(database, "ALTER TABLE acme.contacts ADD COLUMN _more jsonb")
    with pytest.raises(ConfigurationError, match="a column of their own named '_more'"):
        load(database, {"id": "1"}, fields=[FIELDS[0], *(Field(f"f{n}") for n in range(1600))])


def test_what_stands_beside_a_column_and_is_newer_than_the_book_is_booked_again(
    database: str,
) -> None:
    load(database, *people(2))
    select(database, "CREATE VIEW public.theirs AS SELECT age FROM acme.contacts")
    outgrown = [*FIELDS[:2], Field("age")]
    row = {"id": "1", "email": "1@example.com", "age": "old"}
    with older_book(database):
        load(database, row, fields=outgrown)
        before = columns(database)
    told, anew = opened(database, outgrown)
    assert AGAIN.format("age_text") in told
    assert anew
    assert columns(database) == before
    assert load(database, row, fields=outgrown).unchanged == 1


def scored(name: str, *others: str, type: FieldType = "text", label: str = "") -> list[Field]:
    """Contacts with one field that the vendor renames."""
    return [FIELDS[0], Field(name, type, id="f1", label=label), *map(Field, others)]


@pytest.mark.parametrize("label", ["", "A label"])
@pytest.mark.parametrize("type", ["text", "integer"])
def test_a_column_that_followed_its_renamed_field_since_is_booked_again(
    database: str, type: FieldType, label: str
) -> None:
    before = scored("Score", type=type, label=label and "Another label")
    after = scored("Name", label=label)
    load(database, {"id": "0", "Score": 1}, fields=before)
    with older_book(database, TABLES_BACK):
        load(database, {"id": "0", "Name": "new"}, fields=after)
        select(database, "CREATE VIEW public.theirs AS SELECT id, name FROM acme.contacts")
        shape = columns(database)
    told, anew = opened(database, after)
    assert AGAIN.format("name") in told
    assert anew
    assert columns(database) == shape
    read(database, after, [{"id": "0", "Name": "newer"}])
    assert select(database, "SELECT * FROM public.theirs") == [("0", "newer")]
    assert PostgresDestination(database).column_names(CONTACTS) == {"id": "id", "Name": "name"}
    assert opened(database, after) == ([], False)
    with pytest.raises(psycopg.Error, match=r"column name of .* is kept in sync"):
        select(database, "ALTER TABLE acme.contacts RENAME COLUMN name TO mine")


def test_so_is_one_whose_field_went_after_it_was_renamed(database: str) -> None:
    load(database, {"id": "0", "Score": "a"}, fields=scored("Score"))
    with older_book(database, TABLES_BACK):
        load(database, {"id": "0", "Name": "b"}, fields=scored("Name"))
        load(database, fields=FIELDS[:1])
        shape = columns(database)
    assert AGAIN.format("name") in opened(database, scored("Name"))[0]
    assert columns(database) == shape
    types = PostgresDestination(database).column_types(CONTACTS)
    assert ("name", "text", "synced from HubSpot contacts: Name") in types


@pytest.mark.parametrize(
    "own",
    [
        "ADD COLUMN mine text; {} 'synced from HubSpot contacts: Name'",  # which one is ours?
        "DROP COLUMN name, ADD COLUMN mine text; {} 'Name'",
        "DROP COLUMN name, ADD COLUMN mine inet; {} 'synced from HubSpot contacts: Name'",
    ],
)
def test_no_column_of_somebodys_own_is_taken_for_one_that_followed(database: str, own: str) -> None:
    load(database, {"id": "0", "Score": "a"}, fields=scored("Score"))
    with older_book(database, TABLES_BACK):
        load(database, {"id": "0", "Name": "b"}, fields=scored("Name"))
        comment = "COMMENT ON COLUMN acme.contacts.mine IS"
        meddle(database, f"ALTER TABLE acme.contacts {own.format(comment)}")
    load(database, {"id": "0", "Name": "c"}, fields=scored("Name"))
    ours = PostgresDestination(database).column_names(CONTACTS)["Name"]
    rows = select(database, f"SELECT mine, {ours} FROM acme.contacts")
    assert rows == [(None, "c")]


def test_a_column_that_somebody_renamed_before_its_field_was_is_known_by_what_it_was(
    database: str,
) -> None:
    load(database, {"id": "0", "Score": "a"}, fields=scored("Score"))
    with older_book(database, TABLES_BACK):
        load(database, {"id": "0", "Score": "a", "Name": "b"}, fields=scored("Score", "Name"))
    meddle(database, "ALTER TABLE acme.contacts RENAME COLUMN score TO points")
    load(database, fields=scored("Name"))
    ours = PostgresDestination(database).column_names(CONTACTS)["Name"]
    assert select(database, f"SELECT {ours} FROM acme.contacts") == ["a"]


def by_id(**names: str) -> list[Field]:
    return [FIELDS[0], *(Field(name.replace("_", " "), id=id) for id, name in names.items())]


@HOW
def test_so_is_one_whose_name_a_new_field_took_since(database: str, how: str) -> None:
    load(database, {"id": "0", "status": "old"}, fields=by_id(f1="status"))
    after = by_id(f1="former_status", f2="status")
    row = {"id": "0", "status": "new", "former status": "old"}
    with older_book(database, how):
        load(database, row, fields=after)
        shape = columns(database)
    told, anew = opened(database, after)
    assert {AGAIN.format("status"), AGAIN.format("former_status")} <= {*told}
    assert anew
    assert columns(database) == shape
    assert load(database, row, fields=after).unchanged == 1


def test_so_are_those_that_passed_their_names_on_since(database: str) -> None:
    load(database, {"id": "0", "a": "1", "b": "2", "c": "3"}, fields=by_id(f1="a", f2="b", f3="c"))
    after = by_id(f1="b", f2="c", f3="last")
    row = {"id": "0", "b": "1", "c": "2", "last": "3"}
    with older_book(database, TABLES_BACK):
        load(database, row, fields=after)
        shape = columns(database)
    assert opened(database, after)[1]
    assert columns(database) == shape
    assert load(database, row, fields=after).unchanged == 1


@pytest.mark.parametrize("followed", [True, False])
def test_of_fields_that_changed_names_nobody_can_tell_so_they_are_read_anew(
    database: str, followed: bool
) -> None:
    load(database, {"id": "0", "a": "1", "b": "2"}, fields=by_id(f1="a", f2="b"))
    after = by_id(f1="b", f2="a")
    with older_book(database, TABLES_BACK):
        if followed:
            load(database, {"id": "0", "a": "2", "b": "1"}, fields=after)
    assert opened(database, after)[1]
    read(database, after, [{"id": "0", "a": "2", "b": "1"}])
    assert select(database, "SELECT a, b FROM acme.contacts") == [("2", "1")]
    assert opened(database, after) == ([], False)
