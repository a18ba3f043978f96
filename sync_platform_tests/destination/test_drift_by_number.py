"""Where no lock keeps people off, a column is known by its number, whatever it is called by now."""

import pytest

from sync_platform.destination.postgres import PostgresDestination
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    load,
    meddle,
    people,
    select,
)

LETTERS = [Field("id"), Field("a"), Field("b")]
ROW = {"id": "1", "a": "A", "b": "B"}
RENAME = "ALTER TABLE acme.contacts RENAME COLUMN"
SWAP = f"{RENAME} a TO x; {RENAME} b TO a; {RENAME} x TO b"


@pytest.fixture
def database(limited_database: str) -> str:
    """Where locks cannot be made, drift is what there is."""
    return limited_database


def letters(database: str, *ids: str) -> None:
    load(database, *({**ROW, "id": it} for it in ids), fields=LETTERS)


def told(database: str, fields: list[Field] = LETTERS) -> list[str]:
    """What the next sync mends."""
    with destination(database).open(CONTACTS, fields, sync="x") as loader:
        return [str(it) for it in loader.told if it.kind == "mended"]


def test_columns_that_somebody_swapped_are_swapped_back(database: str) -> None:
    letters(database, "1")
    select(database, SWAP)
    assert sorted(told(database)) == [
        "The column a was renamed to b, and has its name back.",
        "The column b was renamed to a, and has its name back.",
    ]
    letters(database, "2")
    assert select(database, "SELECT a, b FROM acme.contacts") == [("A", "B")] * 2
    comments = [each[2] for each in PostgresDestination(database).column_types(CONTACTS)[1:3]]
    assert comments == ["synced from HubSpot contacts: a", "synced from HubSpot contacts: b"]
    assert told(database) == []


def test_columns_of_two_types_that_were_swapped_keep_their_types(database: str) -> None:
    load(database, *people(2))
    before = PostgresDestination(database).column_types(CONTACTS)
    select(database, f"{RENAME} email TO x; {RENAME} age TO email; {RENAME} x TO age")
    load(database, *people(3))
    assert PostgresDestination(database).column_types(CONTACTS) == before
    rows = select(database, "SELECT id, email, age FROM acme.contacts ORDER BY id")
    assert rows == [(it["id"], it["email"], it["age"]) for it in people(3)]


@pytest.mark.parametrize("after", ["", "; COMMENT ON COLUMN acme.contacts.mine IS 'mine'"])
def test_a_renamed_column_whose_name_somebody_gave_to_their_own_is_told(
    database: str, after: str
) -> None:
    letters(database, "1")
    own = "ALTER TABLE acme.contacts ADD COLUMN a text DEFAULT 'mine'"
    select(database, f"{RENAME} a TO mine; {own}{after}")
    with pytest.raises(ConfigurationError, match=r"renamed the column 'a' .* 'mine'") as error:
        letters(database, "2")
    assert select(database, "SELECT mine, a FROM acme.contacts") == [("A", "mine")]
    _, said = str(error.value).split("After ")
    select(database, said.replace(":", ";", 1).removesuffix("."))
    letters(database, "2")
    assert select(database, "SELECT a, own_a FROM acme.contacts") == [("A", "mine")] * 2


def test_a_column_whose_name_another_one_of_ours_was_given_comes_back_empty(database: str) -> None:
    letters(database, "1")
    select(database, f"ALTER TABLE acme.contacts DROP COLUMN a; {RENAME} b TO a")
    assert told(database) == [
        "The column b was renamed to a, and has its name back.",
        "The column a was dropped, and is added again; what it held comes back with the next full "
        "sync.",
    ]
    assert select(database, "SELECT a, b FROM acme.contacts") == [(None, "B")]
    letters(database, "1")
    assert select(database, "SELECT a, b FROM acme.contacts") == [("A", "B")]


def test_a_dropped_column_whose_name_somebody_gave_to_their_own_is_told(database: str) -> None:
    letters(database, "1")
    select(database, "ALTER TABLE acme.contacts DROP COLUMN a, ADD COLUMN a text DEFAULT 'mine'")
    with pytest.raises(ConfigurationError, match="dropped the column 'a' of"):
        letters(database, "1")
    assert select(database, "SELECT a FROM acme.contacts") == ["mine"]
    select(database, "ALTER TABLE acme.contacts DROP COLUMN a")
    letters(database, "1")
    assert select(database, "SELECT a FROM acme.contacts") == ["A"]


