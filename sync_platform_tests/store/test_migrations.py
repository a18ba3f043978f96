"""Migrations: of an empty database, by several at once, and of one with content."""

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet
from psycopg.conninfo import make_conninfo

from sync_platform.engine.activity import FullSyncs
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.overview import Condition
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform.store.addresses import conninfo
from sync_platform.store.database import Database
from sync_platform.store.migrations import MIGRATIONS
from sync_platform.store.migrations.run import MIGRATING, begun
from sync_platform.store.migrations.run import settings as alembic_settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.imports import HOUSE
from sync_platform_tests.store.processes import process
from sync_platform_tests.store.statements_heard import heard

MIGRATE = """
import sys
from sync_platform.store.database import Database
database = Database(sys.argv[1])
print("ready", flush=True)
input()
database.apply_migrations()
database.close()
print("migrated", flush=True)
"""

UP_TO_DATE = """
import sys
from pathlib import Path
from sync_platform.platform import Platform
from sync_platform.settings import Settings
platform = Platform(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]))
assert platform.connections() == []
platform.close()
print(sorted({"alembic", "sqlalchemy"} & set(sys.modules)))
"""


@pytest.fixture
def database(empty_database: str) -> str:
    """The url of an empty database, to be migrated here."""
    return empty_database


def test_the_tables_that_there_are_and_those_that_the_store_speaks_of_are_the_same(
    store: Database,
) -> None:
    """A table that nobody reads or writes is a mistake."""
    with store.statement() as session:
        tables = session.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'sync_platform'"
        )
        there = {row["tablename"] for row in tables}
    sources = "".join(file.read_text("utf-8") for file in HOUSE.glob("store/*.py"))
    assert there == set(re.findall(r"(?:FROM|JOIN|INTO|UPDATE)\s+sync_platform\.(\w+)", sources))


def test_a_database_that_is_up_to_date_is_asked_one_thing(store: Database) -> None:
    sent = heard(store)
    store.apply_migrations()
    assert len(sent) == 1


def test_a_process_that_finds_all_tables_loads_neither_alembic_nor_sqlalchemy(
    store: Database, tmp_path: Path
) -> None:
    """They are a third of a command's start."""
    with process(UP_TO_DATE, str(tmp_path), store.url) as command:
        assert command.hear() == "[]"


def test_the_list_of_migrations_is_that_of_the_files() -> None:
    files = ScriptDirectory.from_config(alembic_settings()).walk_revisions()
    assert tuple(reversed([each.revision for each in files])) == MIGRATIONS


def test_processes_that_start_at_once_migrate_once(database: str) -> None:
    with process(MIGRATE, database) as one, process(MIGRATE, database) as two:
        assert [one.hear(), two.hear()] == ["ready", "ready"]
        one.go_on()
        two.go_on()
        assert [one.hear(), two.hear()] == ["migrated", "migrated"]
    again = Database(database)
    sent = heard(again)
    again.apply_migrations()
    again.close()
    assert len(sent) == 1


