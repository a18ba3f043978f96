"""Books that somebody brought back from a backup which is older than a field's new name, where the
field's column has followed it since."""

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.spec import Field, FieldType
from sync_platform_tests.destination.older_books import (
    AGAIN,
    HOW,
    TABLES_BACK,
    columns,
    older_book,
    opened,
    read,
)
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, load, meddle, select


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
