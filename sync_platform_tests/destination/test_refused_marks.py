"""Marks of deletion that what people built on a table refuses: they cost their rows alone."""

import json

import pytest

from sync_platform.destination.carefully import MOST_REFUSED
from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit, TooManyDeletes
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    full,
    load,
    loading,
    people,
    progress,
    select,
)

GONE = "SELECT id FROM acme.contacts WHERE _deleted_at IS NOT NULL ORDER BY id::int"
REASONS = "SELECT key, reason FROM acme._rejected"
REJECTED = "SELECT key, record, reason, sync FROM acme._rejected ORDER BY key::int"
TRIGGER = """
    CREATE FUNCTION acme.keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.age = 7 AND NEW._deleted_at IS NOT NULL THEN RAISE EXCEPTION 'é stays'; END IF;
        RETURN NEW;
    END $$;
"""
RULES = {
    "check": (
        "ALTER TABLE acme.contacts ADD CONSTRAINT c CHECK (age <> 7 OR _deleted_at IS NULL)",
        'new row for relation "contacts" violates check constraint "c"',
    ),
    "trigger": (
        f"{TRIGGER} CREATE TRIGGER t BEFORE UPDATE ON acme.contacts FOR EACH ROW"
        " EXECUTE FUNCTION acme.keep()",
        r"\xe9 stays",
    ),
    "deferred": (
        f"{TRIGGER} CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON acme.contacts"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION acme.keep()",
        r"\xe9 stays",
    ),
}
each_rule = pytest.mark.parametrize(("built", "said"), RULES.values(), ids=RULES)
REASON = "The record is gone, and Postgres would not mark its row as deleted: {}."


@each_rule
def test_keys_that_are_gone_are_marked_but_for_the_one(
    database: str, built: str, said: str
) -> None:
    load(database, *people(30))
    select(database, built)
    gone = [str(n) for n in range(20)]
    counts = load(database, *people(5, 30), gone=gone, sync="s2")
    assert counts == Counts(fetched=6, created=5, deleted=19, rejected=1)
    assert select(database, GONE) == [it for it in gone if it != "7"]
    [(key, record, reason, sync)] = select(database, REJECTED)
    assert (key, json.loads(record), reason, sync) == ("7", {"id": "7"}, REASON.format(said), "s2")


@each_rule
def test_a_reconcile_marks_all_but_the_one(database: str, built: str, said: str) -> None:
    full(database, *people(30))
    select(database, built)
    counts = full(database, *people(5), sync="f2")
    assert counts == Counts(fetched=6, deleted=24, rejected=1)
    assert counts.unchanged == 5
    assert select(database, GONE) == [str(n) for n in range(5, 30) if n != 7]
    [(key, record, reason, sync)] = select(database, REJECTED)
    assert (key, json.loads(record), reason, sync) == ("7", {"id": "7"}, REASON.format(said), "f2")
    assert full(database, *people(5), sync="f3") == Counts(fetched=6, rejected=1)
    assert [it[3] for it in select(database, REJECTED)] == ["f3"]


@pytest.mark.parametrize("id", ["7", " 7", "07"])
def test_a_mark_that_is_refused_twice_in_one_sync_is_counted_once(database: str, id: str) -> None:
    fields = (Field("id", "integer"), *FIELDS[1:])
    load(database, *people(10), fields=fields)
    select(database, RULES["check"][0])
    with loading(database, fields=fields, sync="f1", mode=FULL) as loader:
        loader.write(Page(people(5), gone=[(id,)]))
        assert loader.commit(progress("f1", FULL)) == Counts(fetched=6, rejected=1)
        assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=4)
    assert [it[0].strip() for it in select(database, REJECTED)] == [str(int(id))]


