"""What people add to a synced table is theirs: syncs leave it alone, and it leaves them alone."""

import re
from pathlib import Path

import psycopg
import pytest

from sync_platform.destination.frames import read_frame
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.spec import Field, FieldType, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    full,
    load,
    loading,
    people,
    progress,
    select,
)

THEIRS = [
    "ALTER TABLE acme.contacts ADD COLUMN note text, ADD COLUMN score int NOT NULL DEFAULT 7",
    "ALTER TABLE acme.contacts ADD COLUMN domain text"
    " GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED",
    "ALTER TABLE acme.contacts ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
    "CREATE INDEX by_email ON acme.contacts (lower(email)) WHERE _deleted_at IS NULL",
    "CREATE UNIQUE INDEX CONCURRENTLY by_number ON acme.contacts (number)",
    "CREATE VIEW acme.live AS SELECT * FROM acme.contacts WHERE _deleted_at IS NULL",
    "CREATE MATERIALIZED VIEW acme.domains AS SELECT DISTINCT domain FROM acme.contacts",
    "CREATE TABLE acme.calls (contact text REFERENCES acme.contacts, team int)",
    "CREATE TABLE acme.teams (id int PRIMARY KEY); ALTER TABLE acme.contacts"
    " ADD COLUMN team int REFERENCES acme.teams",
    "CREATE STATISTICS acme.ages ON age, email FROM acme.contacts",
    "ALTER TABLE acme.contacts ADD CONSTRAINT grown_up CHECK (age >= 0)",
]


def theirs(url: str) -> None:
    for statement in THEIRS:
        select(url, statement)
    select(url, "INSERT INTO acme.calls VALUES ('1', 1)")
    select(url, "UPDATE acme.contacts SET note = 'mine', score = 1 WHERE id = '1'")


def changed(*, ages: int) -> list[dict[str, object]]:
    return [row | {"age": ages, "email": f"{row['id']}@new.com"} for row in people(4)]


def test_what_people_add_survives_incremental_and_full_syncs(database: str) -> None:
    load(database, *people(3))
    theirs(database)
    assert load(database, *changed(ages=30)) == Counts(fetched=4, created=1, updated=3)
    assert full(database, *changed(ages=40)[1:]) == Counts(fetched=3, updated=3, deleted=1)
    rows = "SELECT id, note, score, domain, number IS NOT NULL FROM acme.live ORDER BY id"
    assert select(database, rows) == [
        ("1", "mine", 1, "new.com", True),
        ("2", None, 7, "new.com", True),
        ("3", None, 7, "new.com", True),
    ]


def test_what_people_add_survives_new_fields_and_types_that_widen(database: str) -> None:
    load(database, *people(3))
    theirs(database)
    fields = [FIELDS[0], Field("email", "json"), Field("age", "text"), Field("new", "integer")]
    rows = [{"id": "1", "email": "a@b.c", "age": "31", "new": 5}]
    assert load(database, *rows, fields=fields) == Counts(fetched=1, updated=1)
    assert select(database, "SELECT age, domain, note FROM acme.live WHERE id = '1'") == [
        (31, "b.c", "mine")
    ]
    assert select(database, "SELECT new FROM acme.contacts WHERE id = '1'") == [5]


def test_what_people_added_they_may_rename_and_drop(database: str) -> None:
    load(database, *people(3))
    theirs(database)
    for statement in (
        "ALTER TABLE acme.contacts RENAME COLUMN note TO remark",
        "DROP VIEW acme.live",
        "ALTER TABLE acme.contacts ALTER score TYPE numeric",
        "ALTER TABLE acme.contacts DROP COLUMN remark, DROP COLUMN domain CASCADE",
        "ALTER TABLE acme.contacts DROP CONSTRAINT grown_up",
        "DROP INDEX acme.by_email",
        "DROP TABLE acme.calls",
    ):
        select(database, statement)
    assert load(database, *changed(ages=30)).updated == 3


