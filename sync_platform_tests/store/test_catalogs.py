from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import SchemaChange, Target
from sync_platform.errors import UnknownConnection
from sync_platform.spec import Field, FieldType
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.database import Database

CONTACTS = Target("acme-hubspot", "contacts")
EMAIL = Field("email", label="Email", description="How to write to them")
AGE = Field("age", "integer", read_only=True)


def told(changes: Sequence[SchemaChange]) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.field, each.kind, each.before, each.after) for each in changes]


def test_before_the_first_discovery_nothing_is_known(store: Database, acme: Connection) -> None:
    assert Catalogs(store).fields(CONTACTS) is None


def test_the_first_discovery_changes_nothing(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    assert catalogs.save(CONTACTS, [EMAIL, AGE]) == []
    assert catalogs.fields(CONTACTS) == [EMAIL, AGE]
    assert catalogs.changes("acme-hubspot") == []
    assert catalogs.save(CONTACTS, [EMAIL, AGE]) == []


def test_an_object_without_fields_is_known_too(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [])
    assert catalogs.fields(CONTACTS) == []


def test_added_vanished_and_retyped_fields_are_told_and_kept(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMAIL, AGE])
    changes = catalogs.save(CONTACTS, [Field("age", "number"), Field("city")])
    assert told(changes) == [
        ("age", "retyped", "integer", "number"),
        ("city", "added", None, "text"),
        ("email", "vanished", "text", None),
    ]
    assert catalogs.fields(CONTACTS) == [Field("age", "number"), Field("city")]
    kept = catalogs.changes("acme-hubspot")
    assert told(kept) == list(reversed(told(changes)))
    assert {each.object for each in kept} == {"contacts"}
    assert all(each.found_at and each.found_at.tzinfo for each in kept)


def test_a_field_that_comes_back_has_returned(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMAIL, AGE])
    catalogs.save(CONTACTS, [EMAIL])
    catalogs.save(CONTACTS, [EMAIL])
    assert told(catalogs.save(CONTACTS, [EMAIL, Field("age", "text")])) == [
        ("age", "returned", None, "text"),
        ("age", "retyped", "integer", "text"),
    ]
    assert told(catalogs.save(CONTACTS, [EMAIL])) == [("age", "vanished", "text", None)]


def test_a_change_of_words_is_no_schema_change(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMAIL])
    renamed = Field("email", label="E-mail\0 address")
    assert catalogs.save(CONTACTS, [renamed]) == []
    assert catalogs.fields(CONTACTS) == [Field("email", label="E-mail address")]