def test_who_waited_for_another_to_migrate_sees_it_whatever_the_servers_default(
    database: str,
) -> None:
    strict = make_conninfo(database, options="-c default_transaction_isolation=serializable")
    waiting = """
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with process(MIGRATE, strict) as one, process(MIGRATE, strict) as two:
        assert [one.hear(), two.hear()] == ["ready", "ready"]
        with psycopg.connect(database) as before:
            before.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATING,))
            one.go_on()
            two.go_on()
            while before.execute(waiting).rowcount < 2:
                pass
        assert [one.hear(), two.hear()] == ["migrated", "migrated"]


def test_a_database_that_is_newer_than_we_are_is_refused(store: Database) -> None:
    with store.statement() as session:
        session.execute("UPDATE sync_platform.alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"'9999'.* a newer one has been here"):
        store.apply_migrations()


def test_a_schema_that_was_made_for_us_is_taken(database: str) -> None:
    given = Database(database)
    with given.statement() as session:
        session.execute("CREATE SCHEMA sync_platform")
    given.apply_migrations()
    given.close()


# A database of the first version, as that version's own code left it.
FIRST_VERSION = """
    INSERT INTO sync_platform.connections
            (name, connector, schema, status, status_reason, base_url, settings, interval,
             account_id, resumed_at, created_at)
        VALUES
            ('acme-hubspot', 'hubspot', 'acme_hubspot', 'active', NULL, %(address)s,
             '{"rate_limit.burst": "unlimited", "rate_limit.search": "unlimited"}', '30 minutes',
             '24117733', '2026-10-02 09:00+00', '2026-10-01 08:00+00'),
            ('beta-hubspot', 'hubspot', 'beta', 'paused', 'Paused by hand.', NULL, '{}', NULL,
             NULL, NULL, '2026-10-01 08:30+00');
    INSERT INTO sync_platform.connection_objects
            (connection, object, position, interval, filters, resumed_at)
        VALUES
            ('acme-hubspot', 'contacts', 0, NULL, '{"created_within": "36500"}', NULL),
            ('acme-hubspot', 'owners', 1, '2 hours', '{}', '2026-10-03 09:00+00'),
            ('beta-hubspot', 'deals', 0, NULL, '{}', NULL);
    INSERT INTO sync_platform.credentials (connection, secret, version, updated_at)
        VALUES
            ('acme-hubspot', %(acme)s, 3, '2026-10-01 08:00+00'),
            ('beta-hubspot', %(beta)s, 1, '2026-10-01 08:30+00');
    INSERT INTO sync_platform.cursors (connection, object, cursor, updated_at)
        VALUES ('acme-hubspot', 'contacts', '2026-11-01 00:00+00', '2026-11-01 00:01+00');
    INSERT INTO sync_platform.catalogs (connection, object, fields, vanished, found_at)
        VALUES
            ('acme-hubspot', 'contacts',
             '[{"name": "email", "label": "Email", "description": "Email of the record."},
               {"name": "hs_object_id", "type": "integer", "label": "Record ID",
                "read_only": true}]',
             '{"fax": {"name": "fax", "label": "Fax"}}', '2026-10-01 08:00+00');
    INSERT INTO sync_platform.schema_changes
            (connection, object, field, kind, before, after, found_at)
        VALUES ('acme-hubspot', 'contacts', 'fax', 'vanished', 'text', NULL, '2026-10-05 08:00+00');
    INSERT INTO sync_platform.syncs
            (id, connection, object, mode, since, until, status, started_at, heartbeat_at,
             finished_at, fetched, created, updated, calls, bytes, pages, error, error_code,
             evidence, run_id, automatic)
        VALUES
            ('01a1fdf953787f4b433173b37a373965', 'acme-hubspot', 'contacts', 'incremental', NULL,
             '2026-11-01 00:00+00', 'succeeded', '2026-11-01 00:00+00', '2026-11-01 00:01+00',
             '2026-11-01 00:01+00', 20, 15, 5, 2, 16361, 2, NULL, NULL, NULL, 'run-1', true),
            ('01a1fdf9552d6fcb54ec3b7bb26c29e1', 'acme-hubspot', 'owners', 'full', NULL, NULL,
             'failed', '2026-11-01 00:02+00', '2026-11-01 00:02+00', '2026-11-01 00:02+00', 0, 0, 0,
             1, 210, 0, 'HubSpot does not answer.', 'vendor_unavailable', '{"status": 503}', NULL,
             false);
    INSERT INTO sync_platform.sync_targets
            (connection, object, last_started_at, last_full_started_at)
        VALUES
            ('acme-hubspot', 'contacts', '2026-11-01 00:00+00', '2026-10-31 03:00+00'),
            ('acme-hubspot', 'owners', '2026-11-01 00:02+00', NULL);
    INSERT INTO sync_platform.quotas (connection, name, calls, seconds, tokens, filled_at)
        VALUES ('acme-hubspot', 'burst', 190, 10, 19, '2026-11-01 00:01+00')
