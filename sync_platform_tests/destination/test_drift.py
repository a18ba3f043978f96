"""Where no lock keeps people off, as with a role that may not make event triggers, the next sync
finds what they did."""

import logging
import re
from dataclasses import replace

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    destination,
    full,
    load,
    loading,
    people,
    progress,
    select,
)

TOLD = "sync_platform.destination"


@pytest.fixture
def database(limited_database: str) -> str:
    """Where locks cannot be made, drift is what there is."""
    return limited_database


def read_anew(url: str) -> bool:
    """Whether the next sync is told to read everything."""
    with destination(url).open(CONTACTS, FIELDS, sync="x") as loader:
        left = loader.progress()
        return left is not None and left.mode is FULL and left.position is None


def test_a_role_that_may_not_make_locks_syncs_without_and_is_told_once(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, TOLD)
    it = PostgresDestination(database)
    for _ in range(3):
        with it.open(CONTACTS, FIELDS, sync="x") as loader:
            loader.write(Page(people(1)))
            loader.commit(progress())
    (record,) = [each for each in caplog.records if each.name == TOLD]
    assert "not locked in this database (permission denied" in record.getMessage()
    assert select(database, "SELECT to_regnamespace('sync_platform')") == [None]
    it.unlock("acme")
    it.erase("acme")


