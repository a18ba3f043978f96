import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.results import Counts
from sync_platform.errors import StoreUnavailable
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    load,
    loading,
    people,
    progress,
    select,
)

TYPES = (
    Field("id"),
    Field("words"),
    Field("whole", "integer"),
    Field("exact", "number"),
    Field("yes", "boolean"),
    Field("day", "date"),
    Field("moment", "timestamp"),
    Field("any", "json"),
)
ONLY_OTHERS = """
    CREATE FUNCTION acme.only_others() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN CASE WHEN NEW.id <> '1' THEN NEW END; END $$
"""
COLUMNS = 'id, words, whole, exact, yes, day, moment, "any"'


def test_every_type_comes_back_equal(database: str) -> None:
    record = {
        "id": "1",
        "words": 'tab\t, line\n, back\\slash, \\N, "quotes", 🎉',
        "whole": "9007199254740993",
        "exact": "0.10",
        "yes": "TRUE",
        "day": "2024-02-29",
        "moment": "2024-01-01T12:00:00.123Z",
        "any": {"a": ["\\", None, 1.5, "\n"]},
    }
    load(database, record, {"id": "2"}, fields=TYPES)
    first, second = select(database, f"SELECT {COLUMNS} FROM acme.contacts ORDER BY id")
    assert first == (
        "1",
        record["words"],
        9007199254740993,
        Decimal("0.10"),
        True,
        date(2024, 2, 29),
        datetime(2024, 1, 1, 12, 0, 0, 123000, tzinfo=UTC),
        record["any"],
    )
    assert second == ("2", *[None] * 7)


def test_numbers_since_1970_are_of_the_unit_that_their_field_declares(database: str) -> None:
    fields = (
        Field("id"),
        Field("born", "date", epoch="ms"),
        Field("seen", "timestamp", epoch="ms"),
        Field("due", "date", epoch="s"),
        Field("paid", "date"),
    )
    numbers = {"born": 1_728_000_000, "seen": -1, "due": 1_728_000_000, "paid": 1_728_000_000}
    for row in (numbers, {name: str(it) for name, it in numbers.items()}):
        load(database, {"id": "1"} | row, fields=fields)
        assert select(database, "SELECT born, seen, due, paid FROM acme.contacts") == [
            (
                date(1970, 1, 21),
                datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
                date(2024, 10, 4),
                date(2024, 10, 4),
            )
        ]


def test_a_unit_that_is_declared_later_counts_from_then_on(database: str) -> None:
    born = Field("born", "date")
    load(database, {"id": "1", "born": 1_728_000_000}, fields=(Field("id"), born))
    declared = (Field("id"), replace(born, epoch="ms"))
    load(database, {"id": "2", "born": 1_728_000_000}, fields=declared, sync="s2")
    assert select(database, "SELECT born FROM acme.contacts ORDER BY id") == [
        date(2024, 10, 4),
        date(1970, 1, 21),
    ]


def test_empty_text_stays_and_is_null_elsewhere(database: str) -> None:
    load(database, dict.fromkeys((it.name for it in TYPES), "") | {"id": "1"}, fields=TYPES)
    assert select(database, "SELECT words, whole, exact, yes, day, moment FROM acme.contacts") == [
        ("", None, None, None, None, None)
    ]


def test_counts_are_true(database: str) -> None:
    assert load(database, *people(10)) == Counts(fetched=10, created=10)
    changed = people(12)
    changed[3]["email"] = "new@example.com"
    assert load(database, *changed) == Counts(fetched=12, created=2, updated=1)


def test_unchanged_rows_are_not_touched(database: str) -> None:
    load(database, *people(3))
    query = "SELECT id, xmin::text, _synced_at FROM acme.contacts WHERE id <> '1' ORDER BY id"
    before = select(database, query)
    counts = load(database, *[row | {"age": 99} if row["id"] == "1" else row for row in people(3)])
    assert select(database, query) == before
    assert (counts.updated, counts.unchanged) == (1, 2)


def test_of_two_records_of_one_key_the_last_wins(database: str) -> None:
    counts = load(database, {"id": "1", "age": 1}, {"id": "1", "age": 2})
    assert counts == Counts(fetched=2, created=1)
    with loading(database, sync="s2") as loader:
        for age in (3, 4):
            loader.write(Page([{"id": "2", "age": age}]))
            counts = loader.commit(progress("s2"))
    assert counts == Counts(fetched=1, updated=1)
    assert select(database, "SELECT id, age FROM acme.contacts ORDER BY id") == [("1", 2), ("2", 4)]


def test_numbers_that_are_equal_are_one_key(database: str) -> None:
    fields = (Field("id", "number"), Field("email"))
    counts = load(database, {"id": "1.0"}, {"id": 1, "email": "last"}, fields=fields)
    assert counts == Counts(fetched=2, created=1)
    assert select(database, "SELECT email FROM acme.contacts") == ["last"]


