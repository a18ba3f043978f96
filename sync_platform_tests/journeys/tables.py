"""A look into Postgres, and a hand in it, past the platform."""

from typing import Any

import psycopg

from sync_platform.platform import Platform


def sql(platform: Platform, statement: str) -> list[Any]:
    """The rows that a statement gives, as tuples; none where it gives none."""
    with psycopg.connect(platform.database_url) as postgres:
        cursor = postgres.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []
