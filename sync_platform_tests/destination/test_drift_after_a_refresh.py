"""What people did to a table whose columns' numbers no book has, as after a restore: a refresh of
computed fields, which looks at a few columns only, hides nothing of it from the next sync."""

import pytest

from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    FULL,
    destination,
    full,
    load,
    meddle,
    people,
    progress,
    select,
)

KEY_AND_AGE = (Field("id"), Field("age", "integer", computed=True))
BROUGHT_BACK = """
    CREATE TABLE acme.copied (LIKE acme.contacts INCLUDING ALL);
    INSERT INTO acme.copied SELECT * FROM acme.contacts;
    DROP TABLE acme.contacts; ALTER TABLE acme.copied RENAME TO contacts
"""
NONE_KEPT = "UPDATE acme._tables SET numbers = NULL"
NUMBERLESS = pytest.mark.parametrize("lost", [BROUGHT_BACK, NONE_KEPT])


def refresh(database: str) -> None:
    opened = destination(database).open(CONTACTS, KEY_AND_AGE, sync="refresh", known_only=True)
    with opened as loader:
        loader.write(Page(rows=[{"id": "1", "age": 7}]))
        assert loader.commit(progress("refresh")).updated == 1


def found(database: str) -> tuple[list[str], bool]:
    """What the next sync tells, and whether it is to read everything."""
    with destination(database).open(CONTACTS, FIELDS, sync="x") as loader:
        left = loader.progress()
        anew = left is not None and left.mode is FULL and left.position is None
        return [str(it) for it in loader.told], anew


@NUMBERLESS
def test_a_column_that_was_dropped_before_it_is_told_and_read_anew(
    database: str, lost: str
) -> None:
    load(database, *people(3))
    meddle(database, f"{lost}; ALTER TABLE acme.contacts DROP COLUMN email")
    refresh(database)
    assert found(database) == (
        [
            "The column email was dropped, and is added again; what it held comes back with the "
            "next full sync."
        ],
        True,
    )
    full(database, *people(3))
    emails = "SELECT email FROM acme.contacts ORDER BY id"
    assert select(database, emails) == [it["email"] for it in people(3)]
    assert found(database) == ([], False)


@NUMBERLESS
def test_a_column_that_was_renamed_before_it_gets_its_name_back(database: str, lost: str) -> None:
    load(database, *people(3))
    meddle(database, f"{lost}; ALTER TABLE acme.contacts RENAME COLUMN email TO mail")
    refresh(database)
    told = ["The column email was renamed to mail, and has its name back."]
    assert found(database) == (told, False)
    emails = "SELECT email FROM acme.contacts ORDER BY id"
    assert select(database, emails) == [it["email"] for it in people(3)]


def test_a_renamed_column_whose_name_they_gave_back_since_is_ours_again(database: str) -> None:
    load(database, *people(3))
    rename = "ALTER TABLE acme.contacts RENAME COLUMN"
    meddle(database, f"{BROUGHT_BACK}; {rename} email TO mail")
    refresh(database)
    meddle(database, f"{rename} mail TO email")
    assert found(database) == ([], False)
    meddle(database, f"{rename} email TO mail; COMMENT ON COLUMN acme.contacts.mail IS NULL")
    assert found(database)[0] == ["The column email was renamed to mail, and has its name back."]


def test_a_dropped_column_whose_name_somebody_took_since_is_told(database: str) -> None:
    load(database, *people(3))
    meddle(database, f"{BROUGHT_BACK}; ALTER TABLE acme.contacts DROP COLUMN email")
    refresh(database)
    meddle(database, "ALTER TABLE acme.contacts ADD COLUMN email text")
    with pytest.raises(ConfigurationError, match="dropped the column 'email' of"):
        found(database)
