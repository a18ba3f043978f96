"""Where Dagster keeps what it remembers."""

import psycopg
import pytest

from sync_platform.defs.storage import storage_url
from sync_platform_tests.defs.daemon import Daemon


@pytest.fixture
def database(empty_database: str) -> str:
    """The url of an empty database: Dagster makes its tables in it."""
    return empty_database


def tables(database: str, schema: str) -> set[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    with psycopg.connect(database) as postgres:
        return {name for (name,) in postgres.execute(query, [schema]).fetchall()}


def test_dagsters_tables_are_in_a_schema_of_their_own_of_the_same_database(
    daemon: Daemon, database: str
) -> None:
    daemon.instance.add_dynamic_partitions("hubspot_connections", ["acme-hubspot"])
    assert {"runs", "event_logs", "dynamic_partitions", "bulk_actions"} <= tables(
        database, "dagster"
    )
    assert tables(database, "public") == set()
    with psycopg.connect(database) as postgres:
        found = postgres.execute("SELECT partition FROM dagster.dynamic_partitions").fetchall()
    assert found == [("acme-hubspot",)]


def test_what_dagster_remembers_is_there_again_when_it_is_started_again(
    daemon: Daemon,
) -> None:
    daemon.instance.add_dynamic_partitions("hubspot_connections", ["acme-hubspot"])
    again = daemon.instance.from_ref(daemon.instance.get_ref())
    with again:
        assert list(again.get_dynamic_partitions("hubspot_connections")) == ["acme-hubspot"]


def test_the_webserver_answers_at_once_after_a_restart_of_postgres(
    daemon: Daemon, database: str
) -> None:
    with daemon.instance.from_ref(daemon.instance.get_ref()) as webservers:
        webservers.optimize_for_webserver(statement_timeout=5000, pool_recycle=60, max_overflow=1)
        webservers.add_dynamic_partitions("hubspot_connections", ["acme-hubspot"])
        with psycopg.connect(database, autocommit=True) as postgres:
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert list(webservers.get_dynamic_partitions("hubspot_connections")) == ["acme-hubspot"]
        assert webservers.get_runs() == []


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (
            "postgresql://ann:h%40sh@db:5433/main?sslmode=require",
            "postgresql+psycopg2://ann:h%40sh@db:5433/main"
            "?options=-csearch_path%3Ddagster&sslmode=require",
        ),
        (
            "postgresql://postgres:@/postgres?host=/run/pg",
            "postgresql+psycopg2://postgres:@/postgres"
            "?host=%2Frun%2Fpg&options=-csearch_path%3Ddagster",
        ),
    ],
)
def test_any_address_of_postgres_becomes_one_for_dagsters_driver(given: str, made: str) -> None:
    assert storage_url(given) == made