@pytest.mark.parametrize(
    ("statement", "has", "wanted"),
    [
        ("CREATE VIEW acme.v AS SELECT v FROM acme.contacts", "integer", "text"),
        ("ALTER TABLE acme.contacts ADD twice bigint GENERATED ALWAYS AS (v * 2) STORED",
            "integer", "number"),
        ("ALTER TABLE acme.contacts ADD CHECK (v > 0)", "integer", "text"),
        ("CREATE INDEX ON acme.contacts ((v + 1))", "integer", "text"),
        ("CREATE INDEX ON acme.contacts (id) WHERE v > 0", "integer", "text"),
        ("CREATE INDEX ON acme.contacts USING gin (v)", "json", "text"),
        ("CREATE TABLE acme.own (v bigint PRIMARY KEY); ALTER TABLE acme.contacts"
            " ADD FOREIGN KEY (v) REFERENCES acme.own NOT VALID", "integer", "text"),
        ("CREATE FUNCTION acme.f() RETURNS SETOF bigint LANGUAGE sql"
            " BEGIN ATOMIC SELECT v FROM acme.contacts; END", "integer", "text"),
        ("CREATE FUNCTION acme.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
            " CREATE TRIGGER t BEFORE UPDATE OF v ON acme.contacts FOR EACH ROW"
            " EXECUTE FUNCTION acme.t()", "integer", "text"),
    ],
)  # fmt: skip
def test_a_column_that_something_is_built_on_keeps_its_type(
    database: str, statement: str, has: FieldType, wanted: FieldType
) -> None:
    load(database, fields=[Field("id"), Field("v", has)])
    select(database, statement)
    fields = [Field("id"), Field("v", wanted), Field("w")]
    for _ in range(2):
        with destination(database).open(CONTACTS, fields, sync="x") as loader:
            (told,) = loader.told
            assert (told.field, told.kind, told.before, told.after) == ("v", "kept", has, wanted)
    kept = {"integer": "bigint", "json": "jsonb"}[has]
    types = {name: type for name, type, _ in PostgresDestination(database).column_types(CONTACTS)}
    assert types["v"] == kept


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "add-your-own-columns.md"


def test_what_the_how_to_says_is_so(platform: Platform, acme: Connection, hubspot: HubSpot) -> None:
    url, said = platform.database_url, HOW_TO.read_text()

    def sync(mode: SyncMode) -> None:
        request = SyncRequest(target=Target(acme.name, "contacts"), mode=mode)
        platform.sync(request).run(into=platform.destination)

    hubspot.add("contacts", email="ada@example.com", lifecyclestage="customer")
    sync(SyncMode.INCREMENTAL)
    sql, refused = re.findall(r"```(?:sql)?\n(.*?)```", said, re.DOTALL)
    select(url, sql)
    with pytest.raises(psycopg.Error) as told:
        select(url, "ALTER TABLE acme_hubspot.contacts DROP COLUMN email CASCADE")
    assert told.value.diag.message_primary == " ".join(refused.split())
    (comment,) = [
        comment
        for name, _, comment in platform.destination.column_types(
            platform.table(acme, platform.connector("hubspot")["contacts"])
        )
        if name == "email"
    ]
    assert f"*{comment}*" in said
    hubspot.add("contacts", email="bob@example.org", lifecyclestage="customer")
    sync(SyncMode.FULL)
    assert select(url, "SELECT domain FROM acme_hubspot.contacts ORDER BY 1") == [
        "example.com",
        "example.org",
    ]
    assert select(url, "SELECT count(*) FROM acme_hubspot.customers") == [2]


def test_rows_of_tables_that_inherit_from_a_synced_one_are_left_alone(database: str) -> None:
    with loading(database):
        pass
    select(database, "CREATE TABLE acme.archive (why text) INHERITS (acme.contacts)")
    select(
        database,
        "INSERT INTO acme.archive (id, email, _synced_at)"
        " VALUES ('1', 'old', '2020-01-01'), ('9', 'old', '2020-01-01')",
    )
    kept = select(database, "SELECT * FROM acme.archive ORDER BY id")
    assert load(database, *people(3)).created == 3
    assert full(database, *people(2), most=0.5) == Counts(fetched=2, deleted=1)
    assert load(database, gone=["9", "1"], sync="s2").deleted == 1
    assert load(database, *people(2), sync="s3") == Counts(fetched=2, updated=1)
    with destination(database).open(CONTACTS, FIELDS, sync="r", known_only=True) as loader:
        loader.write(Page([{"id": "1", "email": "new"}, {"id": "9", "email": "new"}]))
        assert loader.commit(progress("r", SyncMode.COMPUTED)).updated == 1
        assert loader.rows() == 2
    assert select(database, "SELECT * FROM acme.archive ORDER BY id") == kept
    assert sorted(read_frame(database, CONTACTS)["id"]) == ["0", "1"]
    assert len(read_frame(database, "acme.contacts")) == 4


