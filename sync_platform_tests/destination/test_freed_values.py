"""Values that a record frees because it is gone, and that another of the same batch has now: a
contact that was merged into another, one that was deleted and made anew."""

from typing import Any

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit
from sync_platform.spec import Page
from sync_platform_tests.destination.tables import (
    FULL,
    INCREMENTAL,
    load,
    loading,
    people,
    progress,
    select,
)

LIVE = {
    "unique": "CREATE UNIQUE INDEX ON acme.contacts (email) WHERE _deleted_at IS NULL",
    "exclusion": "ALTER TABLE acme.contacts ADD EXCLUDE (email WITH =) WHERE (_deleted_at IS NULL)",
    "trigger": """
        CREATE FUNCTION acme.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW._deleted_at IS NULL AND EXISTS (SELECT FROM acme.contacts WHERE id <> NEW.id
                AND email = NEW.email AND _deleted_at IS NULL) THEN RAISE 'taken'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER t AFTER INSERT OR UPDATE ON acme.contacts FOR EACH ROW
            EXECUTE FUNCTION acme.f()
    """,
}
LIVING = "SELECT id, email FROM acme.contacts WHERE _deleted_at IS NULL ORDER BY id"
REJECTED = "SELECT key FROM acme._rejected ORDER BY key"
AGED = "ALTER TABLE acme.contacts ADD CHECK (age < 5000)"


def emails(*emails: str, start: int = 0) -> list[dict[str, str]]:
    return [{"id": str(n), "email": email} for n, email in enumerate(emails, start)]


def anew(count: int) -> list[dict[str, str]]:
    """The people, with other ids."""
    return [{"id": f"new {n}", "email": f"{n}@example.com"} for n in range(count)]


@pytest.mark.parametrize("rule", LIVE.values(), ids=LIVE)
@pytest.mark.parametrize("mode", [INCREMENTAL, FULL])
def test_a_record_takes_the_value_of_one_that_is_gone(
    database: str, rule: str, mode: SyncMode
) -> None:
    load(database, *emails("a", "b", "c"))
    select(database, rule)
    with loading(database, sync="s2", mode=mode) as loader:
        loader.write(Page(emails("a", "b", start=1), gone=[("0",)]))
        assert loader.commit(progress("s2", mode)) == Counts(fetched=2, updated=2, deleted=1)
    assert select(database, LIVING) == [("1", "a"), ("2", "b")]
    assert select(database, REJECTED) == []


@pytest.mark.parametrize("rule", LIVE.values(), ids=LIVE)
def test_any_number_of_records_that_were_deleted_and_made_anew_load(
    database: str, rule: str
) -> None:
    load(database, *people(1_500))
    select(database, f"{AGED}; {rule}")
    bad = {"id": "bad", "age": 5000}
    gone = [str(n) for n in range(1_500)]
    counts = load(database, *anew(1_500), bad, gone=gone, sync="s2")
    assert counts == Counts(fetched=1_501, created=1_500, deleted=1_500, rejected=1)


def test_a_record_takes_the_value_of_one_that_came_and_went_in_the_same_batch(
    database: str,
) -> None:
    load(database)
    select(database, LIVE["unique"])
    first, second, third = emails("a", "a", "a")
    with loading(database, sync="s2") as loader:
        loader.write(Page([first], gone=[("0",)]))
        loader.write(Page([second]))
        loader.write(Page([third], gone=[("2",)]))
        counts = loader.commit(progress("s2"))
    assert (counts.rejected, select(database, LIVING)) == (1, [("1", "a")])
    assert select(database, REJECTED) == ["2"]


def test_a_value_that_its_record_keeps_is_not_free(database: str) -> None:
    load(database, *people(310))
    select(database, LIVE["unique"])
    select(database, "ALTER TABLE acme.contacts ADD CHECK (age <> 7 OR _deleted_at IS NULL)")
    gone = [str(n) for n in range(200)]
    counts = load(database, *anew(201), gone=gone, sync="s2")
    assert counts == Counts(fetched=202, created=199, deleted=199, rejected=3)
    assert select(database, REJECTED) == ["7", "new 200", "new 7"]
    with pytest.raises(RowDoesNotFit):
        load(database, *anew(310)[200:], gone=["309"], sync="s3")
    assert select(database, "SELECT _deleted_at FROM acme.contacts WHERE id = '309'") == [None]
    assert select(database, "SELECT count(*) FROM acme._rejected") == [3]


KEPT = """
    CREATE FUNCTION acme.kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF {} THEN RAISE 'not so'; END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER kept AFTER INSERT OR UPDATE ON acme.contacts FOR EACH ROW
        EXECUTE FUNCTION acme.kept()
"""
RULES_OF_OTHERS = {
    "none goes before those below it": KEPT.format(
        "NEW._deleted_at IS NOT NULL AND EXISTS (SELECT FROM acme.contacts"
        " WHERE age::text = NEW.id AND _deleted_at IS NULL)"
    ),
    "none comes below one that is gone": KEPT.format(
        "NEW._deleted_at IS NULL AND EXISTS (SELECT FROM acme.contacts"
        " WHERE id = NEW.age::text AND _deleted_at IS NOT NULL)"
    ),
}
ABOVE: dict[str, list[dict[str, Any]]] = {
    "none goes before those below it": [{"id": "3", "email": "d", "age": 1}],
    "none comes below one that is gone": [],
}
BELOW = {
    "none goes before those below it": {"id": "3", "email": "d", "age": 2},
    "none comes below one that is gone": {"id": "3", "email": "d", "age": 1},
}


@pytest.mark.parametrize("name", RULES_OF_OTHERS)
def test_what_loads_before_or_after_others_are_gone_loads_beside_it(
    database: str, name: str
) -> None:
    load(database, *emails("a", "b", "c"), *ABOVE[name])
    select(database, f"{LIVE['unique']}; {RULES_OF_OTHERS[name]}")
    took = {"id": "2", "email": "a"}
    counts = load(database, took, BELOW[name], gone=["0", "1"], sync="s2")
    assert (counts.fetched, counts.deleted, counts.rejected) == (2, 2, 0)
    assert select(database, LIVING) == [("2", "a"), ("3", "d")]