def test_the_unit_of_a_fields_numbers_is_kept_and_is_no_schema_change(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    for found in (Field("born", "date", epoch="ms"), Field("born", "date")):
        catalogs.save(CONTACTS, [Field("born", "date")])
        assert catalogs.save(CONTACTS, [found]) == []
        assert catalogs.fields(CONTACTS) == [found]
    assert catalogs.changes("acme-hubspot") == []


def of_table(kind: str, field: str, before: str, after: str) -> SchemaChange:
    return SchemaChange(object="contacts", field=field, kind=kind, before=before, after=after)


RENAMED = of_table("mended", "email", "renamed to mail", "has its name back")
STAYS = of_table("kept", "age", "integer", "text")


def test_what_became_of_a_table_is_kept_with_what_changed_at_the_vendor(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    assert catalogs.keep(CONTACTS, []) == []
    dropped = of_table("mended", "", "dropped or renamed", "is made anew")
    assert told(catalogs.keep(CONTACTS, [RENAMED, dropped])) == told([RENAMED, dropped])
    assert len(catalogs.keep(CONTACTS, [RENAMED])) == 1  # it was renamed once more
    kept = catalogs.changes("acme-hubspot", "contacts")
    assert told(kept) == told([RENAMED, dropped, RENAMED])
    assert all(each.found_at for each in kept)


def test_that_a_column_keeps_its_type_is_news_once(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    assert told(catalogs.keep(CONTACTS, [STAYS])) == told([STAYS])
    assert catalogs.keep(CONTACTS, [STAYS]) == []
    assert catalogs.keep(Target("acme-hubspot", "deals"), [STAYS]) != []
    height = of_table("kept", "height", "integer", "text")
    assert told(catalogs.keep(CONTACTS, [STAYS, height])) == told([height])
    by_now = of_table("kept", "age", "integer", "number")
    for change in (by_now, STAYS):
        assert told(catalogs.keep(CONTACTS, [change, height])) == told([change])


def test_a_column_that_followed_its_renamed_field_is_told_and_not_kept(
    store: Database, acme: Connection
) -> None:
    followed = of_table("followed", "E-Mail", "mail", "e_mail")
    assert Catalogs(store).keep(CONTACTS, [followed]) == [followed]
    assert Catalogs(store).changes("acme-hubspot") == []


def test_nothing_is_kept_of_a_connection_that_is_gone(store: Database) -> None:
    with pytest.raises(UnknownConnection):
        Catalogs(store).keep(CONTACTS, [RENAMED])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (RENAMED, "The column email was renamed to mail, and has its name back."),
        (
            STAYS,
            "The column age stays integer, though its field needs text: a view, a trigger or the "
            "like is built on it. Until that is dropped, values that do not fit it load as text "
            "into a column beside it; beside a key, or where the table is full, they have their "
            "records rejected.",
        ),
        (
            of_table("mended", "", "dropped or renamed", "is made anew"),
            "The table was dropped or renamed, and is made anew.",
        ),
        (
            SchemaChange(object="contacts", field="E-Mail", kind="followed", before="mail"),
            "The vendor renamed a field to 'E-Mail'; its column mail keeps its name and its "
            "values.",
        ),
    ],
)
def test_what_became_of_a_table_is_a_sentence(change: SchemaChange, sentence: str) -> None:
    assert str(change) == sentence


def test_changes_can_be_asked_for_one_object(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    for name in ("contacts", "deals"):
        catalogs.save(Target("acme-hubspot", name), [])
        catalogs.save(Target("acme-hubspot", name), [AGE])
    assert len(catalogs.changes("acme-hubspot")) == 2
    assert [each.object for each in catalogs.changes("acme-hubspot", "deals")] == ["deals"]
    assert catalogs.changes("other") == []


def test_hundreds_of_fields_can_change_at_once(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [])
    many = [Field(f"field_{number}") for number in range(1500)]
    assert len(catalogs.save(CONTACTS, many)) == 1500
    assert catalogs.fields(CONTACTS) == many


def of(id: str, name: str, type: FieldType = "text") -> Field:
    return Field(name, type, id=id)


def test_a_field_that_has_another_name_was_renamed_where_it_has_an_id(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [of("fld1", "Mail"), Field("phone")])
    changes = catalogs.save(CONTACTS, [of("fld1", "E-Mail"), Field("telephone")])
    assert told(changes) == [
        ("E-Mail", "renamed", "Mail", "E-Mail"),
        ("telephone", "added", None, "text"),
        ("phone", "vanished", "text", None),
    ]
    assert catalogs.fields(CONTACTS) == [of("fld1", "E-Mail"), Field("telephone")]
    assert catalogs.save(CONTACTS, [of("fld1", "E-Mail"), Field("telephone")]) == []


def test_names_can_be_swapped_and_types_changed_with_them(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [of("fld1", "a"), of("fld2", "b")])
    assert told(catalogs.save(CONTACTS, [of("fld1", "b"), of("fld2", "a", "number")])) == [
        ("b", "renamed", "a", "b"),
        ("a", "renamed", "b", "a"),
        ("a", "retyped", "text", "number"),
    ]


def test_a_new_field_that_takes_the_old_name_of_a_renamed_one_is_new(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [of("fld1", "status")])
    assert told(catalogs.save(CONTACTS, [of("fld2", "status"), of("fld1", "former status")])) == [
        ("status", "added", None, "text"),
        ("former status", "renamed", "status", "former status"),
    ]


def test_a_field_may_return_under_another_name(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [of("fld1", "status")])
    catalogs.save(CONTACTS, [])
    assert told(catalogs.save(CONTACTS, [of("fld1", "state")])) == [
        ("state", "returned", None, "text"),
        ("state", "renamed", "status", "state"),
    ]


def test_a_field_that_was_made_anew_by_its_old_name_is_the_same(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    for field in (Field("status"), of("fld1", "status"), of("fld2", "status"), Field("status")):
        assert catalogs.save(CONTACTS, [field]) == []


def test_what_an_earlier_version_kept_of_vanished_fields_is_understood(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMAIL])
    with store.statement() as session:
        session.execute("""UPDATE sync_platform.catalogs SET vanished = '{"age": "integer"}'""")
    assert told(catalogs.save(CONTACTS, [EMAIL, AGE])) == [("age", "returned", None, "integer")]


def test_a_change_says_what_happened_and_when(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [of("fld1", "Mail"), AGE, EMAIL])
    catalogs.save(CONTACTS, [of("fld1", "Post"), Field("age", "text"), Field("city")])
    saved = catalogs.save(CONTACTS, [of("fld1", "Post"), Field("age"), Field("city"), EMAIL])
    assert [str(each) for each in reversed(catalogs.changes("acme-hubspot"))] == [
        "The field 'Mail' is called 'Post' now.",
        "The field 'age' was integer and is text now.",
        "The field 'city' is new (text).",
        "The field 'email' is gone; its column stays.",
        "The field 'email' is back.",
    ]
    assert saved[0] == catalogs.changes("acme-hubspot")[0]


def test_a_connection_that_is_removed_while_its_catalog_is_kept_is_told(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMAIL])
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))"
    with ThreadPoolExecutor(1) as threads:
        with store.transaction() as session:
            session.execute("SELECT FROM sync_platform.catalogs FOR UPDATE")
            saving = threads.submit(catalogs.save, CONTACTS, [EMAIL, AGE])
            while not session.execute(waiting, (session.info.backend_pid,)).rowcount:
                assert not saving.done()
            session.execute("DELETE FROM sync_platform.connections")
        with pytest.raises(UnknownConnection, match="acme-hubspot has been removed meanwhile"):
            saving.result()