def test_a_first_sync_may_repeat_keys_across_batches(database: str) -> None:
    with loading(database) as loader:
        total = Counts()
        for start in (0, 5, 20):
            loader.write(Page(people(10, start)))
            total += loader.commit(progress())
    assert total == Counts(fetched=30, created=25)


def test_rows_of_a_first_sync_are_of_the_moment_of_their_batch(database: str) -> None:
    with loading(database) as loader:
        for start in (0, 5):
            loader.write(Page(people(5, start)))
            loader.commit(progress())
    query = "SELECT _synced_at, array_agg(DISTINCT xmin::text) FROM acme.contacts GROUP BY 1"
    (first, one), (second, another) = sorted(select(database, query))
    assert first < second <= datetime.now(UTC)
    assert len(one) == len(another) == 1


def test_a_first_sync_loads_where_its_user_is_held_to_row_security(limited_database: str) -> None:
    with loading(limited_database):
        pass  # the table is there, and empty
    select(limited_database, "ALTER TABLE acme.contacts ENABLE ROW LEVEL SECURITY")
    select(limited_database, "ALTER TABLE acme.contacts FORCE ROW LEVEL SECURITY")
    select(limited_database, "CREATE POLICY everything ON acme.contacts USING (true)")
    with loading(limited_database) as loader:
        for start in (0, 5):
            loader.write(Page(people(5, start)))
            assert loader.commit(progress()).created == 5
    assert select(limited_database, "SELECT count(*) FROM acme.contacts") == [10]


def test_a_row_that_somebodys_trigger_keeps_out_of_a_first_sync_is_not_counted(
    database: str,
) -> None:
    with loading(database):
        pass  # the table is there, and empty
    select(database, ONLY_OTHERS)
    select(
        database,
        "CREATE TRIGGER t BEFORE INSERT ON acme.contacts FOR EACH ROW EXECUTE"
        " FUNCTION acme.only_others()",
    )
    assert load(database, *people(3)) == Counts(fetched=3, created=2)
    assert select(database, "SELECT count(*) FROM acme.contacts") == [2]


def test_number_keys_are_text_where_the_key_is_text(database: str) -> None:
    load(database, {"id": 151}, {"id": "151", "age": 1})
    assert select(database, "SELECT id, age FROM acme.contacts") == [("151", 1)]


def test_a_key_of_two_fields(database: str) -> None:
    table = type(CONTACTS)(
        schema="acme", name="members", keys=("list", "id"), connection="acme", label="Members"
    )
    fields = (Field("id"), Field("list", "integer"), Field("role"))
    rows = [{"list": n, "id": str(i), "role": "x"} for n in range(3) for i in range(3)]
    assert load(database, *rows, table=table, fields=fields).created == 9
    counts = load(
        database, {"list": 0, "id": "0", "role": "y"}, gone=[("1", 1)], table=table, fields=fields
    )
    assert (counts.updated, counts.deleted) == (1, 1)
    assert select(database, "SELECT list, id FROM acme.members WHERE _deleted_at IS NOT NULL") == [
        (1, "1")
    ]


def test_pending_grows_until_the_commit(database: str) -> None:
    with loading(database) as loader:
        loader.write(Page(people(100)))
        assert 1_000 < loader.pending < 10_000
        loader.commit(progress())
        assert loader.pending == 0
        assert loader.rows() == 100


def test_a_loader_that_began_no_sync_leaves_the_progress_of_others_alone(database: str) -> None:
    with loading(database, sync="running") as running:
        running.write(Page(people(1)))
        running.commit(progress("running", position={"page": 1}))
        with PostgresDestination(database).open(CONTACTS, FIELDS, sync="push") as pushed:
            pushed.write(Page([{"id": "0", "email": "pushed"}]))
            assert pushed.commit(progress("push")).updated == 1
        found = running.progress()
        assert found is not None
        assert found.sync == "running"
        running.commit(progress("running"))


def test_a_commit_is_made_of_what_was_sealed_and_more_may_come_meanwhile(database: str) -> None:
    with loading(database) as loader:
        loader.write(Page(rows=people(2)))
        sealed = loader.seal()
        assert loader.pending == 0
        loader.write(Page(rows=people(3, start=2)))
        assert loader.commit(progress(), sealed).created == 2
        assert loader.commit(progress()).created == 3


def test_a_commit_in_another_thread_can_be_made_to_give_up(database: str) -> None:
    load(database, *people(1))
    ended: list[BaseException | None] = []

    def commit() -> None:
        try:
            loader.commit(progress(position={"page": 2}), sealed)
        except BaseException as error:
            ended.append(error)

    with loading(database) as loader, psycopg.connect(database) as somebody:
        somebody.execute("LOCK TABLE acme.contacts")
        loader.write(Page(rows=people(5)))
        sealed = loader.seal()
        thread = threading.Thread(target=commit)
        thread.start()
        while thread.is_alive():
            loader.cancel()
            thread.join(0.05)
        somebody.rollback()
        (error,) = ended
        assert isinstance(error, StoreUnavailable)
        assert select(database, "SELECT count(*) FROM acme.contacts") == [1]
        left = loader.progress()
        assert left is not None
        assert left.position is None