"""


def migrate_to_the_first(database: str) -> None:
    """The tables as the first version had them."""
    with begun(conninfo(database)) as connection:
        connection.exec_driver_sql("CREATE SCHEMA sync_platform")
        at_first = alembic_settings()
        at_first.attributes["connection"] = connection
        command.upgrade(at_first, "0001")


@pytest.fixture
def first_version(settings: Settings, hubspot: HubSpot) -> Settings:
    """An installation whose database is at the first migration, with content."""
    settings.home.mkdir(parents=True)
    key = Fernet.generate_key()
    (settings.home / "keys").write_bytes(key + b"\n")
    (settings.home / "keys").chmod(0o600)
    assert settings.database_url is not None
    migrate_to_the_first(settings.database_url)
    secrets = {
        name: Fernet(key).encrypt(json.dumps({"token": token}).encode())
        for name, token in (("acme", "sandbox-token"), ("beta", "beta-token"))
    }
    old = Database(settings.database_url)
    with old.transaction() as session:
        for each in FIRST_VERSION.split(";\n"):
            session.execute(each, {**secrets, "address": hubspot.url})
    old.close()
    return settings


def test_a_database_of_the_first_version_keeps_all_it_knows(first_version: Settings) -> None:
    with closing(Platform(first_version)) as platform:
        acme, beta = platform.connections()
        assert (acme.name, acme.schema, acme.account_id) == (
            "acme-hubspot", "acme_hubspot", "24117733",
        )  # fmt: skip
        assert (acme.interval, acme.label, acme.title) == (
            timedelta(minutes=30), None, "acme-hubspot",
        )  # fmt: skip
        contacts, owners = acme.objects
        assert (contacts.object, contacts.filters) == ("contacts", {"created_within": "36500"})
        assert (owners.object, owners.interval) == ("owners", timedelta(hours=2))
        assert (beta.status, beta.status_reason) == (ConnectionStatus.PAUSED, "Paused by hand.")
        assert platform.credentials.read("acme-hubspot") == {"token": "sandbox-token"}
        assert platform.credentials.read("beta-hubspot") == {"token": "beta-token"}
        assert platform.cursors.of("acme-hubspot") == {
            "contacts": datetime(2026, 11, 1, tzinfo=UTC)
        }
        assert [it.status.value for it in platform.history("acme-hubspot")] == [
            "failed", "succeeded",
        ]  # fmt: skip
        known = platform.past.activity()[Target("acme-hubspot", "contacts")]
        assert known.fulls == FullSyncs(well_at=known.last_full_started_at)
        (change,) = platform.schema_changes("acme-hubspot")
        assert (change.field, change.kind) == ("fax", "vanished")
        fields = platform.catalogs.fields(Target("acme-hubspot", "contacts"))
        assert fields is not None
        assert [(it.name, it.type, it.read_only) for it in fields] == [
            ("email", "text", False),
            ("hs_object_id", "integer", True),
        ]


def test_a_database_of_the_first_version_works_as_a_new_one_does(
    first_version: Settings, hubspot: HubSpot
) -> None:
    hubspot.add("contacts", email="ada@example.com")
    with closing(Platform(first_version, clock=HastyClock())) as platform:
        (due,) = platform.due()
        assert set(due.objects) == {"contacts", "owners"}
        for each in due.objects:
            request = SyncRequest(Target("acme-hubspot", each), automatic=True)
            result = platform.sync(request).run(into=platform.destination)
            assert result.error is None
        assert platform.due() == []
        full = SyncRequest(Target("acme-hubspot", "contacts"), mode=SyncMode.FULL)
        assert platform.sync(full).run(into=platform.destination).counts.fetched == 1
        found = platform.read_frame(Target("acme-hubspot", "contacts"), columns=["email"])
        assert list(found["email"]) == ["ada@example.com"]
        renamed = platform.adjust("acme-hubspot", label="Acme")
        assert renamed.title == "Acme"
        platform.reconnect("acme-hubspot", Secret({"token": "sandbox-token"}))
        assert platform.rotate_keys()["credentials"].lost == ()
        assert platform.overviews("acme-hubspot")[0].condition is Condition.HEALTHY
        assert platform.access.admin_link("ann@example.com")
        platform.disconnect("beta-hubspot")
        assert [it.name for it in platform.connections()] == ["acme-hubspot"]
