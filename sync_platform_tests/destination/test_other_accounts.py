"""Rows of a table whose connection another account has taken."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from sync_platform.destination.plan import MOST_COLUMNS
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.accounts import (
    WITHOUT_AGE,
    has_others,
    opened,
    reads,
    refreshes,
)
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    NONE,
    destination,
    load,
    loading,
    meddle,
    progress,
    select,
)

LEFT = "SELECT id, email, age FROM acme.contacts WHERE _deleted_at IS NULL ORDER BY id"
WAITS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'sync_platform %' AND wait_event_type = 'Lock'"
)


def taken_over(url: str, *rows: Mapping[str, Any], fields: Sequence[Field]) -> Counts:
    """A full sync of the account that took the table's connection."""
    with loading(url, CONTACTS, fields, sync="theirs", mode=FULL) as loader:
        loader.write(Page(rows=rows))
        counts = loader.commit(progress("theirs", FULL))
        counts += loader.reconcile(lookback=NONE, most=None) or Counts()
        loader.clear_others()
        loader.finish()
    return counts


def test_values_of_fields_that_the_other_account_has_not_go(database: str) -> None:
    load(database, {"id": "1", "email": "ada@a.example", "age": 36}, {"id": "2", "age": 40})
    taken_over(database, {"id": "1", "email": "zoe@b.example"}, fields=WITHOUT_AGE)
    assert select(database, LEFT) == [("1", "zoe@b.example", None)]


def test_values_of_the_other_account_go_from_deleted_rows_too(database: str) -> None:
    """They may come again, as records of this one."""
    load(database, {"id": "2", "email": "ada@a.example", "age": 40})
    taken_over(database, fields=WITHOUT_AGE)
    gone = "SELECT email, age FROM acme.contacts WHERE _deleted_at IS NOT NULL"
    assert select(database, gone) == [("ada@a.example", None)]


@pytest.mark.parametrize(
    ("read", "others"),
    [
        (["hubspot 1"], False),
        (["hubspot 1", "hubspot 2"], True),
        (["hubspot 1", "hubspot 2", "hubspot 1"], True),
        (["hubspot", "hubspot 1"], False),  # its id was not told before
        (["hubspot 1", "hubspot"], False),
        (["hubspot 1", "pipedrive 1"], True),
        (["hubspot", "pipedrive"], True),
    ],
)
def test_who_reads_into_a_table_knows_whether_another_account_did(
    database: str, read: Sequence[str], others: bool
) -> None:
    for account in read:
        reads(database, account, {"id": "1", "email": f"of {account}"})
    with opened(database, read[-1], FULL) as loader:
        assert loader.has_others == others
        loader.clear_others()
        assert not loader.has_others
    with opened(database, read[-1]) as loader:
        assert not loader.has_others


def test_an_empty_table_holds_nobodys_values(database: str) -> None:
    for account in ("hubspot 1", "hubspot 2"):
        with opened(database, account) as loader:
            loader.write(Page(rows=[{"id": "1"}]))
            loader.commit(progress())
            assert not loader.has_others
        select(database, "DELETE FROM acme.contacts")


def test_who_reads_nothing_leaves_no_values(database: str) -> None:
    for account in ("hubspot 1", "hubspot 2", "hubspot 1"):
        with opened(database, account) as loader:
            loader.write(Page(rows=[{"id": "1"}] if account == "hubspot 1" else []))
            loader.commit(progress())
            assert loader.has_others == (account == "hubspot 2")


def test_who_refreshes_computed_fields_leaves_values(database: str) -> None:
    load(database, {"id": "1", "age": 36})
    for account in ("hubspot 1", "hubspot 2"):
        refreshes(database, account, {"id": "1", "email": f"of {account}"})
    with opened(database, "hubspot 1") as loader:
        assert loader.has_others


def test_of_a_record_that_is_rejected_no_row_of_the_other_account_stays(database: str) -> None:
    rows = [{"id": str(it), "email": f"{it}@a.example"} for it in range(4)]
    with opened(database, "hubspot 1") as loader:
        loader.write(Page(rows=rows))
        loader.commit(progress())
    meddle(database, "ALTER TABLE acme.contacts ADD CHECK (email <> 'bad@b.example')")
    with opened(database, "hubspot 2", FULL) as loader:
        bad = {"id": "0", "email": "bad@b.example"}
        loader.write(Page(rows=[bad, {"id": "1", "age": "old"}, {"id": "2", "email": "b"}]))
        assert loader.commit(progress(mode=FULL)).rejected == 2
        assert (loader.reconcile(lookback=NONE, most=None) or Counts()).deleted == 3
        loader.clear_others()
    assert select(database, "SELECT id, email FROM acme.contacts WHERE _deleted_at IS NULL") == [
        ("2", "b")
    ]


