"""A column that somebody gave a type of their own after its field was gone at the vendor: it is
locked as it is then, and keeps nobody from altering the table."""

import pytest
from psycopg import errors as pg

from sync_platform_tests.destination.tables import FIELDS, load, meddle, people, select

REFUSED = pg.DependentObjectsStillExist
OWN = {
    "words": "CREATE DOMAIN words AS text",
    "address": "CREATE TYPE address AS ENUM ('0@example.com')",
}


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
