"""Values that break what people built on a table: their rows are rejected, and the others load."""

import json
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from time import monotonic
from typing import Any

import pytest

from sync_platform.destination.carefully import MOST_REFUSED
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FULL,
    INCREMENTAL,
    NONE,
    destination,
    full,
    load,
    loading,
    people,
    progress,
    select,
)

LONG = "".join(sha256(str(n).encode()).hexdigest() for n in range(200))
AGES = (
    "CREATE TABLE acme.ages (age bigint PRIMARY KEY);"
    "INSERT INTO acme.ages SELECT generate_series(0, 1000);"
    "ALTER TABLE acme.contacts ADD FOREIGN KEY (age) REFERENCES acme.ages"
)
TRIGGER = """
    CREATE FUNCTION acme.young() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.age > 1000 THEN RAISE EXCEPTION 'too old'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER t BEFORE INSERT OR UPDATE ON acme.contacts FOR EACH ROW
    EXECUTE FUNCTION acme.young()
"""
REJECTED = "SELECT key, record, reason, sync FROM acme._rejected ORDER BY key"
OF_BAD = "SELECT email, age, _deleted_at FROM acme.contacts WHERE id = 'bad'"
PARTS = "ALTER TABLE acme.contacts ADD part int GENERATED ALWAYS AS (100 / age) STORED"
OF_ITS_OWN = "FOREIGN KEY (email) REFERENCES acme.contacts"
OLD = {"id": "bad", "email": "old", "age": 7}


@dataclass(frozen=True)
class Rule:
    """What somebody built, a value that breaks it, and what Postgres says then."""

    built: str
    broken_by: dict[str, Any]
    said: str


RULES = {
    "unique": Rule(
        "CREATE UNIQUE INDEX own ON acme.contacts (email)",
        {"email": "5@example.com"},
        'duplicate key value violates unique constraint "own"',
    ),
    "reference": Rule(AGES, {"age": 5000}, "violates foreign key constraint"),
    "deferred": Rule(
        f"{AGES} DEFERRABLE INITIALLY DEFERRED", {"age": 5000}, "violates foreign key constraint"
    ),
    "computed": Rule(PARTS, {"age": 0}, "division by zero"),
    "narrow": Rule(
        "ALTER TABLE acme.contacts ADD small int GENERATED ALWAYS AS (age::int) STORED",
        {"age": 2**40},
        "integer out of range",
    ),
    "index": Rule("CREATE INDEX ON acme.contacts (email)", {"email": LONG}, "index row"),
    "check": Rule(
        "ALTER TABLE acme.contacts ADD CHECK (age < 1000)", {"age": 1000}, "violates check"
    ),
    "not null": Rule(
        "ALTER TABLE acme.contacts ALTER email SET NOT NULL", {"email": None}, "violates not-null"
    ),
    "trigger": Rule(TRIGGER, {"age": 5000}, "too old"),
}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def build(database: str, statements: str) -> None:
    """Onto contacts, which are there and empty."""
    with loading(database):
        pass
    select(database, statements)


def among(rows: list[dict[str, Any]], bad: dict[str, Any]) -> list[dict[str, Any]]:
    return [*rows[:20], bad, *rows[20:]]


def expect_rejected(database: str, bad: dict[str, Any], rule: Rule, sync: str) -> None:
    [(key, record, reason, by)] = select(database, REJECTED)
    assert (key, json.loads(record), by) == ("bad", bad, sync)
    assert rule.said in reason
    assert reason.startswith("Postgres would not take the row: ")


@each_rule
def test_a_first_sync_rejects_the_row_and_loads_the_others(database: str, rule: Rule) -> None:
    build(database, rule.built)
    bad = {"id": "bad", "email": "bad", "age": 1} | rule.broken_by
    with loading(database) as loader:
        loader.write(Page(among(people(40, 1), bad)))
        counts = loader.commit(progress(position={"page": 2}))
        left = loader.progress()
    assert counts == Counts(fetched=41, created=40, rejected=1)
    assert left is not None
    assert left.position == {"page": 2}
    assert select(database, "SELECT count(*), count(email) FROM acme.contacts") == [(40, 40)]
    expect_rejected(database, bad, rule, "s1")