def test_a_row_that_somebody_put_there_under_a_strange_key_costs_itself_alone(
    database: str,
) -> None:
    fields = (Field("id", "number"), *FIELDS[1:])
    load(database, *people(3), fields=fields)
    put = "INSERT INTO acme.contacts (id, age, _synced_at) VALUES ('NaN', {}, '2020-01-01')"
    select(database, put.format(7))
    select(database, RULES["check"][0])
    with loading(database, fields=fields, sync="f1", mode=FULL) as loader:
        loader.write(Page(people(2)))
        loader.commit(progress("f1", FULL))
        counts = loader.reconcile(lookback=NONE, most=None)
    assert counts == Counts(fetched=1, deleted=1, rejected=1)
    assert [it[0] for it in select(database, REASONS)] == ["NaN"]


def test_once_the_rule_is_gone_the_row_is_marked_and_no_longer_rejected(database: str) -> None:
    full(database, *people(10))
    select(database, RULES["check"][0])
    full(database, *people(5), sync="f2")
    select(database, "ALTER TABLE acme.contacts DROP CONSTRAINT c")
    assert full(database, *people(5), sync="f3") == Counts(fetched=5, deleted=1)
    assert select(database, REJECTED) == []


def test_a_row_and_a_mark_of_one_batch_may_both_be_refused(database: str) -> None:
    load(database, *people(10))
    select(database, RULES["check"][0])
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    bad = {"id": "3", "age": 1000}
    counts = load(database, bad, {"id": "11"}, gone=["7", "8"], sync="s2")
    assert counts == Counts(fetched=3, created=1, deleted=1, rejected=2)
    assert select(database, "SELECT key FROM acme._rejected ORDER BY 1") == ["3", "7"]


def test_a_rule_that_refuses_every_mark_fails_the_sync_and_marks_nothing(database: str) -> None:
    count = MOST_REFUSED + 1
    full(database, *people(count))
    select(database, "ALTER TABLE acme.contacts ADD CHECK (_deleted_at IS NULL)")
    with pytest.raises(RowDoesNotFit, match="violates check constraint"):
        full(database, sync="f2")
    with pytest.raises(RowDoesNotFit, match="violates check constraint"):
        load(database, gone=[str(n) for n in range(count)], sync="s2")
    assert select(database, REJECTED) == []
    with loading(database, sync="f3", mode=FULL) as loader:
        loader.write(Page(people(1)))
        loader.commit(progress("f3", FULL))
        assert loader.reconcile(lookback=NONE, most=None) == Counts(
            fetched=MOST_REFUSED, rejected=MOST_REFUSED
        )


def test_too_many_deletes_are_refused_before_any_mark_is(database: str) -> None:
    full(database, *people(10))
    select(database, RULES["check"][0])
    with pytest.raises(TooManyDeletes):
        full(database, *people(1), most=0.5, sync="f2")
    assert select(database, GONE) == []


def test_rows_are_told_apart_by_keys_of_every_kind(database: str) -> None:
    keys = ("id", "at", "on", "number", "yes")
    fields = (
        *FIELDS,
        Field("at", "timestamp"),
        Field("on", "date"),
        Field("number", "number"),
        Field("yes", "boolean"),
    )
    table = type(CONTACTS)(**{**vars(CONTACTS), "keys": keys})
    rows = [
        {"id": "ä\\", "at": f"2024-01-01T00:00:00.00000{n}Z", "on": "2024-01-01", "age": n}
        | {"number": f"1.{n}", "yes": n > 4}
        for n in range(9)
    ]
    load(database, *rows, table=table, fields=fields)
    select(database, RULES["check"][0])
    with loading(database, table, fields, sync="f1", mode=FULL) as loader:
        loader.write(Page(rows[:3]))
        loader.commit(progress("f1", FULL))
        assert loader.reconcile(lookback=NONE, most=None) == Counts(
            fetched=1, deleted=5, rejected=1
        )
    [record] = [json.loads(it) for it in select(database, "SELECT record FROM acme._rejected")]
    assert (record["id"], record["number"], record["yes"]) == ("ä\\", 1.7, True)
    load(database, rows[7], table=table, fields=fields, sync="s2")
    assert select(database, "SELECT key FROM acme._rejected") == []
