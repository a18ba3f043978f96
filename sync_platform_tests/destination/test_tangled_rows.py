"""Rows of a batch that wait for each other, beside bad ones: the good ones load, whatever their
order, and soon."""

from collections.abc import Callable, Sequence
from random import Random
from time import monotonic
from typing import Any

import pytest

from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    FULL,
    NONE,
    load,
    loading,
    needs,
    progress,
    select,
)

FIELDS = (Field("id"), Field("parent"), Field("rank", "integer"), Field("age", "integer"))
PARENTS = "ALTER TABLE acme.contacts ADD FOREIGN KEY (parent) REFERENCES acme.contacts"
RANKS = "ALTER TABLE acme.contacts ADD CONSTRAINT ranks UNIQUE (rank)"
AGES = "ALTER TABLE acme.contacts ADD CONSTRAINT ages UNIQUE (age)"
BOSSES = "ALTER TABLE acme.contacts ADD FOREIGN KEY (age) REFERENCES acme.contacts (rank)"
DEFERRED = f"{RANKS} DEFERRABLE INITIALLY DEFERRED"
SMALL = "ALTER TABLE acme.contacts ADD CHECK (rank < 1000000)"
REJECTED = "SELECT key FROM acme._rejected ORDER BY key"
REASONS = "SELECT DISTINCT reason FROM acme._rejected"
RANKED = "SELECT id, rank FROM acme.contacts ORDER BY rank"
WOULD_NOT = "Postgres would not take the row: "
DUPLICATE = f'{WOULD_NOT}duplicate key value violates unique constraint "ranks".'
SOON = 30  # seconds, on a machine that has other things to do

Row = dict[str, Any]
SHAPES: dict[str, Callable[[int], int]] = {
    "org chart": lambda n: (n - 1) // 8,
    "random tree": lambda n: Random(n).randrange(n),
    "chain": lambda n: n - 1,
}


def build(database: str, *statements: str) -> None:
    """Onto contacts, which are there and empty."""
    with loading(database, fields=FIELDS):
        pass
    for statement in statements:
        select(database, statement)


def family(shape: Callable[[int], int], size: int) -> list[Row]:
    """Shuffled."""
    rows = [{"id": str(n), "parent": str(shape(n)) if n else None} for n in range(size)]
    Random(1).shuffle(rows)
    return rows


def ranked(*ranks: int) -> list[Row]:
    return [{"id": str(n), "rank": rank} for n, rank in enumerate(ranks)]


def put(database: str, rows: Sequence[Row], sync: str = "s2") -> Counts:
    return load(database, *rows, fields=FIELDS, sync=sync)


def passed_on(size: int, chain: int) -> tuple[list[Row], list[Row]]:
    """Rows, and what they become: of each chain, each takes what the next one gives up, the age
    and the rank in turn."""
    rows: list[Row] = [{"id": f"{n:05}", "rank": n, "age": n} for n in range(size)]
    changed = []
    for n, row in enumerate(rows):
        takes, gives = ("rank", "age") if n % 2 else ("age", "rank")
        is_last = n % chain == chain - 1
        changed.append(row | {takes: size * 2 + n if is_last else n + 1, gives: size * 4 + n})
    return rows, changed