@each_rule
def test_a_row_that_is_there_keeps_its_values(database: str, rule: Rule) -> None:
    build(database, rule.built)
    load(database, *people(10, 1), OLD)
    bad = {"id": "bad", "email": "bad", "age": 1} | rule.broken_by
    rows = [row | {"age": 500} if row["id"] == "3" else row for row in people(40, 1)]
    counts = load(database, *among(rows, bad), sync="s2")
    assert counts == Counts(fetched=41, created=30, updated=1, rejected=1)
    assert select(database, OF_BAD) == [("old", 7, None)]
    assert select(database, "SELECT age FROM acme.contacts WHERE id = '3'") == [500]
    expect_rejected(database, bad, rule, "s2")


@each_rule
def test_a_full_sync_marks_what_is_gone_and_not_what_it_rejected(database: str, rule: Rule) -> None:
    build(database, rule.built)
    load(database, *people(10, 1), OLD, {"id": "gone", "email": "gone", "age": 8})
    bad = {"id": "bad", "email": "bad", "age": 1} | rule.broken_by
    counts = full(database, *among(people(40, 1), bad))
    assert counts == Counts(fetched=41, created=30, deleted=1, rejected=1)
    assert select(database, OF_BAD) == [("old", 7, None)]
    gone = "SELECT id FROM acme.contacts WHERE _deleted_by = 'reconcile'"
    assert select(database, gone) == ["gone"]
    expect_rejected(database, bad, rule, "f1")


@pytest.mark.parametrize("mode", [INCREMENTAL, FULL])
def test_batches_with_and_without_bad_rows_follow_each_other(database: str, mode: SyncMode) -> None:
    build(database, PARTS)
    with loading(database, mode=mode) as loader:
        total = Counts()
        for batch in range(6):
            rows = people(30, 1 + 30 * batch)
            for place in (2, 3, 17, 29) if batch % 2 else ():
                rows[place]["age"] = 0
            loader.write(Page([*rows, {"id": f"old {batch}", "age": "old"}]))
            total += loader.commit(progress(mode=mode, position={"page": batch}))
        left = loader.progress()
        if mode is FULL:
            assert loader.reconcile(lookback=NONE, most=None) == Counts()
    assert total == Counts(fetched=186, created=168, rejected=18)
    assert left is not None
    assert left.position == {"page": 5}
    assert select(database, "SELECT count(*), min(age) FROM acme.contacts") == [(168, 1)]
    kept = select(database, "SELECT key FROM acme._rejected WHERE reason LIKE '%division%'")
    expected = {str(1 + 30 * batch + place) for batch in (1, 3, 5) for place in (2, 3, 17, 29)}
    assert (len(kept), set(kept)) == (12, expected)


@pytest.mark.parametrize("rule", [RULES["check"], RULES["deferred"]])
def test_a_rule_that_the_data_does_not_meet_fails_the_sync(database: str, rule: Rule) -> None:
    build(database, rule.built)
    bad = [{"id": f"bad {n}"} | rule.broken_by for n in range(MOST_REFUSED + 1)]
    with loading(database) as loader:
        loader.write(Page([*people(10, 1), *bad[1:]]))
        counts = loader.commit(progress(position={"page": 1}))
        assert (counts.created, counts.rejected) == (10, MOST_REFUSED)
        loader.write(Page([*people(10, 11), *bad]))
        with pytest.raises(RowDoesNotFit, match="constraint or a trigger"):
            loader.commit(progress(position={"page": 2}))
        left = loader.progress()
        assert left is not None
        assert left.position == {"page": 1}
        loader.write(Page(people(10, 21)))
        assert loader.commit(progress(position={"page": 3})).created == 10
    assert select(database, "SELECT count(*) FROM acme.contacts") == [20]
    assert select(database, "SELECT count(*) FROM acme._rejected") == [MOST_REFUSED]


def test_a_trigger_that_takes_no_row_fails_the_sync_in_its_own_words(database: str) -> None:
    build(database, TRIGGER)
    with pytest.raises(RowDoesNotFit, match="too old"):
        load(database, *[row | {"age": 5000} for row in people(MOST_REFUSED + 1)])
    assert select(database, "SELECT count(*) FROM acme.contacts") == [0]