@pytest.mark.parametrize("type", ["text", "bigint"])
def test_a_new_field_takes_no_column_of_a_table_that_inherits(database: str, type: str) -> None:
    load(database, *people(1))
    select(database, f"CREATE TABLE acme.archive (why {type}) INHERITS (acme.contacts)")
    load(database, {"id": "1", "email": "1", "age": 1, "why": "so"}, fields=[*FIELDS, Field("why")])
    assert select(database, "SELECT to_jsonb(it) ? 'why' FROM acme.contacts it") == [False] * 2
    select(database, "ALTER TABLE acme.archive RENAME COLUMN why TO reason")
    assert PostgresDestination(database).column_names(CONTACTS)["why"].startswith("why_")


@pytest.mark.parametrize("type", ["text", "bigint"])
def test_nor_does_what_stands_beside_a_column_that_is_kept(database: str, type: str) -> None:
    load(database, *people(1))
    select(database, f"CREATE TABLE acme.archive (age_text {type}) INHERITS (acme.contacts)")
    select(database, "CREATE VIEW public.ages AS SELECT age FROM acme.contacts")
    assert (
        load(database, {"id": "1", "age": "old"}, fields=[*FIELDS[:2], Field("age")]).created == 1
    )
    (beside,) = select(database, "SELECT beside FROM acme._columns WHERE field = 'age'")
    assert beside.startswith("age_text_")
    assert select(database, f"SELECT {beside} FROM acme.contacts WHERE id = '1'") == ["old"]


def test_a_key_that_others_refer_to_keeps_its_type(database: str) -> None:
    load(database, {"id": 1}, fields=[Field("id", "integer")])
    select(database, "CREATE TABLE acme.calls (contact bigint REFERENCES acme.contacts)")
    assert load(database, {"id": 1}, {"id": "2"}, fields=[Field("id")]).created == 1


REWRITES = """
    CREATE TABLE public.rewritten (name text);
    CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.rewritten SELECT pg_event_trigger_table_rewrite_oid()::regclass; END $$;
    CREATE EVENT TRIGGER note ON table_rewrite EXECUTE FUNCTION public.note();
"""


def test_columns_that_widen_together_have_the_table_written_once(database: str) -> None:
    names = ("a", "b", "c")
    load(database, {"id": "1"}, fields=[Field("id"), *(Field(it, "integer") for it in names)])
    select(database, REWRITES)
    row = {"id": "1", "a": "x", "b": 1.5, "c": "y"}
    fields = [Field("id"), Field("a"), Field("b", "number"), Field("c")]
    assert load(database, row, fields=fields) == Counts(fetched=1, updated=1)
    assert select(database, "SELECT name FROM public.rewritten") == ["acme.contacts"]


def test_of_columns_that_widen_together_one_that_postgres_refuses_is_kept_alone(
    database: str,
) -> None:
    names = ("a", "b", "c")
    load(database, {"id": "1"}, fields=[Field("id"), *(Field(it, "integer") for it in names)])
    select(database, "CREATE TABLE above (b bigint); ALTER TABLE acme.contacts INHERIT above")
    row = {"id": "1", "a": "x", "b": "y", "c": "z"}
    fields = [Field("id"), *map(Field, names)]
    assert load(database, row, fields=fields) == Counts(fetched=1, updated=1)
    columns = "SELECT a, b, b_text, c FROM acme.contacts"
    assert select(database, columns) == [("x", None, "y", "z")]


def test_plain_indexes_do_not_keep_a_column_from_widening(database: str) -> None:
    load(database, *people(1))
    select(database, "CREATE INDEX ON acme.contacts (age, email)")
    load(database, {"id": "1", "age": "x"}, fields=[FIELDS[0], Field("age", "text")])
    assert select(database, "SELECT age FROM acme.contacts ORDER BY id") == ["0", "x"]
