"""A column that somebody gave a type of their own after its field was gone at the vendor: it is
locked as it is then, and keeps nobody from altering the table."""

from dataclasses import replace

import pytest
from psycopg import errors as pg

from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    load,
    meddle,
    people,
    select,
)

REFUSED = pg.DependentObjectsStillExist
OWN = {
    "words": "CREATE DOMAIN words AS text",
    "address": "CREATE TYPE address AS ENUM ('0@example.com')",
}
OF_EMAIL = " WHERE attrelid = 'acme.contacts'::regclass AND attname = 'email'"


@pytest.fixture(params=OWN)
def retyped(request: pytest.FixtureRequest, database: str) -> str:
    """A database where the column email, whose field is gone, has such a type."""
    load(database, *people(1))
    load(database, {"id": "0"}, fields=FIELDS[:1])
    own = request.param
    change = f"ALTER TABLE acme.contacts ALTER email TYPE {own} USING email::{own}"
    meddle(database, f"{OWN[own]}; {change}")
    load(database, {"id": "0"}, fields=FIELDS[:1])
    return database


def test_it_keeps_nobody_from_altering_the_table(retyped: str) -> None:
    select(retyped, "ALTER TABLE acme.contacts ADD COLUMN mine int")
    select(retyped, "ALTER TABLE acme.contacts RENAME mine TO own")
    assert load(retyped, {"id": "0"}, fields=FIELDS[:1]).unchanged == 1


RENAMES = ("TYPE {} RENAME TO mine", "TYPE mine SET SCHEMA own", "SCHEMA own RENAME TO others")


def test_nor_once_its_type_has_another_name(retyped: str) -> None:
    select(retyped, "CREATE SCHEMA own")
    (kind,) = select(retyped, "SELECT format_type(atttypid, -1) FROM pg_attribute" + OF_EMAIL)
    for statement in RENAMES:
        select(retyped, f"ALTER {statement.format(kind)}")
        select(retyped, "ALTER TABLE acme.contacts ADD COLUMN mine int")
        select(retyped, "ALTER TABLE acme.contacts DROP COLUMN mine")


def test_locks_of_an_older_version_learn_what_types_there_are(retyped: str) -> None:
    """They told types by name."""
    select(
        retyped,
        'UPDATE sync_platform.locked_tables SET differing = \'{"email": "words"}\''
        " WHERE table_name = 'contacts';"
        " COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version 7.'",
    )
    load(retyped, *people(1), table=replace(CONTACTS, schema="beta", connection="beta-hubspot"))
    select(retyped, "ALTER TABLE acme.contacts ADD COLUMN mine int")


def test_locks_that_a_backup_brought_back_learn_them_with_the_next_sync(retyped: str) -> None:
    """There, the same types have other oids."""
    select(
        retyped,
        "UPDATE sync_platform.locked_tables SET differing = '{\"email\": [1, -1]}'"
        " WHERE table_name = 'contacts'",
    )
    load(retyped, {"id": "0"}, fields=FIELDS[:1])
    select(retyped, "ALTER TABLE acme.contacts ADD COLUMN mine int")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("RENAME email TO mail", "renamed"),
        ("ALTER email TYPE bytea USING ''", r"from the type \w+ to bytea"),
        ("DROP COLUMN email", "dropped"),
    ],
)
def test_it_is_locked_itself(retyped: str, statement: str, said: str) -> None:
    with pytest.raises(REFUSED, match=f"column email of .* {said}"):
        select(retyped, f"ALTER TABLE acme.contacts {statement}")