def test_rows_that_load_beside_a_rejected_one_are_known_to_be_the_accounts(database: str) -> None:
    load(database, {"id": "1"})
    meddle(database, "ALTER TABLE acme.contacts ADD CHECK (email <> 'bad@a.example')")
    with opened(database, "hubspot 1") as loader:
        loader.write(Page(rows=[{"id": "1", "email": "bad@a.example"}, {"id": "2"}]))
        assert loader.commit(progress()).rejected == 1
    with opened(database, "hubspot 2") as loader:
        assert loader.has_others


def test_who_wrote_no_row_leaves_no_values(database: str) -> None:
    reads(database, "hubspot 1", {"id": "1"})
    meddle(database, "ALTER TABLE acme.contacts ADD CHECK (email <> 'bad@b.example')")
    assert reads(database, "hubspot 2", {"id": "2", "email": "bad@b.example"}).rejected == 1
    refreshes(database, "hubspot 2", {"id": "2", "email": "b@b.example"})
    assert reads(database, "hubspot 2", {"id": "1"}).unchanged == 1  # as it is
    assert has_others(database, "hubspot 2")
    assert not has_others(database, "hubspot 1")


def test_an_account_whose_id_is_told_by_now_is_known_by_rows_that_are_as_they_were(
    database: str,
) -> None:
    for account in ("hubspot", "hubspot 1"):
        reads(database, account, {"id": "1"})
    assert has_others(database, "hubspot 2")


def test_what_another_sync_loads_between_opening_and_beginning_is_known(database: str) -> None:
    opens = destination(database).open
    with opens(CONTACTS, FIELDS, sync="late", account="hubspot 2") as late:
        reads(database, "hubspot 1", {"id": "1", "age": 36})
        late.begin(progress("late"), resume=False)
        assert late.has_others
        late.write(Page(rows=[{"id": "2"}]))
        late.commit(progress("late"))
    assert has_others(database, "hubspot 1")
    assert has_others(database, "hubspot 2")


def test_so_is_what_it_commits_while_the_beginning_waits_for_it(database: str) -> None:
    opens = destination(database).open
    with (
        opens(CONTACTS, FIELDS, sync="late", account="hubspot 2") as late,
        psycopg.connect(database) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("UPDATE acme._progress SET seen = 1")
        other.execute("UPDATE acme._tables SET accounts = '{hubspot 1}'")
        beginning = pool.submit(late.begin, progress("late"), resume=False)
        while not select(database, WAITS) and not beginning.done():
            pass
        assert not beginning.done()
        other.commit()
        beginning.result()
        assert late.has_others


def test_accounts_that_are_told_at_once_are_all_told(database: str) -> None:
    """Refreshes do not take the table over."""
    load(database, {"id": "1"})
    opens = destination(database).open
    with opens(CONTACTS, FIELDS[:2], sync="c", account="hubspot 1", known_only=True) as late:
        refreshes(database, "hubspot 2", {"id": "1", "email": "b@b.example"})
        late.write(Page(rows=[{"id": "1", "email": "a@a.example"}]))
        late.commit(progress("c"))
    assert has_others(database, "hubspot 1")
    assert has_others(database, "hubspot 2")


def test_books_of_before_learn_whose_the_values_are(database: str) -> None:
    load(database, {"id": "1"})
    meddle(database, "ALTER TABLE acme._tables DROP COLUMN accounts")
    for account, others in (("hubspot 1", False), ("hubspot 2", True)):
        with opened(database, account) as loader:
            loader.write(Page(rows=[{"id": "1"}]))
            loader.commit(progress())
            assert loader.has_others == others


def test_what_people_wrote_into_columns_of_their_own_stays(database: str) -> None:
    load(database, {"id": "1", "age": 36})
    meddle(database, "ALTER TABLE acme.contacts ADD COLUMN note text DEFAULT 'theirs'")
    taken_over(database, {"id": "1"}, fields=WITHOUT_AGE)
    assert select(database, "SELECT age, note FROM acme.contacts") == [(None, "theirs")]


def test_of_fields_beyond_the_columns_of_a_table_only_those_of_the_account_stay(
    database: str,
) -> None:
    many = [*FIELDS, *(Field(f"f{n}") for n in range(MOST_COLUMNS))]
    last, one_before = many[-1].name, many[-2].name
    load(database, {"id": "1", last: "old", one_before: "old"}, fields=many)
    taken_over(database, {"id": "1", one_before: "new"}, fields=many[:-1])
    assert select(database, "SELECT _more FROM acme.contacts") == [{one_before: "new"}]


def test_a_table_whose_fields_the_account_all_has_is_not_written_to(database: str) -> None:
    rows = [{"id": "1", "email": "ada@a.example", "age": 36}]
    load(database, *rows)
    written = select(database, "SELECT xmin::text, _synced_at FROM acme.contacts")
    taken_over(database, *rows, fields=FIELDS)
    assert select(database, "SELECT xmin::text, _synced_at FROM acme.contacts") == written