def test_rows_that_refer_to_later_ones_load_beside_a_bad_one(database: str) -> None:
    build(
        database,
        "ALTER TABLE acme.contacts ADD CHECK (age < 1000),"
        " ADD FOREIGN KEY (email) REFERENCES acme.contacts",
    )
    rows: list[dict[str, Any]] = [{"id": str(n), "email": str(n + 1)} for n in range(60)]
    counts = load(database, *rows, {"id": "bad", "age": 1000}, {"id": "60"})
    assert counts == Counts(fetched=62, created=61, rejected=1)


BAD = {
    "check": {"id": "bad", "age": 1000},
    "reference": {"id": "bad", "email": "nowhere"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("order", ["later", "earlier", "any"])
def test_a_thousand_rows_that_refer_to_each_other_load_beside_a_bad_one(
    database: str, order: str, bad: dict[str, Any]
) -> None:
    build(database, f"ALTER TABLE acme.contacts ADD CHECK (age < 1000), ADD {OF_ITS_OWN}")
    below = 3 if order == "any" else 1
    parents = [None, *(str((n - 1) // below) for n in range(1, 1000))]
    rows = [{"id": str(n), "email": parent} for n, parent in enumerate(parents)]
    if order == "later":
        rows.reverse()
    elif order == "any":
        Random(1).shuffle(rows)
    counts = load(database, *rows[:500], bad, *rows[500:])
    assert counts == Counts(fetched=1001, created=1000, rejected=1)
    assert select(database, "SELECT key FROM acme._rejected") == ["bad"]


@pytest.mark.parametrize("rule", ["check", "trigger", "reference"])
def test_a_rule_that_none_of_many_rows_meets_is_told_soon(database: str, rule: str) -> None:
    build(database, RULES[rule].built)
    began = monotonic()
    with pytest.raises(RowDoesNotFit, match=RULES[rule].said):
        load(database, *(row | {"age": 5000} for row in people(30_000)))
    assert monotonic() - began < 40


def test_a_unique_value_that_goes_over_to_another_row_loads_beside_a_bad_one(
    database: str,
) -> None:
    build(database, "CREATE UNIQUE INDEX own ON acme.contacts (email)")
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age < 1000)")
    load(database, {"id": "1", "email": "a"}, {"id": "2", "email": "b"})
    bad = {"id": "3", "email": "d", "age": 1000}
    counts = load(database, {"id": "1", "email": "b"}, {"id": "2", "email": "c"}, bad)
    assert counts == Counts(fetched=3, updated=2, rejected=1)


def test_the_reason_shows_no_values_of_other_rows(database: str) -> None:
    build(database, "CREATE UNIQUE INDEX own ON acme.contacts (email)")
    load(database, {"id": "1", "email": "somebody"}, {"id": "2", "email": "somebody"})
    [(key, _, reason, _)] = select(database, REJECTED)
    assert key == "2"
    assert "somebody" not in reason


def test_a_refresh_of_computed_fields_rejects_the_row_and_goes_on(database: str) -> None:
    build(database, PARTS)
    load(database, *people(10, 1))
    fields = (Field("id"), Field("age", "integer", computed=True))
    with destination(database).open(CONTACTS, fields, sync="r", known_only=True) as loader:
        rows = [{"id": str(n), "age": 0 if n == 4 else 50} for n in range(1, 12)]
        loader.write(Page(rows))
        counts = loader.commit(progress("r", SyncMode.COMPUTED))
    assert counts == Counts(fetched=11, updated=9, rejected=1)
    assert select(database, "SELECT age FROM acme.contacts WHERE id = '4'") == [4]
    [(key, record, _, sync)] = select(database, REJECTED)
    assert (key, json.loads(record), sync) == ("4", {"id": "4", "age": 0}, "r")


def test_records_that_are_gone_are_marked_beside_a_bad_one(database: str) -> None:
    build(database, PARTS)
    load(database, *people(3, 1))
    counts = load(database, {"id": "9", "age": 0}, {"id": "8", "age": 1}, gone=["1"])
    assert counts == Counts(fetched=2, created=1, deleted=1, rejected=1)
