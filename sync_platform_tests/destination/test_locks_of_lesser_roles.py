"""Locks that a superuser's syncs made, where a lesser role syncs from then on: it keeps them, and
unlocks. Where older ones are not for it to keep, it is told what a superuser can do."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import Identifier

from sync_platform.destination.lock_triggers import VERSION
from sync_platform.destination.locks import GRANTS
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, load, meddle, people, select

REFUSED = pg.DependentObjectsStillExist
LINES = "SELECT count(*) FROM sync_platform.locked_tables"
AGE = "SELECT columns ->> 'age' FROM sync_platform.locked_tables WHERE table_name = 'contacts'"
OUTGROWN = [*FIELDS[:2], Field("age", "text")]
OLD = {"id": "0", "email": "0@example.com", "age": "old"}
MAY = (  # which roles other than its owner may use the platform's schema, or anything in it
    "SELECT grantee::regrole::text FROM pg_namespace, aclexplode(nspacl)"
    " WHERE nspname = 'sync_platform' AND grantee <> nspowner"
    " UNION SELECT grantee::regrole::text FROM pg_class, aclexplode(relacl)"
    " WHERE relnamespace = 'sync_platform'::regnamespace AND grantee <> relowner"
)
OPENED = (  # by version 8, to everybody
    "GRANT USAGE ON SCHEMA sync_platform TO PUBLIC;"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON sync_platform.locked_tables TO PUBLIC;"
    " COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version 8.'"
)


@pytest.fixture
def lesser(database: str, limited_database: str) -> Iterator[str]:
    """The url, as a lesser role, of a database whose tables a superuser's sync made and locked, and
    which are that role's by now; the locks are not."""
    load(database, *people(1))
    role = Identifier(str(conninfo_to_dict(limited_database)["user"])).as_string()
    tables: list[str] = select(
        database, "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'acme'"
    )
    owned = ["SCHEMA acme", *(f"TABLE acme.{name}" for name in tables)]
    select(database, "; ".join(f"ALTER {it} OWNER TO {role}" for it in owned))
    yield limited_database
    meddle(database, "DROP SCHEMA IF EXISTS acme CASCADE")


@pytest.fixture
def granted(database: str, lesser: str) -> str:
    """The same, where a superuser has granted that role what it lacks."""
    role = Identifier(str(conninfo_to_dict(lesser)["user"])).as_string()
    select(database, GRANTS % {"role": role})
    return lesser


def made_older(database: str, version: int) -> None:
    """Leave the locks as an older version made them."""
    is_version = f"'Version {version}.'"
    select(database, f"COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS {is_version}")
    if version < 7:
        select(database, "ALTER TABLE sync_platform.locked_tables DROP COLUMN differing")
        select(database, "DROP FUNCTION sync_platform.differing")


def advised(caplog: pytest.LogCaptureFixture) -> str:
    """The statements that the one warning says a superuser can run."""
    (told,) = [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]
    _, statements = told.split("A superuser can ")
    return statements.split(": ", 1)[1]


def test_what_a_lesser_role_changes_stays_locked_as_it_is_then(database: str, granted: str) -> None:
    assert load(granted, OLD, fields=OUTGROWN).updated == 1
    for url, name in ((granted, "mine"), (database, "ours")):
        select(url, f"ALTER TABLE acme.contacts ADD COLUMN {name} int")
        with pytest.raises(REFUSED, match="from the type text to bigint"):
            select(url, "ALTER TABLE acme.contacts ALTER age TYPE bigint USING 0")


def test_a_lesser_role_unlocks(database: str, granted: str) -> None:
    PostgresDestination(granted).unlock("acme")
    assert select(database, LINES) == [0]
    select(granted, "DROP TABLE acme.contacts")


def test_a_lesser_role_unlocks_what_a_connection_left(database: str, granted: str) -> None:
    assert PostgresDestination(granted).unlock_left("acme-hubspot")
    assert not PostgresDestination(granted).unlock_left("acme-hubspot")
    select(granted, "ALTER TABLE acme.contacts DROP COLUMN email")


def test_a_lesser_role_that_erases_leaves_no_locks(database: str, granted: str) -> None:
    PostgresDestination(granted).erase("acme")
    assert select(database, LINES) == [0]


@pytest.mark.parametrize("version", [6, VERSION - 1, VERSION])
def test_who_may_not_keep_them_is_told_what_a_superuser_can_do(
    database: str, lesser: str, caplog: pytest.LogCaptureFixture, version: int
) -> None:
    made_older(database, version)
    assert load(lesser, OLD, fields=OUTGROWN).updated == 1
    assert select(database, AGE) == ["bigint"]
    select(database, advised(caplog))
    load(lesser, OLD, fields=OUTGROWN)
    assert select(database, AGE) == ["text"]
    select(lesser, "ALTER TABLE acme.contacts ADD COLUMN mine int")
    with pytest.raises(REFUSED, match=r"column age of .* dropped"):
        select(lesser, "ALTER TABLE acme.contacts DROP COLUMN age")
    PostgresDestination(lesser).unlock("acme")
    assert select(database, LINES) == [0]


@pytest.mark.parametrize("left", [True, False])
def test_who_may_not_unlock_is_told_what_a_superuser_can_do(
    database: str, lesser: str, caplog: pytest.LogCaptureFixture, left: bool
) -> None:
    if left:
        assert not PostgresDestination(lesser).unlock_left("acme-hubspot")
    else:
        PostgresDestination(lesser).unlock("acme")
    select(database, advised(caplog))
    assert select(database, LINES) == [0]


def test_who_may_not_unlock_erases_all_the_same(
    database: str, lesser: str, caplog: pytest.LogCaptureFixture
) -> None:
    PostgresDestination(lesser).erase("acme")
    assert select(database, "SELECT to_regclass('acme.contacts')") == [None]
    select(database, advised(caplog))
    assert select(database, LINES) == [0]


def test_a_database_where_nobody_locked_anything_is_left_without_a_word(
    limited_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    load(limited_database, *people(1))
    PostgresDestination(limited_database).unlock("acme")
    assert [it for it in caplog.records if it.levelno >= logging.WARNING] == []


def test_a_process_that_found_no_locks_keeps_them_once_there_are_some(
    database: str, limited_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    load(limited_database, *people(1))
    assert select(limited_database, "SELECT to_regclass('sync_platform.locked_tables')") == [None]
    load(database, *people(1), table=replace(CONTACTS, schema="other"))
    load(limited_database, *people(1))
    select(database, advised(caplog))
    load(limited_database, *people(1))
    with pytest.raises(REFUSED, match="is kept in sync"):
        select(limited_database, "ALTER TABLE acme.contacts DROP COLUMN email")
    PostgresDestination(limited_database).erase("acme")  # else its role could not be dropped


def test_the_platforms_schema_is_closed_to_all_others(
    platform: Platform, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    request = SyncRequest(target=Target(acme.name, "contacts"))
    platform.sync(request).run(into=platform.destination)
    assert select(platform.database_url, LINES) == [5]
    assert select(platform.database_url, MAY) == []


def test_what_an_older_version_opened_is_closed_again(database: str) -> None:
    load(database, *people(1))
    select(database, OPENED)
    assert select(database, MAY) == ["-"]
    load(database, *people(1))
    assert select(database, MAY) == []
    with pytest.raises(REFUSED):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
