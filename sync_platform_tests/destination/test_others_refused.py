"""Values of another account that what people built on the table keeps in its rows."""

from dataclasses import replace

import pytest

from sync_platform.destination.carefully import MOST_REFUSED
from sync_platform.engine.results import Counts
from sync_platform.errors import RowDoesNotFit
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.accounts import (
    WITHOUT_AGE,
    has_others,
    opened,
    reads,
    reads_all,
)
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FULL,
    NONE,
    destination,
    load,
    meddle,
    people,
    progress,
    select,
)

LEFT = "SELECT id, email, age FROM acme.contacts WHERE _deleted_at IS NULL ORDER BY id"
FUNCTION = """
    CREATE FUNCTION acme.keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF {} THEN RAISE EXCEPTION 'stays'; END IF; RETURN NEW; END $$;
"""
ALWAYS = FUNCTION.format("OLD.id = '1'")
RULES = {
    "check": "ALTER TABLE acme.contacts ADD CONSTRAINT keep CHECK (email <> '1@example.com')"
    " NOT VALID",
    "trigger": f"{ALWAYS} CREATE TRIGGER keep BEFORE UPDATE"
    " ON acme.contacts FOR EACH ROW EXECUTE FUNCTION acme.keep()",
    "deferred": f"{ALWAYS} CREATE CONSTRAINT TRIGGER keep AFTER UPDATE"
    " ON acme.contacts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION acme.keep()",
}
each_rule = pytest.mark.parametrize("built", RULES.values(), ids=RULES)


@each_rule
def test_a_deleted_row_that_cannot_be_cleared_costs_itself_alone(database: str, built: str) -> None:
    reads(database, "hubspot 1", *people(4))
    load(database, gone=["1"])
    meddle(database, built)
    zoe = {"id": "2", "email": "zoe@b.example"}
    marked, cleared = reads_all(database, "hubspot 2", zoe)
    assert (marked, cleared) == (Counts(deleted=2), Counts(fetched=1, rejected=1))
    assert select(database, LEFT) == [("2", "zoe@b.example", None)]
    assert select(database, "SELECT id FROM acme.contacts WHERE age IS NOT NULL") == ["1"]
    [(key, reason)] = select(database, "SELECT key, reason FROM acme._rejected")
    assert key == "1"
    assert reason.startswith(
        "The row holds values of another account, and Postgres would not take them out: "
    )
    assert has_others(database, "hubspot 2")
    meddle(database, "DROP FUNCTION IF EXISTS acme.keep CASCADE")
    meddle(database, "ALTER TABLE acme.contacts DROP CONSTRAINT IF EXISTS keep")
    assert reads_all(database, "hubspot 2", zoe) == (Counts(), Counts())
    assert select(database, "SELECT id FROM acme.contacts WHERE age IS NOT NULL") == []
    assert select(database, "SELECT key FROM acme._rejected") == []
    assert not has_others(database, "hubspot 2")


@each_rule
def test_a_row_that_can_neither_be_marked_nor_cleared_is_rejected_once(
    database: str, built: str
) -> None:
    reads(database, "hubspot 1", *people(4))
    meddle(database, built)
    marked, cleared = reads_all(database, "hubspot 2", {"id": "2", "email": "zoe@b.example"})
    assert (marked, cleared) == (Counts(fetched=1, deleted=2, rejected=1), Counts())
    assert select(database, "SELECT id FROM acme.contacts WHERE age IS NOT NULL") == ["1"]
    assert select(database, "SELECT key FROM acme._rejected") == ["1"]
    assert has_others(database, "hubspot 2")


def test_while_a_mark_is_refused_the_row_is_not_taken_for_the_accounts_own(database: str) -> None:
    reads(database, "hubspot 1", *people(2))
    keep = FUNCTION.format("OLD.id = '1' AND NEW._deleted_at IS NOT NULL")
    meddle(
        database,
        f"{keep} CREATE TRIGGER keep BEFORE UPDATE ON acme.contacts"
        " FOR EACH ROW EXECUTE FUNCTION acme.keep()",
    )
    assert reads_all(database, "hubspot 2")[0].rejected == 1
    assert select(database, LEFT) == [("1", "1@example.com", None)]
    assert has_others(database, "hubspot 2")
    meddle(database, "DROP FUNCTION acme.keep CASCADE")
    assert reads_all(database, "hubspot 2")[0].deleted == 1
    assert not has_others(database, "hubspot 2")


def test_a_mark_that_was_refused_twice_keeps_the_others_too(database: str) -> None:
    reads(database, "hubspot 1", *people(2))
    meddle(database, RULES["trigger"])
    with opened(database, "hubspot 2", FULL, WITHOUT_AGE) as loader:
        loader.write(Page(rows=[], gone=[("1",)]))
        assert loader.commit(progress(mode=FULL)).rejected == 1
        assert loader.reconcile(lookback=NONE, most=None) == Counts(deleted=1)
        assert loader.clear_others() == Counts()
        assert loader.has_others


def test_rows_of_several_key_columns_are_cleared_one_by_one_too(database: str) -> None:
    table = replace(CONTACTS, keys=("id", "team"))
    fields = [Field("id"), Field("team", "integer"), Field("email"), Field("age", "integer")]
    rows = [{**it, "team": team} for it in people(3) for team in (1, 2)]
    with destination(database).open(table, fields, sync="s1", account="hubspot 1") as loader:
        loader.write(Page(rows=rows))
        loader.commit(progress())
    meddle(database, "ALTER TABLE acme.contacts ADD CHECK (id <> '1' OR team <> 2) NOT VALID")
    with destination(database).open(table, fields[:3], sync="s2", account="hubspot 2") as loader:
        loader.begin(progress("s2", FULL), resume=False)
        assert loader.clear_others() == Counts(fetched=1, rejected=1)
    left = "SELECT id, team FROM acme.contacts WHERE age IS NOT NULL"
    assert select(database, left) == [("1", 2)]
    assert select(database, "SELECT key, record FROM acme._rejected") == [
        ('["1", "2"]', '{"id": "1", "team": 2}')
    ]


def test_a_rule_that_no_row_keeps_fails_the_sync(database: str) -> None:
    reads(database, "hubspot 1", *people(MOST_REFUSED + 1))
    meddle(database, "ALTER TABLE acme.contacts ADD CHECK (age IS NOT NULL) NOT VALID")
    with (
        opened(database, "hubspot 2", FULL, WITHOUT_AGE) as loader,
        pytest.raises(RowDoesNotFit, match="taking out another account's values"),
    ):
        loader.clear_others()
    assert select(database, "SELECT count(age) FROM acme.contacts") == [MOST_REFUSED + 1]
    assert has_others(database, "hubspot 2")
