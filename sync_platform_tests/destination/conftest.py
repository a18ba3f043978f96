from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier


@pytest.fixture
def database(empty_database: str) -> str:
    """The url of an empty database: the destination alone makes what it needs."""
    return empty_database


@pytest.fixture
def limited_database(database: str) -> Iterator[str]:
    """An empty database, as the role that owns it and is no superuser."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    role = f"owner_of_{name}"
    with psycopg.connect(database, autocommit=True) as connection:
        parts = {"role": Identifier(role), "database": Identifier(str(name))}
        connection.execute(SQL("CREATE ROLE {role} LOGIN PASSWORD 'limited'").format(**parts))
        connection.execute(SQL("ALTER DATABASE {database} OWNER TO {role}").format(**parts))
        yield make_conninfo(database, user=role, password="limited")
        connection.execute(SQL("ALTER DATABASE {database} OWNER TO CURRENT_USER").format(**parts))
        connection.execute(SQL("DROP OWNED BY {role} CASCADE").format(**parts))
        connection.execute(SQL("DROP ROLE {role}").format(**parts))
