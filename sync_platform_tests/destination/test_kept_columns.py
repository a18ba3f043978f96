"""A column that must keep its type, though its field has outgrown it: no value is bent to fit, and
none has its record rejected. What Postgres refuses to do to a table ends no sync."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from sync_platform.destination.columns import Column, DoesNotFit, RowEncoder
from sync_platform.destination.described import described
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts, SchemaChange
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

VIEW = "CREATE VIEW public.theirs AS SELECT {} FROM acme.contacts"


def columns(url: str) -> dict[str, tuple[str, str | None]]:
    found = PostgresDestination(url).column_types(CONTACTS)
    return {name: (type, comment) for name, type, comment in found}


def told(url: str, fields: Sequence[Field]) -> Sequence[SchemaChange]:
    with destination(url).open(CONTACTS, fields, sync="x") as loader:
        return loader.told


@pytest.mark.parametrize(
    ("has", "wanted", "value", "fits", "beside"),
    [
        ("integer", "text", "7", "7", None),
        ("integer", "text", 7, "7", None),
        ("integer", "number", 7.0, "7", None),
        ("integer", "number", 1.5, None, "1.5"),
        ("integer", "number", 10**30, None, str(10**30)),
        ("integer", "text", "007", None, "007"),
        ("integer", "text", "+7", None, "+7"),
        ("integer", "text", "high", None, "high"),
        ("integer", "text", "", None, None),
        ("integer", "boolean", True, None, "true"),
        ("integer", "json", {"a": 1}, None, '{"a":1}'),
        ("number", "text", "-1.50", "-1.50", None),
        ("number", "text", "1e3", None, "1e3"),
        ("number", "text", "-0", None, "-0"),
        ("number", "text", "-0.00", None, "-0.00"),
        ("number", "text", "-0.01", "-0.01", None),
        ("number", "text", "٣", None, "٣"),
        ("boolean", "text", "true", "true", None),
        ("boolean", "text", "TRUE", None, "TRUE"),
        ("boolean", "integer", 1, None, "1"),
        ("boolean", "json", [True], None, "[true]"),
        ("date", "timestamp", "2024-02-29", "2024-02-29", None),
        ("date", "timestamp", "2024-02-29T23:30-05:00", None, "2024-02-29T23:30-05:00"),
        ("date", "timestamp", "2024-02-30", None, "2024-02-30"),
        ("date", "text", "20240229", None, "20240229"),
        ("date", "text", "2024-W09-4", None, "2024-W09-4"),
        ("date", "integer", 20240131, None, "20240131"),
        ("date", "number", 5.5, None, "5.5"),
        ("timestamp", "text", "2024-02-29T23:30-05:00", "2024-03-01 04:30:00+00", None),
        ("timestamp", "text", "2024-02-29", None, "2024-02-29"),
        ("timestamp", "text", "2024", None, "2024"),
        ("timestamp", "text", "2024-02-29T23:30:00.1234567Z", None, "2024-02-29T23:30:00.1234567Z"),
        ("timestamp", "integer", 20240131, None, "20240131"),
        ("json", "text", "abc", '"abc"', None),
    ],
)
def test_a_value_that_would_have_to_be_bent_loads_as_text_beside_the_column(
    database: str, has: FieldType, wanted: FieldType, value: Any, fits: str, beside: str
) -> None:
    load(database, fields=[Field("id"), Field("v", has)])
    select(database, VIEW.format("v"))
    fields = [Field("id"), Field("v", wanted)]
    assert load(database, {"id": "1", "v": value}, fields=fields) == Counts(fetched=1, created=1)
    with psycopg.connect(database, options="-c TimeZone=UTC") as connection:
        rows = connection.execute("SELECT v::text, v_text FROM acme.contacts").fetchall()
    assert rows == [(fits, beside)]


def test_numbers_since_1970_are_no_day_in_a_column_that_is_kept(database: str) -> None:
    load(database, fields=[Field("id"), Field("born", "date", epoch="ms")])
    select(database, VIEW.format("born"))
    born = Field("born", "timestamp", epoch="ms")
    load(database, {"id": "1", "born": "1709251200000"}, fields=[Field("id"), born])
    assert select(database, "SELECT born, born_text FROM acme.contacts") == [
        (None, "1709251200000")
    ]


SCORES = [Field("id"), Field("email"), Field("score", "integer", label="Score")]
OUTGROWN = [*SCORES[:2], Field("score", label="Score")]


def scored(url: str) -> None:
    """Three rows with scores, a view over them, and the field a text since."""
    load(url, *({"id": str(n), "email": "a", "score": n} for n in range(3)), fields=SCORES)
    select(url, VIEW.format("score"))
    rows = [{"id": "0", "email": "b", "score": "high"}, {"id": "1", "email": "b", "score": "8"}]
    rows += [{"id": "3", "email": "b", "score": "\\N\t"}]
    assert load(url, *rows, fields=OUTGROWN) == Counts(fetched=3, created=1, updated=2)


ROWS = "SELECT id, email, score, score_text FROM acme.contacts ORDER BY id"


def test_a_value_that_does_not_fit_holds_up_nothing_else_of_its_record(database: str) -> None:
    scored(database)
    assert select(database, ROWS) == [
        ("0", "b", None, "high"),
        ("1", "b", 8, None),
        ("2", "a", 2, None),
        ("3", "b", None, "\\N\t"),
    ]
    assert select(database, "SELECT count(*) FROM acme._rejected") == [0]
    again = {"id": "0", "email": "b", "score": "high"}
    assert load(database, again, fields=OUTGROWN) == Counts(fetched=1)
    load(database, {"id": "0", "email": "b", "score": "5"}, fields=OUTGROWN)
    assert select(database, ROWS)[0] == ("0", "b", 5, None)


def test_the_column_of_texts_is_one_of_ours(database: str) -> None:
    scored(database)
    comment = "synced from HubSpot contacts: Score, where it is no integer"
    assert columns(database)["score_text"] == ("text", comment)
    with pytest.raises(psycopg.Error, match=r"column score_text .* is kept in sync"):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN score_text")
    load(database, {"id": "2"}, fields=OUTGROWN[:2])
    assert columns(database)["score_text"][1] == f"{comment} (no longer at the vendor)"
    select(database, "COMMENT ON COLUMN acme.contacts.score_text IS 'in words'")
    last = described(database, "acme")["contacts"].columns[-1]
    assert last.comment == "in words (no longer at the vendor)"
    select(database, "COMMENT ON COLUMN acme.contacts.score_text IS NULL")
    load(database, {"id": "2", "score": "low"}, fields=OUTGROWN)
    assert columns(database)["score_text"][1] == comment
    meddle(database, "ALTER TABLE acme.contacts RENAME COLUMN score_text TO words")
    load(database, fields=OUTGROWN)
    assert select(database, ROWS)[2] == ("2", None, None, "low")
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN score_text")
    assert [it.kind for it in told(database, OUTGROWN)] == ["mended", "kept"]
    assert select(database, ROWS)[2] == ("2", None, None, None)
    assert select(database, "SELECT mode, position FROM acme._progress") == [("full", None)]


def test_somebodys_column_of_that_name_is_left_alone(database: str) -> None:
    load(database, *people(1))
    select(database, "ALTER TABLE acme.contacts ADD COLUMN age_text text DEFAULT 'mine'")
    select(database, VIEW.format("age"))
    load(database, {"id": "1", "age": "x"}, fields=[FIELDS[0], Field("age")])
    (name,) = {it for it in columns(database) if it.startswith("age_text_")}
    assert select(database, f"SELECT age_text, {name} FROM acme.contacts WHERE id = '1'") == [
        ("mine", "x")
    ]


def test_once_nothing_is_built_on_it_the_column_widens_and_a_full_read_fills_it(
    database: str,
) -> None:
    scored(database)
    select(database, "DROP VIEW public.theirs")
    rows = [
        {"id": "0", "email": "b", "score": "high"},
        {"id": "1", "email": "b", "score": "8"},
        {"id": "2", "email": "a", "score": "007"},
        {"id": "3", "email": "b", "score": ""},
    ]
    for _ in range(2):  # nothing is left to be done
        assert told(database, OUTGROWN) == ()
        load(database, *rows, fields=OUTGROWN)
    assert select(database, ROWS) == [
        ("0", "b", "high", None),
        ("1", "b", "8", None),
        ("2", "a", "007", None),
        ("3", "b", "", None),
    ]


def test_whether_it_may_widen_is_looked_at_by_every_sync(database: str) -> None:
    scored(database)
    for _ in range(2):
        assert [it.kind for it in told(database, OUTGROWN)] == ["kept"]
    select(database, "DROP VIEW public.theirs")
    assert told(database, OUTGROWN) == ()
    assert columns(database)["score"][0] == "text"


def test_a_column_of_texts_that_is_needed_no_more_may_be_dropped(database: str) -> None:
    scored(database)
    select(database, "DROP VIEW public.theirs")
    assert told(database, OUTGROWN) == ()
    with pytest.raises(psycopg.Error, match="is kept in sync"):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN score_text")
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN score_text")
    assert told(database, OUTGROWN) == ()
    assert "score_text" not in columns(database)
    assert load(database, {"id": "0", "email": "b", "score": "high"}, fields=OUTGROWN).updated == 1
    assert select(database, "SELECT score FROM acme.contacts WHERE id = '0'") == ["high"]


def test_what_people_built_may_refuse_a_row_with_a_value_beside_its_column(database: str) -> None:
    scored(database)
    select(database, "ALTER TABLE acme.contacts ADD CHECK (score_text <> 'low')")
    rows = [{"id": "5", "score": "low"}, {"id": "6", "score": "high"}]
    assert load(database, *rows, fields=OUTGROWN) == Counts(fetched=2, created=1, rejected=1)
    (record,) = select(database, "SELECT record::jsonb FROM acme._rejected")
    assert record == {"id": "5", "email": None, "score": None, "score_text": "low"}


def test_a_key_that_is_kept_rejects_what_does_not_fit(database: str) -> None:
    load(database, {"id": 1}, fields=[Field("id", "integer")])
    select(database, VIEW.format("id"))
    counts = load(database, {"id": 2}, {"id": "a"}, fields=[Field("id")])
    assert counts == Counts(fetched=2, created=1, rejected=1)
    assert "id_text" not in columns(database)


ROW_TYPE = "CREATE TABLE public.snapshots (it acme.contacts)", "DROP TABLE public.snapshots"
ABOVE = (
    "CREATE TABLE public.everybody (age bigint, email text);"
    " ALTER TABLE acme.contacts INHERIT public.everybody",
    "ALTER TABLE acme.contacts NO INHERIT public.everybody",
)
BELOW = (
    "CREATE TABLE public.few () INHERITS (acme.contacts);"
    " CREATE VIEW public.ages AS SELECT age FROM public.few",
    "DROP TABLE public.few CASCADE",
)
IDENTITY = (
    "ALTER TABLE acme.contacts ALTER age SET NOT NULL,"
    " ALTER age ADD GENERATED BY DEFAULT AS IDENTITY",
    "ALTER TABLE acme.contacts ALTER age DROP IDENTITY",
)
YEARS = [FIELDS[0], FIELDS[1], Field("age", "text")]


@pytest.mark.parametrize(("built", "undone"), [ROW_TYPE, ABOVE, BELOW, IDENTITY])
def test_where_postgres_refuses_to_widen_a_column_it_is_kept(
    database: str, built: str, undone: str
) -> None:
    load(database, *people(2))
    select(database, built)
    (kept,) = told(database, YEARS)
    assert (kept.field, kept.kind, kept.before, kept.after) == ("age", "kept", "integer", "text")
    if built != IDENTITY[0]:  # which allows no NULL
        load(database, {"id": "1", "age": "x"}, {"id": "2", "age": "7"}, fields=YEARS)
        assert select(database, "SELECT age, age_text FROM acme.contacts ORDER BY id") == [
            (0, None),
            (None, "x"),
            (7, None),
        ]
    select(database, undone)
    assert told(database, YEARS) == (kept,)  # it is not tried at each sync
    select(database, "UPDATE acme._columns SET refused_at = refused_at - interval '1 day'")
    assert told(database, YEARS) == ()
    assert columns(database)["age"][0] == "text"


def test_a_column_that_postgres_refuses_to_widen_locks_nobody_out(database: str) -> None:
    load(database, *people(1))
    select(database, ROW_TYPE[0])
    told(database, YEARS)
    with psycopg.connect(database) as reader:
        reader.execute("SELECT FROM acme.contacts")
        assert [it.kind for it in told(database, YEARS)] == ["kept"]


OFFICE_HOURS = """
    CREATE FUNCTION public.office_hours() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE 'no changes in office hours'; END $$;
    CREATE EVENT TRIGGER office_hours ON ddl_command_start WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION public.office_hours()
