"""Locks that a backup brought back into another cluster, where their relids are those of tables
that people own: these are nobody's but theirs."""

import pytest
from psycopg import errors as pg

from sync_platform_tests.destination.tables import load, meddle, people, select

REFUSED = pg.DependentObjectsStillExist
TELLS = (
    "UPDATE sync_platform.locked_tables SET relid = '{}'::regclass WHERE table_name = 'contacts'"
)


@pytest.mark.parametrize("theirs", ["mine.contacts", "acme.mine"])
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE {}",
        "ALTER TABLE {} ADD COLUMN more int",
        "ALTER TABLE {} DROP COLUMN email",
        "ALTER TABLE {} RENAME email TO mail",
        "ALTER TABLE {} RENAME TO other",
        "ALTER TABLE {} SET SCHEMA public",
        "ALTER TABLE {} DROP CONSTRAINT mine_pkey",
        "ALTER SCHEMA mine RENAME TO my_own",
        "DROP SCHEMA mine CASCADE",
    ],
)
def test_a_lock_that_tells_of_somebodys_table_lets_everything_pass(
    database: str, statement: str, is_there: bool, theirs: str
) -> None:
    load(database, *people(1))
    select(database, "CREATE SCHEMA mine")
    columns = "id text CONSTRAINT mine_pkey PRIMARY KEY, email text, age int"
    select(database, f"CREATE TABLE {theirs} ({columns})")
    select(database, TELLS.format(theirs))
    if not is_there:
        meddle(database, "DROP TABLE acme.contacts")
    select(database, statement.format(theirs))
    assert load(database, *people(2)).created == 1 + (not is_there)
    with pytest.raises(REFUSED, match=r"table acme\.contacts .* dropped"):
        select(database, "DROP TABLE acme.contacts")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("TABLE acme.contacts RENAME TO other", "renamed"),
        ("TABLE acme.contacts SET SCHEMA public", "moved to the schema public"),
        ("SCHEMA acme RENAME TO other", "moved to the schema other"),
    ],
)
def test_a_table_with_other_comments_and_columns_is_still_not_moved(
    database: str, statement: str, said: str
) -> None:
    load(database, *people(1))
    meddle(
        database,
        "COMMENT ON TABLE acme.contacts IS 'ask Ann'; ALTER TABLE acme.contacts DROP email;"
        " ALTER TABLE acme.contacts ADD COLUMN own int",
    )
    with pytest.raises(REFUSED, match=rf"table acme\.contacts .* {said}"):
        select(database, f"ALTER {statement}")
