"""A field that the vendor renamed keeps its column, where the vendor tells fields by an id."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, FieldType
from sync_platform_tests.destination.tables import (
    CONTACTS,
    destination,
    load,
    meddle,
    select,
)

ID = Field("id")


def field(id: str, name: str, type: FieldType = "text") -> Field:
    return Field(name, type, id=id)


def columns(url: str) -> dict[str, str]:
    """The columns that are not ours alone, and their types."""
    found = PostgresDestination(url).column_types(CONTACTS)
    return {name: type for name, type, _ in found if not name.startswith("_")}


def mapping(url: str) -> Mapping[str, str]:
    return PostgresDestination(url).column_names(CONTACTS)


def sync(url: str, *fields: Field, **values: Any) -> Counts:
    """One sync with these fields, of one record or none."""
    rows = [{"id": "1", **values}] if values else []
    return load(url, *rows, fields=[ID, *fields])


def test_a_renamed_field_renames_its_column_and_keeps_its_values(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    sync(database, field("fld1", "Mail"), Mail="ada@example.com")
    sync(database, field("fld1", "E-Mail"))
    assert list(columns(database)) == ["id", "e_mail"]
    assert select(database, "SELECT e_mail FROM acme.contacts") == ["ada@example.com"]
    assert mapping(database) == {"id": "id", "E-Mail": "e_mail"}
    assert (
        "acme.contacts: The vendor renamed a field to 'E-Mail'; its column mail is called e_mail "
        "now, and keeps its values."
    ) in [each.getMessage() for each in caplog.records]
    comments = {
        name: told for name, _, told in PostgresDestination(database).column_types(CONTACTS)
    }
    assert comments["e_mail"] == "synced from HubSpot contacts: E-Mail"
    same = {"E-Mail": "ada@example.com"}
    assert sync(database, field("fld1", "E-Mail"), **same) == Counts(fetched=1)


def test_without_an_id_a_renamed_field_is_a_new_one(database: str) -> None:
    sync(database, Field("mail"), mail="ada@example.com")
    sync(database, Field("email"))
    assert list(columns(database)) == ["id", "mail", "email"]


def test_peoples_views_and_indexes_on_a_renamed_column_go_on(database: str) -> None:
    sync(database, field("fld1", "mail"), mail="ada@example.com")
    select(database, "CREATE VIEW public.mails AS SELECT mail FROM acme.contacts")
    select(database, "CREATE INDEX by_mail ON acme.contacts (lower(mail))")
    sync(database, field("fld1", "email"), email="eve@example.com")
    assert select(database, "SELECT mail FROM public.mails") == ["eve@example.com"]
    (definition,) = select(database, "SELECT pg_get_indexdef('acme.by_mail'::regclass)")
    assert "lower(email)" in definition


def test_a_renamed_column_is_locked_by_its_new_name(database: str) -> None:
    sync(database, field("fld1", "mail"))
    sync(database, field("fld1", "email"))
    for statement in ("DROP COLUMN email", "RENAME COLUMN email TO mail"):
        with pytest.raises(psycopg.Error, match=r"column email of acme\.contacts"):
            select(database, f"ALTER TABLE acme.contacts {statement}")


def test_two_fields_can_change_names(database: str) -> None:
    first, second = field("fld1", "a"), field("fld2", "b", "integer")
    sync(database, first, second, a="text", b=5)
    sync(database, field("fld1", "b"), field("fld2", "a", "integer"))
    assert columns(database) == {"id": "text", "b": "text", "a": "bigint"}
    assert select(database, "SELECT a, b FROM acme.contacts") == [(5, "text")]
    sync(database, first, second)
    assert select(database, "SELECT a, b FROM acme.contacts") == [("text", 5)]


def test_three_fields_can_pass_their_names_on(database: str) -> None:
    sync(database, *(field(f"fld{n}", f"f{n}") for n in range(3)), f0="0", f1="1", f2="2")
    sync(database, field("fld0", "f1"), field("fld1", "f2"), field("fld2", "last"))
    assert select(database, "SELECT f1, f2, last FROM acme.contacts") == [("0", "1", "2")]
    assert "f0" not in columns(database)


def test_a_field_can_be_renamed_and_retyped_at_once(database: str) -> None:
    sync(database, field("fld1", "age", "integer"), age=5)
    sync(database, field("fld1", "years", "text"), years="six")
    assert columns(database) == {"id": "text", "years": "text"}
    assert select(database, "SELECT years FROM acme.contacts") == ["six"]


def test_a_retyped_field_under_somebodys_view_is_renamed_alone(database: str) -> None:
    sync(database, field("fld1", "age", "integer"), age=5)
    select(database, "CREATE VIEW acme.ages AS SELECT age FROM acme.contacts")
    sync(database, field("fld1", "years", "text"))
    assert columns(database) == {"id": "text", "years": "bigint", "years_text": "text"}


def test_a_field_can_be_renamed_back(database: str) -> None:
    before, after = field("fld1", "mail"), field("fld1", "email")
    sync(database, before, mail="ada@example.com")
    for each in (after, before, after):
        sync(database, each)
        assert list(columns(database)) == ["id", each.name]
        assert select(database, f"SELECT {each.name} FROM acme.contacts") == ["ada@example.com"]


def test_a_new_field_may_take_the_old_name_at_once(database: str) -> None:
    sync(database, field("fld1", "status"), status="old")
    sync(database, field("fld1", "former status"), field("fld2", "status"), status="new")
    assert select(database, "SELECT former_status, status FROM acme.contacts") == [(None, "new")]
    assert mapping(database) == {"id": "id", "former status": "former_status", "status": "status"}


@pytest.mark.parametrize("whose", ["mine", "a field's"])
def test_a_column_keeps_its_name_where_the_new_one_is_taken(database: str, whose: str) -> None:
    others = [] if whose == "mine" else [field("fld2", "E-Mail")]
    sync(database, field("fld1", "mail"), *others, mail="ada@example.com")
    if whose == "mine":
        select(database, "ALTER TABLE acme.contacts ADD COLUMN e_mail text")
    sync(database, field("fld1", "e_mail"), *others, e_mail="eve@example.com")
    assert list(columns(database))[:3] == (["id", "mail", "e_mail"])
    assert select(database, "SELECT mail, e_mail FROM acme.contacts") == [("eve@example.com", None)]
    assert mapping(database)["e_mail"] == "mail"


def test_a_field_may_take_the_name_of_one_that_is_gone_and_that_one_return(database: str) -> None:
    first, second = field("fld1", "mail"), field("fld2", "email")
    sync(database, first, second, mail="first", email="second")
    sync(database, first)
    sync(database, field("fld1", "email"))
    assert select(database, "SELECT mail, email FROM acme.contacts") == [("first", "second")]
    assert mapping(database) == {"id": "id", "email": "mail", "email (fld2)": "email"}
    sync(database, field("fld1", "email"), field("fld2", "other"))
    assert mapping(database) == {"id": "id", "email": "mail", "other": "other"}
    assert select(database, "SELECT mail, other FROM acme.contacts") == [("first", "second")]
    vanished = "SELECT field FROM acme._columns WHERE vanished_at IS NOT NULL"
    assert select(database, vanished) == []


def test_a_field_that_was_made_anew_by_its_old_name_keeps_the_column(database: str) -> None:
    sync(database, field("fld1", "mail"), mail="ada@example.com")
    sync(database, field("fld9", "mail"))
    assert list(columns(database)) == ["id", "mail"]
    sync(database, field("fld9", "email"))
    assert list(columns(database)) == ["id", "email"]


def test_a_book_without_ids_learns_them(database: str) -> None:
    sync(database, Field("mail"), mail="ada@example.com")
    meddle(database, "ALTER TABLE acme._columns DROP COLUMN field_id")
    sync(database, Field("mail"))
    sync(database, field("fld1", "mail"))
    sync(database, field("fld1", "email"))
    assert select(database, "SELECT email FROM acme.contacts") == ["ada@example.com"]


def test_only_the_letters_of_a_name_may_change(database: str) -> None:
    sync(database, field("fld1", "first name"), **{"first name": "Ada"})
    sync(database, field("fld1", "First Name"))
    assert mapping(database) == {"id": "id", "First Name": "first_name"}
    assert select(database, "SELECT first_name FROM acme.contacts") == ["Ada"]


def test_fields_that_share_a_column_are_renamed_in_it(database: str) -> None:
    fields = [ID, *(field(f"fld{n}", f"f{n}") for n in range(1600))]
    load(database, {"id": "1", "f1598": "a", "f1599": "b"}, {"id": "2"}, fields=fields)
    fields[-1], fields[-2] = field("fld1599", "f1598"), field("fld1598", "new")
    load(database, fields=fields)
    rows = select(database, "SELECT _more FROM acme.contacts ORDER BY id")
    assert rows == [{"f1598": "b", "new": "a"}, None]


def test_a_column_that_somebody_renamed_meanwhile_is_found(database: str) -> None:
    sync(database, field("fld1", "mail"), mail="ada@example.com")
    meddle(database, "ALTER TABLE acme.contacts RENAME COLUMN mail TO post")
    sync(database, field("fld1", "email"))
    assert list(columns(database)) == ["id", "email"]
    assert select(database, "SELECT email FROM acme.contacts") == ["ada@example.com"]


def test_a_column_that_somebody_dropped_meanwhile_comes_back(database: str) -> None:
    sync(database, field("fld1", "mail"), mail="ada@example.com")
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN mail")
    sync(database, field("fld1", "email"), email="ada@example.com")
    assert select(database, "SELECT mail FROM acme.contacts") == ["ada@example.com"]


def test_a_table_that_somebody_dropped_meanwhile_is_made_with_the_new_names(database: str) -> None:
    sync(database, field("fld1", "mail"), mail="ada@example.com")
    meddle(database, "DROP TABLE acme.contacts")
    sync(database, field("fld1", "email"), email="ada@example.com")
    assert mapping(database)["email"] in columns(database)
    assert sync(database, field("fld1", "email"), email="x").updated == 1


def test_a_key_is_known_by_its_name_alone(database: str) -> None:
    key = Field("id", id="fld0")
    load(database, {"id": "1", "code": "x"}, fields=[key, field("fld1", "code")])
    load(database, {"id": "2"}, fields=[Field("id", id="fld1"), field("fld0", "code")])
    assert select(database, "SELECT id, code FROM acme.contacts ORDER BY id") == [
        ("1", "x"),
        ("2", None),
    ]


def test_a_rename_is_done_once(database: str) -> None:
    sync(database, field("fld1", "mail"))
    sync(database, field("fld1", "email"))
    with psycopg.connect(database) as blocking:
        blocking.execute("LOCK TABLE acme.contacts IN ROW EXCLUSIVE MODE")
        fields = [ID, field("fld1", "email")]
        with destination(database).open(CONTACTS, fields, sync="x") as loader:
            assert loader.rows() == 0
