"""Synced columns are locked by the database itself, until their connection is disconnected."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from sync_platform.destination.lock_triggers import VERSION
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    full,
    load,
    meddle,
    people,
    select,
)

REFUSED = pg.DependentObjectsStillExist
LOCKED = "SELECT table_name FROM sync_platform.locked_tables WHERE table_name !~ '^_'"
OF_A_TYPE = (
    "CREATE TYPE kind AS (id text, email text, age bigint,"
    " _synced_at timestamptz, _deleted_at timestamptz, _deleted_by text);"
    " ALTER TABLE acme.contacts OF kind"
)
OTHERS = replace(CONTACTS, name="companies", label="HubSpot companies")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE acme.contacts DROP COLUMN email", "column email of .* dropped"),
        ("ALTER TABLE acme.contacts ADD COLUMN x int, DROP COLUMN email", "column email"),
        ("ALTER TABLE acme.contacts DROP COLUMN id CASCADE", "column id of .* dropped"),
        ("ALTER TABLE acme.contacts DROP COLUMN _synced_at", "column _synced_at"),
        ("ALTER TABLE acme.contacts RENAME COLUMN email TO mail", "column email of .* renamed"),
        ("ALTER VIEW acme.contacts RENAME COLUMN email TO mail", "column email of .* renamed"),
        ("ALTER TABLE acme.contacts RENAME _deleted_at TO gone", "column _deleted_at"),
        ("ALTER TABLE acme.contacts ALTER age TYPE int", "type bigint to integer"),
        ("ALTER TABLE acme.contacts ALTER email TYPE varchar(99)", r"to character varying\(99\)"),
        ("ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey", "primary key of acme.contacts"),
        (
            "ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey,"
            " ADD COLUMN own serial PRIMARY KEY",
            "primary key of acme.contacts",
        ),
        (
            "CREATE TABLE above (email text); ALTER TABLE acme.contacts INHERIT above;"
            " ALTER TABLE above RENAME email TO mail",
            "column email of .* renamed",
        ),
        (
            "CREATE TABLE top (email text); CREATE TABLE above () INHERITS (top);"
            " ALTER TABLE acme.contacts INHERIT above; ALTER TABLE top RENAME email TO mail",
            "column email of .* renamed",
        ),
        (
            "ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey, ADD PRIMARY KEY (id, age)",
            "primary key of acme.contacts",
        ),
        (
            "ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey,"
            " ADD PRIMARY KEY (id) DEFERRABLE",
            "primary key of acme.contacts",
        ),
        (
            "CREATE COLLATION c (provider = libc, locale = 'C');"
            " ALTER TABLE acme.contacts ALTER email TYPE text COLLATE c; DROP COLLATION c CASCADE",
            "column email of .* dropped",
        ),
        (f"{OF_A_TYPE}; DROP TYPE kind CASCADE", "table acme.contacts .* dropped"),
        (
            f"{OF_A_TYPE}; ALTER TYPE kind RENAME ATTRIBUTE email TO mail CASCADE",
            "email .* renamed",
        ),
        (f"{OF_A_TYPE}; ALTER TYPE kind DROP ATTRIBUTE email CASCADE", "email .* dropped"),
        (
            f"{OF_A_TYPE}; ALTER TYPE kind ALTER ATTRIBUTE age TYPE numeric CASCADE",
            "column age of .* from the type bigint to numeric",
        ),
        ("ALTER TABLE acme.contacts RENAME TO people", "table acme.contacts .* renamed"),
        ("ALTER INDEX acme.contacts RENAME TO people", "table acme.contacts .* renamed"),
        ("ALTER TABLE acme.contacts SET SCHEMA public", "moved to the schema public"),
        ("ALTER SCHEMA acme RENAME TO other", "moved to the schema other"),
        ("DROP TABLE acme.contacts", "table acme.contacts .* dropped"),
        ("CREATE TABLE t (); DROP TABLE t, acme.contacts", "table acme.contacts"),
        ("DROP SCHEMA acme CASCADE", "table acme.contacts .* dropped"),
        ("DROP TABLE acme._columns", r"table acme._columns \(its own books\)"),
        ("ALTER TABLE acme._tables RENAME object TO name", r"column object of .* renamed"),
        ("ALTER TABLE acme._columns DROP column_name", r"column column_name of .* dropped"),
        ("ALTER TABLE acme._rejected ALTER reason TYPE varchar(9)", "from the type text to char"),
    ],
)
def test_what_is_synced_cannot_be_renamed_retyped_or_dropped(
    database: str, statement: str, said: str
) -> None:
    load(database, *people(1))
    with pytest.raises(psycopg.Error, match=said):
        select(database, statement)
    assert select(database, "SELECT email, age FROM acme.contacts") == [("0@example.com", 0)]
    assert load(database, *people(2)).created == 1


def test_the_primary_key_may_be_made_anew_and_tables_above_changed(database: str) -> None:
    load(database, *people(1))
    select(
        database,
        """
        ALTER TABLE acme.contacts DROP CONSTRAINT contacts_pkey,
            ADD CONSTRAINT own_name PRIMARY KEY (id);
        CREATE TABLE above (email text);
        ALTER TABLE acme.contacts INHERIT above;
        ALTER TABLE above ADD COLUMN own int;
        ALTER TABLE above RENAME own TO mine;
        CREATE TYPE kind AS (email text);
        ALTER TYPE kind RENAME ATTRIBUTE email TO mail;
        DROP TYPE kind;
        """,
    )
    assert load(database, *people(2)).created == 1


def test_the_refusal_names_the_connection_and_says_what_to_do(database: str) -> None:
    load(database, *people(1))
    with pytest.raises(REFUSED) as told:
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    assert told.value.diag.message_primary == (
        "The column email of acme.contacts (HubSpot contacts) is kept in sync by the connection "
        "acme-hubspot and cannot be dropped. Disconnect it first, or add a column of your own."
    )


def test_a_column_whose_field_vanished_is_still_locked(database: str) -> None:
    load(database, *people(1))
    load(database, fields=[FIELDS[0]])
    with pytest.raises(REFUSED, match="column email"):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")


def test_syncs_go_on_making_and_widening_columns(database: str) -> None:
    load(database, *people(1))
    load(database, fields=[FIELDS[0], Field("age", "number"), Field("new")])
    for column in ("age", "new"):
        with pytest.raises(REFUSED):
            select(database, f"ALTER TABLE acme.contacts DROP COLUMN {column}")
    load(database, fields=[Field("id"), Field("age", "text")])
    with pytest.raises(REFUSED, match="from the type text to bigint"):
        select(database, "ALTER TABLE acme.contacts ALTER age TYPE bigint USING age::bigint")
    select(database, "ALTER TABLE acme.contacts ADD COLUMN mine int")


def test_who_says_so_may_pass(database: str) -> None:
    load(database, *people(1))
    with psycopg.connect(database) as connection:
        connection.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        connection.execute("ALTER TABLE acme.contacts RENAME TO contacts_2023")
    with pytest.raises(REFUSED):
        select(database, "ALTER TABLE acme.contacts_2023 DROP COLUMN email")
    assert load(database, *people(1)).created == 1
    select(database, "ALTER TABLE acme.contacts_2023 DROP COLUMN email")  # nobody's any more


def test_disconnecting_unlocks_and_keeps_the_rows(database: str) -> None:
    load(database, *people(1))
    load(database, table=replace(CONTACTS, schema="other", connection="other-hubspot"))
    PostgresDestination(database).unlock("acme")
    select(database, "ALTER TABLE acme.contacts RENAME COLUMN email TO mail")
    assert select(database, "SELECT mail FROM acme.contacts") == ["0@example.com"]
    select(database, "DROP SCHEMA acme CASCADE")
    with pytest.raises(REFUSED, match="other-hubspot"):
        select(database, "DROP SCHEMA other CASCADE")


def test_the_platform_unlocks_when_it_disconnects(
    platform: Platform, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    request = SyncRequest(target=Target(acme.name, "contacts"))
    platform.sync(request).run(into=platform.destination)
    drop = "ALTER TABLE acme_hubspot.contacts DROP COLUMN firstname"
    with pytest.raises(REFUSED, match=r"\(HubSpot .*\) is kept in sync by .* acme-hubspot"):
        select(platform.database_url, drop)
    platform.disconnect(acme.name)
    select(platform.database_url, drop)
    assert select(platform.database_url, "SELECT email FROM acme_hubspot.contacts") == [
        "ada@example.com"
    ]


def test_connecting_again_locks_again_in_the_new_connections_name(database: str) -> None:
    load(database, *people(1))
    PostgresDestination(database).unlock("acme")
    load(database, *people(1), table=replace(CONTACTS, connection="acme-2"))
    with pytest.raises(REFUSED, match="connection acme-2"):
        select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    assert select(database, "SELECT obj_description('acme.contacts'::regclass)") == [
        "HubSpot contacts, synced from acme-2"
    ]


def test_who_unlocks_and_a_sync_that_locks_anew_wait_for_each_other_in_turn(database: str) -> None:
    load(database, *people(1))
    line = "UPDATE sync_platform.locked_tables SET label = label WHERE table_name = '{}'"
    select(database, line.format("_tables"))  # now it lies behind the others, and is found there:
    as_they_lie = make_conninfo(
        database, options="-c enable_indexscan=off -c enable_bitmapscan=off"
    )
    waits = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'sync_platform unlock%' AND wait_event_type = 'Lock'"
    )
    with ThreadPoolExecutor(1) as thread, psycopg.connect(database) as syncs:
        syncs.execute(line.format("_tables"))
        unlocking = thread.submit(PostgresDestination(as_they_lie).unlock, "acme")
        while not select(database, waits) and not unlocking.done():
            pass
        syncs.execute(line.format("contacts"))
        syncs.commit()
        unlocking.result()
    assert select(database, LOCKED) == []


def test_a_database_without_locks_can_be_unlocked(database: str) -> None:
    PostgresDestination(database).unlock("acme")


def test_erasing_passes_the_locks_and_leaves_none(database: str) -> None:
    load(database, *people(1))
    PostgresDestination(database).erase("acme")
    assert select(database, "SELECT count(*) FROM sync_platform.locked_tables") == [0]


def test_other_peoples_tables_are_none_of_ours(database: str) -> None:
    load(database, *people(1))
    select(database, "CREATE TABLE acme.mine (id text PRIMARY KEY, email text)")
    for statement in (
        "ALTER TABLE acme.mine RENAME COLUMN email TO mail",
        "ALTER TABLE acme.mine ALTER mail TYPE int USING 0",
        "ALTER TABLE acme.mine DROP CONSTRAINT mine_pkey",
        "ALTER TABLE acme.mine SET SCHEMA public",
        "DROP TABLE public.mine",
        "CREATE TEMP TABLE contacts (email text); ALTER TABLE contacts DROP email",
    ):
        select(database, statement)


@pytest.mark.parametrize(
    "lost",
    [
        "DROP TABLE sync_platform.locked_tables",
        "ALTER TABLE sync_platform.locked_tables DROP COLUMN columns",
        "DROP SCHEMA sync_platform CASCADE",
        "DROP FUNCTION sync_platform.refusal",
    ],
)
def test_locks_that_are_damaged_let_everything_pass(database: str, lost: str) -> None:
    load(database, *people(1))
    select(database, lost)
    select(database, "ALTER TABLE acme.contacts DROP COLUMN email")
    select(database, "DROP SCHEMA acme CASCADE")
    load(database, *people(1))


def test_locks_come_back_with_the_next_sync(database: str) -> None:
    load(database, *people(1))
    select(database, "DROP SCHEMA sync_platform CASCADE")
    load(database, *people(1))
    with pytest.raises(REFUSED):
        select(database, "DROP TABLE acme.contacts")


def test_older_locks_are_replaced_and_newer_ones_left(database: str) -> None:
    load(database, *people(1))
    version = "SELECT obj_description(oid) FROM pg_event_trigger WHERE evtname ~ 'shape'"
    for older, after in ((VERSION - 1, VERSION), (VERSION + 1, VERSION + 1)):
        said = f"COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS 'Version {older}.'"
        select(database, said)
        load(database, *people(1))
        (told,) = select(database, version)
        assert told.startswith(f"Version {after}.")
        assert select(database, LOCKED) == ["contacts"]


@pytest.mark.parametrize(
    "lost", ["TABLE sync_platform.locked_tables", "FUNCTION sync_platform.differing"]
)
def test_a_damaged_table_of_locks_does_not_stop_a_sync(database: str, lost: str) -> None:
    load(database, *people(1))
    select(database, f"DROP {lost}")
    assert load(database, *people(2)).created == 1
    assert load(database, *people(2), fields=[*FIELDS, Field("new")]).created == 0


def test_first_opens_at_the_same_moment_make_the_locks_once(database: str) -> None:
    def first(n: int) -> None:
        load(database, *people(1), table=replace(CONTACTS, schema=f"acme_{n}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(first, range(6)))
    assert select(database, "SELECT count(*) FROM pg_event_trigger") == [2]
    assert select(database, LOCKED) == ["contacts"] * 6


def test_every_role_is_refused_and_none_needs_rights_on_our_schema(database: str) -> None:
    load(database, *people(1))
    with psycopg.connect(database) as connection:
        connection.execute("CREATE ROLE locks_somebody")
        connection.execute("GRANT USAGE ON SCHEMA acme TO locks_somebody")
        connection.execute("ALTER TABLE acme.contacts OWNER TO locks_somebody")
        connection.execute("SET ROLE locks_somebody")
        connection.execute("CREATE TEMP TABLE mine (a int, b int); ALTER TABLE mine DROP b")
        connection.execute("ALTER TABLE acme.contacts ADD COLUMN note text")
        for statement in (
            "ALTER TABLE acme.contacts DROP COLUMN email",
            "DROP OWNED BY CURRENT_ROLE",
        ):
            with pytest.raises(REFUSED), connection.transaction():
                connection.execute(statement)
        connection.rollback()


def test_a_schema_of_ours_that_a_lesser_role_owns_gets_no_locks(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sync_platform.destination")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE locks_lesser")
        try:
            connection.execute("CREATE SCHEMA sync_platform AUTHORIZATION locks_lesser")
            load(database, *people(1))
            assert select(database, "SELECT count(*) FROM pg_event_trigger") == [0]
            assert "belongs to another role" in caplog.text
        finally:
            connection.execute("DROP OWNED BY locks_lesser CASCADE; DROP ROLE locks_lesser")


def test_opening_a_table_that_needs_nothing_is_quick(database: str) -> None:
    destination = PostgresDestination(database)
    fields = [*FIELDS, *(Field(f"field_{n}", label=f"Field {n}") for n in range(300))]
    took = []
    for _ in range(11):
        began = perf_counter()
        with destination.open(CONTACTS, fields, sync="x"):
            took.append(perf_counter() - began)
    assert sorted(took)[5] < 0.1  # seconds; some 0.01 on a quiet machine


def test_a_full_sync_of_a_locked_table_reconciles(database: str) -> None:
    full(database, *people(3))
    load(database, *people(1), table=OTHERS)
    assert full(database, *people(2), sync="f2").deleted == 1
    with pytest.raises(REFUSED, match="HubSpot companies"):
        select(database, "DROP TABLE acme.companies")


def test_erasing_what_is_not_ours_is_refused(database: str) -> None:
    load(database, *people(1))
    meddle(database, "CREATE SCHEMA mine")
    with pytest.raises(ConfigurationError):
        PostgresDestination(database).erase("mine")
