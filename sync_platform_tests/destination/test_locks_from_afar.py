"""What reaches a synced table through something else that people have: a table above it, the type
that such a table is of, an extension that it is a member of. It is refused as on the table itself;
what people do to these that leaves the table alone passes."""

import pytest
from psycopg import errors as pg

from sync_platform_tests.destination.tables import load, meddle, people, select

REFUSED = pg.DependentObjectsStillExist
CHANGES = [
    ("RENAME ATTRIBUTE email TO mail CASCADE", "column email of .* renamed"),
    ("ALTER ATTRIBUTE age TYPE numeric CASCADE", "column age of .* from the type bigint to num"),
]
LEAVE_ALONE = (
    "ADD ATTRIBUTE own int CASCADE",
    "RENAME ATTRIBUTE own TO mine CASCADE",
    "ALTER ATTRIBUTE mine TYPE bigint CASCADE",
    "DROP ATTRIBUTE mine CASCADE",
    "RENAME TO sort",
)
MOVABLE = (
    "SELECT name FROM pg_available_extension_versions"
    " WHERE relocatable AND requires IS NULL AND name NOT IN (SELECT extname FROM pg_extension)"
    " ORDER BY name LIMIT 1"
)


@pytest.fixture
def typed(database: str) -> str:
    """A database with a synced table below one of a type, and with another one of that type."""
    load(database, *people(1))
    select(
        database,
        "CREATE TYPE kind AS (email text, age bigint); CREATE TABLE above OF kind;"
        " CREATE TABLE beside OF kind; ALTER TABLE acme.contacts INHERIT above",
    )
    return database


@pytest.fixture
def extension(database: str) -> str:
    """The name of an extension that can be moved, and is in the synced table's schema."""
    load(database, *people(1))
    names: list[str] = select(database, MOVABLE)
    if not names:
        pytest.skip("this server has no extension that can be moved")
    select(database, f"CREATE EXTENSION {names[0]} SCHEMA acme")
    return names[0]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_type_changes_no_table_below_those_of_it(typed: str, change: str, said: str) -> None:
    with pytest.raises(REFUSED, match=said):
        select(typed, f"ALTER TYPE kind {change}")
    assert load(typed, *people(2)).created == 1


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_nor_one_further_below(typed: str, change: str, said: str) -> None:
    select(typed, "CREATE TABLE between () INHERITS (above)")
    select(typed, "ALTER TABLE acme.contacts NO INHERIT above, INHERIT between")
    with pytest.raises(REFUSED, match=said):
        select(typed, f"ALTER TYPE kind {change}")


def test_dropping_the_type_takes_no_table_below_along(typed: str) -> None:
    with pytest.raises(REFUSED, match=r"table acme\.contacts .* dropped"):
        select(typed, "DROP TYPE kind CASCADE")


def test_what_else_becomes_of_the_type_passes(typed: str) -> None:
    for change in LEAVE_ALONE:
        select(typed, f"ALTER TYPE kind {change}")
    assert load(typed, *people(2)).created == 1


def test_a_type_of_tables_that_are_not_synced_changes_as_before(typed: str) -> None:
    select(typed, "ALTER TABLE acme.contacts NO INHERIT above")
    for change, _ in CHANGES:
        select(typed, f"ALTER TYPE kind {change}")
    assert load(typed, *people(2)).created == 1


def test_an_extension_takes_no_synced_table_to_another_schema(
    database: str, extension: str
) -> None:
    select(database, f"ALTER EXTENSION {extension} ADD TABLE acme.contacts")
    with pytest.raises(REFUSED, match=r"table acme\.contacts .* moved to the schema public"):
        select(database, f"ALTER EXTENSION {extension} SET SCHEMA public")
    with pytest.raises(REFUSED, match=r"table acme\.contacts .* dropped"):
        select(database, f"DROP EXTENSION {extension}")
    assert load(database, *people(2)).created == 1


def test_an_extension_without_synced_tables_goes_where_it_likes(
    database: str, extension: str
) -> None:
    select(database, "CREATE TABLE acme.mine (id text PRIMARY KEY, email text)")
    for done in ("ADD TABLE acme.mine", "SET SCHEMA public", "DROP TABLE public.mine"):
        select(database, f"ALTER EXTENSION {extension} {done}")
    for done in ("ADD TABLE acme.contacts", "DROP TABLE acme.contacts", "SET SCHEMA acme"):
        select(database, f"ALTER EXTENSION {extension} {done}")
    select(database, f"DROP EXTENSION {extension}")
    assert load(database, *people(2)).created == 1


def test_who_says_so_may_move_the_extension_with_the_table(database: str, extension: str) -> None:
    select(database, f"ALTER EXTENSION {extension} ADD TABLE acme.contacts")
    meddle(database, f"ALTER EXTENSION {extension} SET SCHEMA public")
    assert select(database, "SELECT count(*) FROM public.contacts") == [1]
