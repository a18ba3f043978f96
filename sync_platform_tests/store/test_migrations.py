import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from sync_platform.errors import ConfigurationError
from sync_platform.store.database import Database
from sync_platform.store.migrations import MIGRATIONS
from sync_platform.store.migrations.run import settings
from sync_platform.store.tables import metadata
from sync_platform_tests.store.processes import process

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


def statements(database: Database) -> list[str]:
    """What it will have executed, growing."""
    heard: list[str] = []
    event.listen(
        database._engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *rest: heard.append(statement),
    )
    return heard


def test_an_empty_database_gets_all_tables(database: str) -> None:
    empty = Database(database)
    empty.apply_migrations()
    with empty.statement() as reading:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'sync_platform'"
        found = set(reading.scalars(text(query)))
    empty.close()
    assert found == {table.name for table in metadata.tables.values()} | {"alembic_version"}


def test_a_database_that_is_up_to_date_is_asked_one_thing(store: Database) -> None:
    heard = statements(store)
    store.apply_migrations()
    assert len(heard) == 1


def test_the_tables_are_as_sqlalchemy_believes_them_to_be(store: Database) -> None:
    with store.transaction() as transaction:
        context = MigrationContext.configure(
            transaction,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, parents: (
                    kind != "schema" or name == "sync_platform"
                ),
                "version_table_schema": "sync_platform",
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_list_of_migrations_is_that_of_the_files() -> None:
    files = ScriptDirectory.from_config(settings()).walk_revisions()
    assert tuple(reversed([each.revision for each in files])) == MIGRATIONS


def test_processes_that_start_at_once_migrate_once(database: str) -> None:
    with process(MIGRATE, database) as one, process(MIGRATE, database) as two:
        assert [one.hear(), two.hear()] == ["ready", "ready"]
        one.go_on()
        two.go_on()
        assert [one.hear(), two.hear()] == ["migrated", "migrated"]
    again = Database(database)
    heard = statements(again)
    again.apply_migrations()
    again.close()
    assert len(heard) == 1


def test_a_database_that_is_newer_than_we_are_is_refused(store: Database) -> None:
    with store.transaction() as transaction:
        transaction.execute(text("UPDATE sync_platform.alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"'9999'.* a newer one has been here"):
        store.apply_migrations()


def test_a_schema_that_was_made_for_us_is_taken(database: str) -> None:
    given = Database(database)
    with given.transaction() as transaction:
        transaction.execute(text("CREATE SCHEMA sync_platform"))
    given.apply_migrations()
    given.close()