"""


def test_what_somebodys_event_trigger_refuses_is_told_as_that(database: str) -> None:
    load(database, *people(1), fields=SCORES)
    select(database, OFFICE_HOURS)
    try:
        with pytest.raises(ConfigurationError, match="built on it: no changes in office hours"):
            load(database, {"id": "1", "score": "low"}, fields=OUTGROWN)
    finally:
        select(database, "DROP EVENT TRIGGER office_hours")
    assert load(database, {"id": "1", "score": "low"}, fields=OUTGROWN).created == 1


def test_a_unique_index_that_a_wider_type_would_break_keeps_the_column(database: str) -> None:
    json = [FIELDS[0], Field("extra", "json")]
    load(database, {"id": "0", "extra": 1}, {"id": "1", "extra": "1"}, fields=json)
    select(database, "CREATE UNIQUE INDEX ON acme.contacts (extra)")
    text = [FIELDS[0], Field("extra", "text")]
    assert [it.kind for it in told(database, text)] == ["kept"]
    assert load(database, {"id": "2", "extra": "x"}, fields=text).created == 1


def test_where_there_is_no_room_beside_a_column_what_does_not_fit_is_rejected(
    database: str,
) -> None:
    fields = [FIELDS[0], *(Field(f"n{n}", "integer") for n in range(850))]
    load(database, {"id": "0", "n0": 1, "n849": 2}, fields=fields)
    select(database, "CREATE VIEW public.theirs AS SELECT * FROM acme.contacts")
    outgrown = [FIELDS[0], *(Field(it.name, "text") for it in fields[1:])]
    rows = {"id": "1", "n0": "x"}, {"id": "2", "n849": "007"}, {"id": "3", "n849": ""}
    assert load(database, *rows, fields=outgrown) == Counts(fetched=3, created=2, rejected=1)
    assert select(database, "SELECT n0_text FROM acme.contacts ORDER BY id") == [None, "x", None]


def test_columns_that_somebody_dropped_take_the_room_beside_a_column(database: str) -> None:
    load(database, *people(1), fields=SCORES)
    theirs = [f"theirs_{n}" for n in range(1600 - len(SCORES) - 3)]
    for what in ("ADD COLUMN {} text", "DROP COLUMN {}"):
        changes = ", ".join(what.format(it) for it in theirs)
        select(database, f"ALTER TABLE acme.contacts {changes}")
    select(database, "CREATE VIEW public.theirs AS SELECT * FROM acme.contacts")
    rows = {"id": "1", "score": "low"}, {"id": "2", "score": "7"}
    assert load(database, *rows, fields=OUTGROWN) == Counts(fetched=2, created=1, rejected=1)
    assert select(database, "SELECT score FROM acme.contacts WHERE id = '2'") == [7]


def test_a_column_that_postgres_refuses_to_rename_keeps_its_name(database: str) -> None:
    fields = [FIELDS[0], Field("email", id="f1"), Field("age", "integer", id="f2")]
    load(database, *people(1), fields=fields)
    select(database, ABOVE[0])
    renamed = [FIELDS[0], Field("mail", id="f1"), Field("age", "text", id="f2")]
    followed, kept = told(database, renamed)
    assert str(followed) == (
        "The vendor renamed a field to 'mail'; its column email keeps its name and its values."
    )
    assert (kept.field, kept.kind) == ("age", "kept")
    load(database, {"id": "1", "mail": "a@example.com", "age": "x"}, fields=renamed)
    assert select(database, "SELECT email, age_text FROM acme.contacts ORDER BY id") == [
        ("0@example.com", None),
        ("a@example.com", "x"),
    ]


def test_a_table_that_was_made_a_partition_says_what_to_do_about_new_fields(database: str) -> None:
    load(database, *people(1))
    select(
        database,
        "CREATE TABLE public.everybody (LIKE acme.contacts) PARTITION BY HASH (id); ALTER TABLE"
        " public.everybody ATTACH PARTITION acme.contacts FOR VALUES WITH (modulus 1, remainder 0)",
    )
    load(database, *people(2))
    with pytest.raises(ConfigurationError, match=r"DETACH PARTITION acme\.contacts"):
        load(database, fields=[*FIELDS, Field("city")])
    select(database, "ALTER TABLE public.everybody DETACH PARTITION acme.contacts")
    assert load(database, *people(3), fields=[*FIELDS, Field("city")]).created == 1


def test_a_full_sync_reads_and_marks_as_ever_with_a_column_that_is_kept(database: str) -> None:
    scored(database)
    with loading(database, fields=OUTGROWN, sync="f", mode=FULL) as loader:
        loader.write(Page(rows=[{"id": "0", "email": "b", "score": "low"}, {"id": "1"}]))
        assert loader.commit(progress("f", FULL)) == Counts(fetched=2, updated=2)
        assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=2)
        loader.finish()
    assert select(database, ROWS)[:2] == [("0", "b", None, "low"), ("1", None, None, None)]


def test_a_key_that_is_kept_takes_nothing_that_would_have_to_be_bent() -> None:
    key = Column(field="id", name="id", type="date", strict=True, alone=True)
    encode = RowEncoder([key], ["id"])
    assert encode({"id": "2024-01-31"})[1] == b"2024-01-31"
    for bent in ("2024-01-31T23:30-05:00", "20240131", 20240131, 5.5):
        assert encode.together([{"id": bent}]) is None
        with pytest.raises(DoesNotFit):
            encode({"id": bent})
        with pytest.raises(DoesNotFit):
            encode.key([bent])


def test_the_other_columns_of_the_table_are_still_encoded_together() -> None:
    kept = Column(field="score", name="score", type="integer", strict=True)
    beside = Column(field="score", name="score_text", type="text", beside="integer")
    encode = RowEncoder([Column(field="id", name="id", type="text"), kept, beside], ["id"])
    rows = [{"id": "1", "score": "7"}, {"id": "2", "score": "x"}, {"id": "3"}]
    keys, lines = encode.together(rows) or ((), b"")
    assert lines.splitlines() == [b"1\t7\t\\N", b"2\t\\N\tx", b"3\t\\N\t\\N"]
    assert [encode(row) for row in rows] == list(zip(keys, lines.splitlines(), strict=True))