def test_a_renamed_column_gets_its_name_back(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    load(database, *people(2))
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN email TO mail")
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN id TO contact_id")
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN _synced_at TO at")
    assert not read_anew(database)
    assert load(database, *people(3)).created == 1
    assert select(database, "SELECT email FROM acme.contacts ORDER BY id")[0] == "0@example.com"
    assert "acme.contacts: The column email was renamed to mail, and has its name back." in [
        each.getMessage() for each in caplog.records
    ]


def test_what_was_mended_is_told_to_the_sync_that_did(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN email TO mail")
    with destination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        (change,) = loader.told
        assert (change.object, change.field, change.kind) == ("contacts", "email", "mended")
        assert str(change) == "The column email was renamed to mail, and has its name back."
    with destination(database).open(CONTACTS, FIELDS, sync="y") as loader:
        assert not loader.told


def test_a_renamed_column_can_widen_at_once(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN age TO years")
    load(database, {"id": "1", "age": "x"}, fields=[FIELDS[0], Field("age", "text")])
    assert select(database, "SELECT age FROM acme.contacts ORDER BY id") == ["0", "x"]


def test_a_renamed_column_under_somebodys_view_keeps_its_type(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN age TO years")
    select(database, "CREATE VIEW acme.ages AS SELECT years FROM acme.contacts")
    load(database, {"id": "1", "age": "5"}, fields=[FIELDS[0], Field("age", "text")])
    assert select(database, "SELECT years FROM acme.ages ORDER BY 1") == [0, 5]


@pytest.mark.parametrize("column", ["email", "_synced_at", "_deleted_at", "_deleted_by"])
def test_a_dropped_column_comes_back_and_everything_is_read_anew(
    database: str, column: str
) -> None:
    full(database, *people(3))
    select(database, f"ALTER TABLE acme.contacts DROP COLUMN {column}")
    assert read_anew(database)
    full(database, *people(2), sync="f2")
    assert not read_anew(database)
    rows = "SELECT email, _deleted_by FROM acme.contacts ORDER BY id"
    assert select(database, rows)[:2] == [("0@example.com", None), ("1@example.com", None)]
    assert select(database, rows)[2][1] == "reconcile"
    columns = PostgresDestination(database).column_types(CONTACTS)
    assert all(comment for _, _, comment in columns)


def test_the_shared_column_comes_back(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1600))]
    row = {"id": "1", "f1599": "last"}
    load(database, row, fields=fields)
    select(database, "ALTER TABLE acme.contacts DROP COLUMN _more")
    assert load(database, row, fields=fields).updated == 1
    assert select(database, "SELECT _more ->> 'f1599' FROM acme.contacts") == ["last"]


def test_a_shared_column_that_got_another_type_is_told(database: str) -> None:
    fields = [Field("id"), *(Field(f"f{n}") for n in range(1600))]
    load(database, {"id": "1", "f1599": "last"}, fields=fields)
    select(database, "ALTER TABLE acme.contacts ALTER COLUMN _more TYPE text")
    with pytest.raises(ConfigurationError, match=r"'_more' .* Give it the type jsonb again"):
        load(database, {"id": "1", "f1599": "new"}, fields=fields)


@pytest.mark.parametrize("statement", ["DROP TABLE acme.contacts", "ALTER TABLE acme.contacts "
    "RENAME TO old", "ALTER TABLE acme.contacts SET SCHEMA public"])  # fmt: skip
def test_a_table_that_is_gone_is_made_anew_and_read_anew(
    database: str, caplog: pytest.LogCaptureFixture, statement: str
) -> None:
    load(database, *people(1))
    select(database, statement)
    assert read_anew(database)
    assert (
        "acme.contacts: The table was dropped or renamed, and is made anew; what it held comes "
        "back with the next full sync."
    ) in caplog.messages
    assert full(database, *people(2)).created == 2


def test_a_sync_that_runs_meanwhile_does_not_pass_for_the_full_one(database: str) -> None:
    with loading(database, sync="running", mode=FULL) as running:
        running.write(Page(people(2)))
        running.commit(progress("running", FULL, {"page": 1}))
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
        assert read_anew(database)  # as a pushed record would open it
        running.finish()
        assert read_anew(database)
    with destination(database).open(CONTACTS, FIELDS, sync="f") as loader:
        loader.begin(progress("f", FULL), resume=False)
        loader.write(Page(people(2)))
        assert loader.commit(progress("f", FULL)).updated == 2
        assert loader.reconcile(lookback=NONE, most=0.0) == Counts(deleted=0)


def test_a_column_that_was_given_a_narrower_type_is_widened_and_read_anew(database: str) -> None:
    load(database, {"id": "1", "email": "007"})
    select(database, "ALTER TABLE acme.contacts ALTER email TYPE bigint USING email::bigint")
    assert read_anew(database)
    assert full(database, {"id": "1", "email": "007"}).updated == 1
    assert select(database, "SELECT email FROM acme.contacts") == ["007"]


@pytest.mark.parametrize(
    ("column", "type"),
    [
        ("email", "varchar(300)"),
        ("email", "varchar"),
        ("email", "char(20)"),
        ("id", "varchar(20)"),
        ("age", "integer"),
        ("age", "smallint"),
    ],
)
def test_a_column_that_was_made_narrower_has_its_type_back_and_is_read_anew(
    database: str, caplog: pytest.LogCaptureFixture, column: str, type: str
) -> None:
    load(database, *people(2))
    before = PostgresDestination(database).column_types(CONTACTS)
    select(database, f"ALTER TABLE acme.contacts ALTER {column} TYPE {type}")
    assert read_anew(database)
    assert PostgresDestination(database).column_types(CONTACTS) == before
    [told] = [it.getMessage() for it in caplog.records if "was changed to" in it.getMessage()]
    assert told.startswith(f"acme.contacts: The column {column} was changed to ")
    assert told.endswith(
        ", and has its type back; what it held comes back with the next full sync."
    )
    assert full(database, *people(2)).deleted == 0
    assert not read_anew(database)
    rows = select(database, "SELECT id, email, age FROM acme.contacts ORDER BY id")
    assert rows == [(it["id"], it["email"], it["age"]) for it in people(2)]


def test_a_narrower_column_under_somebodys_view_is_told(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ALTER age TYPE integer")
    select(database, "CREATE VIEW acme.ages AS SELECT age FROM acme.contacts")
    with pytest.raises(ConfigurationError, match="Give it the type bigint again"):
        load(database, *people(1))


def test_a_column_that_was_given_a_wider_type_keeps_it(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ALTER age TYPE numeric")
    assert not read_anew(database)
    assert select(database, "SELECT type FROM acme._columns WHERE field = 'age'") == ["number"]
    assert load(database, *people(2)).created == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER age TYPE real", "'age' .* 'real'.* Give it the type bigint again"),
        (
            "ALTER _synced_at TYPE timestamp",
            "'_synced_at' .* Give it the type timestamp with time zone again",
        ),
        ("DROP CONSTRAINT contacts_pkey", "has no primary key, .* Give it that key: ALTER TABLE"),
        (
            "DROP CONSTRAINT contacts_pkey, ADD CONSTRAINT theirs PRIMARY KEY (id, age)",
            r"has the key \(age, id\), .* Give it that key .* DROP CONSTRAINT \"theirs\"",
        ),
        (
            "DROP CONSTRAINT contacts_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
            r"has the key \(id\), which is DEFERRABLE, so that no sync can write by it",
        ),
        ("DROP COLUMN id", "dropped or renamed the key 'id'.* else rename the table"),
    ],
)
def test_what_cannot_be_mended_is_said(database: str, statement: str, said: str) -> None:
    load(database, *people(1))
    select(database, f"ALTER TABLE acme.contacts {statement}")
    with pytest.raises(ConfigurationError, match=said):
        load(database, *people(1))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP CONSTRAINT contacts_pkey",
        "DROP CONSTRAINT contacts_pkey, ADD PRIMARY KEY (id, age)",
        "DROP CONSTRAINT contacts_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED",
        'DROP CONSTRAINT contacts_pkey, ADD CONSTRAINT "my Key" PRIMARY KEY (email)',
    ],
)
def test_a_key_that_somebody_dropped_or_replaced_is_brought_back_by_what_is_said(
    database: str, statement: str
) -> None:
    load(database, *people(2))
    select(database, f"ALTER TABLE acme.contacts {statement}")
    with pytest.raises(ConfigurationError) as told:
        load(database, *people(2))
    (said,) = re.findall(r"ALTER TABLE .*?\)(?=\. Where Postgres)", str(told.value))
    select(database, said)
    assert load(database, *people(3)).created == 1