def test_the_column_of_a_vanished_field_may_make_room_for_somebodys_own(database: str) -> None:
    letters(database, "1")
    load(database, fields=LETTERS[:2])
    select(database, "ALTER TABLE acme.contacts DROP COLUMN b, ADD COLUMN b int DEFAULT 7")
    for _ in range(2):
        load(database, {"id": "2", "a": "A"}, fields=LETTERS[:2])
    assert select(database, "SELECT b FROM acme.contacts") == [7, 7]
    assert PostgresDestination(database).column_types(CONTACTS)[-1] == ("b", "integer", None)
    with pytest.raises(ConfigurationError, match="dropped the column 'b'"):
        letters(database, "2")


def test_a_column_that_was_renamed_while_its_field_was_is_not_taken_for_dropped(
    database: str,
) -> None:
    mail, e_mail = (Field(it, label=it, id="m") for it in ("Mail", "E-Mail"))
    load(database, {"id": "1", "Mail": "m"}, fields=[FIELDS[0], mail])
    select(database, f"{RENAME} mail TO post")
    load(database, fields=[FIELDS[0], e_mail])
    assert select(database, "SELECT id, e_mail FROM acme.contacts") == [("1", "m")]
    select(database, f"{RENAME} e_mail TO post")
    assert told(database, [FIELDS[0], e_mail]) == [
        "The column e_mail was renamed to post, and has its name back."
    ]


def test_a_column_that_lost_its_comment_too_gets_its_name_back(database: str) -> None:
    letters(database, "1")
    select(database, f"{RENAME} a TO mine; COMMENT ON COLUMN acme.contacts.mine IS 'mine'")
    select(database, f"{RENAME} _synced_at TO at; COMMENT ON COLUMN acme.contacts.at IS 'at'")
    assert len(told(database)) == 2
    assert select(database, "SELECT a FROM acme.contacts WHERE _synced_at < now()") == ["A"]


def test_columns_that_were_added_or_widened_or_renamed_by_us_are_known_too(database: str) -> None:
    letters(database, "1")
    fields = [Field("id"), Field("a", "json"), Field("b"), Field("c", id="3")]
    load(database, {**ROW, "c": "C"}, fields=fields)
    fields[3] = Field("d", id="3")
    load(database, fields=fields)
    assert told(database, fields) == []
    select(database, f"{RENAME} d TO x; {RENAME} b TO d; {RENAME} x TO b")
    assert len(told(database, fields)) == 2
    assert select(database, "SELECT b, d FROM acme.contacts") == [("B", "C")]


ANOTHER = """
    CREATE TABLE acme.copied (LIKE acme.contacts INCLUDING ALL);
    INSERT INTO acme.copied SELECT * FROM acme.contacts;
    ALTER TABLE acme.copied DROP COLUMN a; ALTER TABLE acme.copied ADD COLUMN a text;
    UPDATE acme.copied SET a = 'A';
    DROP TABLE acme.contacts; ALTER TABLE acme.copied RENAME TO contacts
"""


def test_of_a_table_that_was_brought_back_names_are_the_truth_and_numbers_are_kept_anew(
    database: str,
) -> None:
    letters(database, "1")
    select(database, ANOTHER)
    assert told(database) == []
    letters(database, "2")
    assert select(database, "SELECT a, b FROM acme.contacts") == [("A", "B")] * 2
    select(database, SWAP)
    assert len(told(database)) == 2
    assert select(database, "SELECT a, b FROM acme.contacts") == [("A", "B")] * 2


def test_a_book_of_an_older_version_gets_the_numbers_with_the_next_sync(database: str) -> None:
    letters(database, "1")
    meddle(database, "ALTER TABLE acme._tables DROP COLUMN numbers")
    letters(database, "2")
    select(database, SWAP)
    letters(database, "3")
    assert select(database, "SELECT a, b FROM acme.contacts") == [("A", "B")] * 3


def test_a_sync_in_which_nothing_changed_writes_nothing(database: str) -> None:
    letters(database, "1")
    versions = "SELECT xmin::text FROM acme._tables"
    before = select(database, versions)
    assert told(database) == []
    assert select(database, versions) == before