BAD: dict[str, Row] = {
    "reference": {"id": "bad", "parent": "nobody"},
    "check": {"id": "bad", "parent": "0", "rank": 1000000},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_ten_thousand_rows_that_refer_to_each_other_load_beside_a_bad_one(
    database: str, shape: Callable[[int], int], bad: Row
) -> None:
    build(database, PARENTS, SMALL)
    rows = family(shape, 10_000)
    began = monotonic()
    counts = put(database, [*rows[:5000], bad, *rows[5000:]])
    assert monotonic() - began < SOON
    assert counts == Counts(fetched=10_001, created=10_000, rejected=1)
    assert select(database, REJECTED) == ["bad"]


def test_a_full_sync_loads_the_org_chart_and_marks_what_is_gone(database: str) -> None:
    build(database, PARENTS)
    put(database, [{"id": "gone"}])
    rows = family(SHAPES["org chart"], 2_000)
    with loading(database, fields=FIELDS, mode=FULL) as loader:
        loader.write(Page([*rows, BAD["reference"]]))
        counts = loader.commit(progress(mode=FULL))
        counts += loader.reconcile(lookback=NONE, most=None) or Counts()
    assert counts == Counts(fetched=2_001, created=2_000, deleted=1, rejected=1)


def test_whoever_is_below_a_bad_row_is_rejected_with_it_however_many(database: str) -> None:
    build(database, PARENTS, SMALL)
    above: list[Row] = [{"id": str(n)} for n in range(20)]
    below = [{"id": f"below {n}", "parent": "bad"} for n in range(300)]
    further = {"id": "further", "parent": "below 7"}
    counts = put(database, [further, *above, *below, BAD["check"]])
    assert counts == Counts(fetched=322, created=20, rejected=302)
    counts = put(database, [BAD["check"] | {"rank": 1}, *below, further], "s3")
    assert counts == Counts(fetched=302, created=302)
    assert select(database, REJECTED) == []


def test_many_rows_with_parents_that_are_nowhere_fail_the_sync(database: str) -> None:
    build(database, PARENTS)
    rows = family(SHAPES["org chart"], 2_000)
    bad = [{"id": f"bad {n}", "parent": "nobody"} for n in range(101)]
    assert put(database, rows + bad[1:]) == Counts(fetched=2_100, created=2_000, rejected=100)
    with pytest.raises(RowDoesNotFit, match="foreign key"):
        put(database, rows + bad, "s3")


def test_a_parent_found_by_another_value_than_the_key_may_come_late(database: str) -> None:
    build(database, RANKS, BOSSES)
    rows = [{"id": str(n), "rank": n, "age": n + 1} for n in range(1_500)]
    bad = [{"id": "bad", "age": 4_000}, {"id": "top", "rank": 1_500}]
    counts = put(database, [*rows, *bad], "s1")
    assert counts == Counts(fetched=1_502, created=1_501, rejected=1)
    # Whoever is above has moved by then, so nobody finds the old value.
    rows = [{"id": "top", "rank": 1_600}, {"id": "1499", "rank": 1_499, "age": 1_600}]
    rows += [{"id": "late", "age": 1_500}]
    counts = put(database, rows)
    assert counts == Counts(fetched=3, updated=2, rejected=1)


@pytest.mark.parametrize("unique", [RANKS, DEFERRED])
def test_all_ranks_move_by_one(database: str, unique: str) -> None:
    build(database, unique, SMALL)
    put(database, ranked(*range(3_000)), "s1")
    rows = [*ranked(*range(1, 3_001)), {"id": "new", "rank": 0}]
    Random(1).shuffle(rows)
    began = monotonic()
    counts = put(database, [*rows, {"id": "bad", "rank": 1000000}, {"id": "late", "rank": 7}])
    assert monotonic() - began < SOON
    assert counts == Counts(fetched=3_003, created=1, updated=3_000, rejected=2)
    assert select(database, REJECTED) == ["bad", "late"]


def test_a_rank_that_does_not_come_free_keeps_out_who_waits_for_it_alone(database: str) -> None:
    build(database, RANKS)
    put(database, ranked(*range(400)), "s1")
    rows = ranked(*range(1, 401))
    del rows[300]  # so that it keeps its rank
    counts = put(database, rows)
    assert counts == Counts(fetched=399, updated=99, rejected=300)
    assert select(database, REASONS) == [DUPLICATE]


def test_rows_that_change_places_are_rejected_until_one_of_them_is_free(database: str) -> None:
    build(database, RANKS)
    put(database, ranked(0, 1, 2, 3, 4), "s1")
    changed = put(database, ranked(1, 2, 0, 4, 5))
    assert changed == Counts(fetched=5, updated=2, rejected=3)
    assert select(database, REJECTED) == ["0", "1", "2"]
    put(database, [{"id": "0", "rank": 9}], "s3")
    again = put(database, ranked(1, 2, 0), "s4")
    assert again == Counts(fetched=3, updated=3)
    assert select(database, RANKED) == [("2", 0), ("0", 1), ("1", 2), ("3", 4), ("4", 5)]
    assert select(database, REJECTED) == []


def test_many_pairs_that_change_places_fail_no_sync(database: str) -> None:
    build(database, RANKS)
    put(database, ranked(*range(600)), "s1")
    counts = put(database, [*ranked(*(n ^ 1 for n in range(600))), {"id": "new", "rank": 600}])
    assert counts == Counts(fetched=601, created=1, rejected=600)


def test_rows_that_change_places_load_beside_a_bad_one_where_the_check_is_deferred(
    database: str,
) -> None:
    build(database, DEFERRED)
    put(database, ranked(0, 1), "s1")
    counts = put(database, [*ranked(1, 0, 9), {"id": "late", "rank": 9}])
    assert counts == Counts(fetched=4, created=1, updated=2, rejected=1)
    assert select(database, RANKED) == [("1", 0), ("0", 1), ("2", 9)]
    assert select(database, REJECTED) == ["late"]


def test_unique_values_of_an_expression_and_of_some_rows_only_go_over(database: str) -> None:
    build(
        database,
        "CREATE UNIQUE INDEX ON acme.contacts (lower(parent), (rank % 10))"
        " WHERE _deleted_at IS NULL AND rank IS NOT NULL",
    )
    letters = [chr(ord("a") + n) for n in range(26)]
    rows = [{"id": it, "parent": it.upper(), "rank": 1} for it in letters]
    put(database, rows[:-1], "s1")
    rows = [{"id": it, "parent": chr(ord(it) + 1), "rank": 11} for it in letters]
    Random(1).shuffle(rows)
    late = {"id": "late", "parent": "C", "rank": 21}
    counts = put(database, [*rows, {"id": "none", "parent": "c"}, late])
    assert counts == Counts(fetched=28, created=2, updated=25, rejected=1)


def test_values_that_a_trigger_mends_are_loaded_all_the_same(database: str) -> None:
    build(
        database,
        "CREATE FUNCTION acme.f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.parent = 'none' THEN NEW.parent = NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON acme.contacts FOR EACH ROW"
        " EXECUTE FUNCTION acme.f()",
        PARENTS,
    )
    rows = [{"id": str(n), "parent": "none"} for n in range(200)]
    below = [{"id": f"below {n}", "parent": str(n)} for n in range(200)]
    counts = put(database, [*below, *rows, BAD["reference"]])
    assert counts == Counts(fetched=401, created=400, rejected=1)


@pytest.mark.parametrize("kind", ["TRIGGER", "CONSTRAINT TRIGGER"])
def test_what_a_trigger_refuses_once_all_rows_are_there_costs_its_row_and_those_below(
    database: str, kind: str
) -> None:
    build(
        database,
        "CREATE FUNCTION acme.f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.rank > 9 THEN RAISE 'too high'; END IF; RETURN NEW; END $$",
        f"CREATE {kind} t AFTER INSERT OR UPDATE ON acme.contacts FOR EACH ROW"
        " EXECUTE FUNCTION acme.f()",
        PARENTS,
    )
    rows = family(SHAPES["org chart"], 10_000)
    began = monotonic()
    counts = put(database, [row | {"rank": 10 if row["id"] == "700" else 1} for row in rows])
    assert monotonic() - began < SOON
    below = [row["id"] for row in rows if row["parent"] == "700"]
    further = [row["id"] for row in rows if row["parent"] in below]
    assert select(database, REJECTED) == sorted(["700", *below, *further])
    assert counts == Counts(fetched=10_000, created=10_000 - counts.rejected, rejected=9)


HEADS: dict[str, list[Row]] = {
    "herself": [{"id": "1", "rank": 1, "age": 1}],
    "each other": [{"id": "1", "rank": 1, "age": 2}, {"id": "1b", "rank": 2, "age": 1}],
    "nobody": [{"id": "1", "rank": 1}],
}


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_one_of_two_rows_with_the_value_that_others_refer_to_is_enough(
    database: str, heads: list[Row]
) -> None:
    build(database, RANKS, BOSSES)
    below = [{"id": f"below {n}", "age": 1} for n in range(500)]
    bad = [{"id": "2", "rank": 1, "age": 7000}, {"id": "3", "age": 7000}]
    counts = put(database, [*heads, *below, *bad])
    good = len(heads) + 500
    assert counts == Counts(fetched=good + 2, created=good, rejected=2)
    assert select(database, REJECTED) == ["2", "3"]


def test_whoever_refers_to_a_value_that_no_row_brings_in_the_end_is_rejected_as_that(
    database: str,
) -> None:
    build(database, RANKS, BOSSES, SMALL)
    below = [{"id": f"below {n}", "age": 1} for n in range(200)]
    heads = [{"id": "1", "rank": 1, "age": 7000}, {"id": "2", "rank": 1, "age": 7000}]
    counts = put(database, [{"id": "good", "rank": 5}, {"id": "late", "rank": 5}, *below, *heads])
    assert counts == Counts(fetched=204, created=1, rejected=203)
    (said,) = select(database, f"{REASONS} WHERE key LIKE 'below%'")
    assert "foreign key" in said


def test_a_value_that_stays_because_its_row_is_rejected_may_be_referred_to(database: str) -> None:
    build(database, RANKS, BOSSES)
    put(database, [{"id": "5", "rank": 1}], "s1")
    rows: list[Row] = [{"id": "1", "rank": 1}, {"id": "3", "age": 1}]
    counts = put(database, [{"id": "5", "rank": 3, "age": 7000}, *rows, {"id": "4", "rank": 1}])
    assert counts == Counts(fetched=4, created=1, rejected=3)
    assert select(database, REJECTED) == ["1", "4", "5"]


@pytest.mark.parametrize(("size", "chain"), [(500, 50), (10_000, 50), (10_000, 5)])
def test_values_of_two_unique_columns_go_over_in_turn(database: str, size: int, chain: int) -> None:
    build(database, RANKS, AGES)
    rows, changed = passed_on(size, chain)
    put(database, rows, "s1")
    began = monotonic()
    counts = put(database, [*changed, {"id": "late", "rank": changed[0]["rank"]}])
    assert monotonic() - began < SOON
    assert counts == Counts(fetched=size + 1, updated=size, rejected=1)


def test_rows_that_change_places_in_one_great_circle_are_rejected(database: str) -> None:
    build(database, RANKS)
    put(database, ranked(*range(3_000)), "s1")
    counts = put(database, ranked(*range(1, 3_000), 0))
    assert counts == Counts(fetched=3_000, rejected=3_000)


def test_a_bad_row_that_most_of_its_batch_waits_for_fails_no_sync(database: str) -> None:
    build(database, PARENTS)
    rows = [{"id": "root", "parent": "nobody"}, {"id": "other"}]
    rows += [{"id": f"below {n}", "parent": "root"} for n in range(3_000)]
    assert put(database, rows) == Counts(fetched=3_002, created=1, rejected=3_001)


def test_columns_of_somebodys_own_make_it_slower_and_no_worse(database: str) -> None:
    build(
        database,
        "ALTER TABLE acme.contacts ADD own bigint GENERATED ALWAYS AS (rank) STORED",
        "ALTER TABLE acme.contacts ADD UNIQUE (own)",
    )
    put(database, ranked(*range(40)), "s1")
    rows = [*ranked(*range(1, 41)), {"id": "late", "rank": 7}]
    assert put(database, rows) == Counts(fetched=41, updated=40, rejected=1)


def test_rows_that_refer_to_a_value_that_stays_because_its_row_is_refused_load(
    database: str,
) -> None:
    build(database, RANKS, BOSSES)
    put(database, [{"id": "a", "rank": 1}, {"id": "b", "rank": 2}], "s1")
    below = [{"id": f"below {n}", "age": 1} for n in range(1_000)]
    change_places = [{"id": "a", "rank": 2}, {"id": "b", "rank": 1}]
    further = [{"id": f"further {n}", "age": 3} for n in range(1_000)]
    rows = [*change_places, *below, *further, {"id": "bad", "rank": 3, "age": 777}]
    Random(1).shuffle(rows)
    assert put(database, rows) == Counts(fetched=2_003, created=1_000, rejected=1_003)
    rejected = select(database, REJECTED)
    assert rejected == ["a", "b", "bad", *sorted(f"further {n}" for n in range(1_000))]


def test_values_that_a_trigger_keeps_as_they_were_keep_no_row_out(database: str) -> None:
    build(
        database,
        RANKS,
        "CREATE FUNCTION acme.f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.rank := OLD.rank; RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE UPDATE ON acme.contacts FOR EACH ROW EXECUTE FUNCTION acme.f()",
    )
    put(database, ranked(1, 2, 3), "s1")
    change_places = [{"id": "0", "rank": 2, "age": 7}, {"id": "1", "rank": 1, "age": 8}]
    counts = put(database, [*change_places, {"id": "late", "rank": 3}])
    assert counts == Counts(fetched=3, updated=2, rejected=1)
    assert select(database, REJECTED) == ["late"]


@pytest.mark.parametrize("size", [50, 3_000])
def test_empty_values_that_count_as_equal_go_over_with_the_others(database: str, size: int) -> None:
    needs(database, 15)
    build(
        database,
        "CREATE UNIQUE INDEX ON acme.contacts (parent, rank) NULLS NOT DISTINCT",
        "CREATE UNIQUE INDEX ON acme.contacts (parent, rank)",
    )
    put(database, ranked(*range(size)), "s1")
    rows = ranked(*range(1, size + 1))
    Random(1).shuffle(rows)
    began = monotonic()
    assert put(database, rows) == Counts(fetched=size, updated=size)
    late: list[Row] = [{"id": "late", "rank": 7}, {"id": "none"}, {"id": "none either"}]
    rows = [*ranked(*range(2, size + 2)), *late]
    Random(1).shuffle(rows)
    counts = put(database, rows, "s3")
    assert monotonic() - began < SOON
    assert counts == Counts(fetched=size + 3, created=1, updated=size, rejected=2)