def test_a_key_that_no_column_is_known_for_is_told(database: str) -> None:
    load(database, *people(1))
    other = replace(CONTACTS, keys=("uid",))
    with pytest.raises(ConfigurationError, match="No column of it is known for uid: rename the"):
        load(database, {"uid": "1"}, table=other, fields=[*FIELDS, Field("uid")])


def test_a_table_that_lost_its_key_may_be_renamed(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts DROP COLUMN id")
    select(database, "SET sync_platform.own_ddl = 'on'; ALTER TABLE acme.contacts RENAME TO old")
    assert load(database, *people(2)).created == 2


def test_a_vanished_fields_column_may_be_dropped(database: str) -> None:
    load(database, *people(1))
    load(database, fields=[FIELDS[0]])
    select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    load(database, {"id": "0"}, fields=[FIELDS[0]])
    assert load(database, *people(1)).updated == 1


def test_drift_of_one_table_is_none_of_anothers(database: str) -> None:
    companies = replace(CONTACTS, name="companies")
    load(database, *people(1), table=companies)
    load(database, *people(1))
    select(database, "ALTER TABLE acme.companies DROP COLUMN email")
    load(database, table=companies)
    assert not read_anew(database)


def test_a_table_that_is_made_anew_has_the_types_that_its_fields_need_by_now(
    database: str,
) -> None:
    load(database, *people(1))
    select(database, "DROP TABLE acme.contacts")
    outgrown = [*FIELDS[:2], Field("age")]
    counts = load(database, {"id": "1", "age": "old"}, {"id": "2", "age": 7}, fields=outgrown)
    assert counts == Counts(fetched=2, created=2)
    assert select(database, "SELECT age FROM acme.contacts ORDER BY id") == ["old", "7"]
