"""Of a table that is as it was, a process that runs on plans nothing anew."""

from dataclasses import replace

import pytest

from sync_platform.destination import book, tables
from sync_platform.destination.landing import Landing
from sync_platform.destination.locks import Locks
from sync_platform.destination.sessions import connected
from sync_platform.destination.settled import Case, Settled
from sync_platform.engine.destination import Table
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, load, meddle, people, select

ANOTHER_ORDER = (FIELDS[0], FIELDS[2], FIELDS[1])
RELABELED = (*FIELDS[:2], replace(FIELDS[2], label="Age"))
WITHOUT_ONE = FIELDS[:2]


@pytest.fixture
def case(database: str) -> Case:
    """That of the contacts as they were loaded."""
    load(database, *people(2))
    return as_it_is(database)


def as_it_is(
    database: str,
    table: Table = CONTACTS,
    fields: tuple[Field, ...] = FIELDS,
    *,
    some: bool = False,
) -> Case:
    with connected(database, "settled") as connection:
        found = book.look(connection, table)
    return Case.of(table, {it.name: it for it in fields}, found, some_fields=some)


@pytest.fixture
def landing(database: str, case: Case) -> Landing:
    with connected(database, "settled") as connection:
        return tables.prepare(connection, CONTACTS, FIELDS, Locks(), Settled())


def test_the_same_case_has_the_same_landing(database: str, case: Case, landing: Landing) -> None:
    settled = Settled()
    assert settled.landing(case) is None
    settled.keep(case, landing)
    load(database, *people(5))
    assert settled.landing(as_it_is(database)) is landing


@pytest.mark.parametrize("fields", [ANOTHER_ORDER, RELABELED, WITHOUT_ONE])
def test_other_fields_are_another_case(
    database: str, case: Case, landing: Landing, fields: tuple[Field, ...]
) -> None:
    settled = Settled()
    settled.keep(case, landing)
    assert settled.landing(as_it_is(database, fields=fields)) is None
    assert settled.landing(as_it_is(database, some=True)) is None
    assert settled.landing(as_it_is(database, replace(CONTACTS, label="Contacts"))) is None


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE acme.contacts RENAME COLUMN age TO years",
        "ALTER TABLE acme.contacts ALTER COLUMN age TYPE text",
        "ALTER TABLE acme.contacts DROP COLUMN age; ALTER TABLE acme.contacts ADD age bigint",
        "ALTER TABLE acme.contacts ADD COLUMN mine text",
        "COMMENT ON COLUMN acme.contacts.age IS NULL",
        "ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey",
        "UPDATE acme._columns SET vanished_at = now() WHERE field = 'age'",
        "UPDATE acme._tables SET accounts = '{hubspot 1}'",
        "UPDATE acme._tables SET numbers = NULL",
        "DROP TABLE acme._rejected",
        "DROP TABLE acme.contacts",
    ],
)
def test_whatever_somebody_does_to_the_table_or_its_books_is_another_case(
    database: str, case: Case, landing: Landing, statement: str
) -> None:
    settled = Settled()
    settled.keep(case, landing)
    meddle(database, statement)
    assert settled.landing(as_it_is(database)) is None


def test_rows_load_where_somebody_was_at_a_table_that_needed_nothing(database: str) -> None:
    for n in range(2):
        load(database, *people(2 + n))
    meddle(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    load(database, *people(4))
    assert select(database, "SELECT email FROM acme.contacts WHERE id = '3'") == ["3@example.com"]
