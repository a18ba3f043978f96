"""Books that somebody brought back from a backup which is older than some of the columns: these are
known by our comments, and get no second ones beside them."""

from typing import Any

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.older_books import (
    AGAIN,
    HOW,
    ROWS_BACK,
    columns,
    older_book,
    opened,
    read,
)
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    load,
    meddle,
    people,
    progress,
    select,
)

PHONE = Field("phone", label="Phone")
NEW = (*FIELDS, PHONE)


def calling(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**it, "phone": f"+{it['id']}"} for it in rows]


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
