"""What the API holds, in Postgres, so that what a tool loaded can be compared with it in SQL."""

from psycopg import Connection
from psycopg.types.json import Jsonb

from sync_platform_tests.benchmarks import records

NAMES = ", ".join(records.COLUMNS)


class Wrong(Exception):
    """A tool loaded something else than the API holds; its time does not count."""


def write(connection: Connection, count: int) -> None:
    """Keep the truth of each stage, as the tables truth_0 to truth_2."""
    typed = ", ".join(f"{name} {type}" for name, type in records.COLUMNS.items())
    for stage in range(len(records.CHANGES)):
        connection.execute(f"CREATE UNLOGGED TABLE truth_{stage} ({typed})")
        with connection.cursor().copy(f"COPY truth_{stage} FROM STDIN") as copy:
            for each in records.records(count, stage):
                each |= {"tags": Jsonb(each["tags"]), "custom": Jsonb(each["custom"])}
                copy.write_row([each[name] for name in records.COLUMNS])
    connection.commit()


def compare(connection: Connection, relation: str, tool: str, stage: int) -> None:
    """Raises Wrong unless the relation holds exactly the truth, value by value."""
    cast = ", ".join(f"{name}::{type}" for name, type in records.COLUMNS.items())
    missing, extra, rows = connection.execute(
        f"""
        WITH loaded AS (SELECT {cast} FROM {relation})
        SELECT (SELECT count(*) FROM
                (SELECT {NAMES} FROM truth_{stage} EXCEPT SELECT * FROM loaded) a),
               (SELECT count(*) FROM
                (SELECT * FROM loaded EXCEPT SELECT {NAMES} FROM truth_{stage}) b),
               (SELECT count(*) FROM loaded) - (SELECT count(*) FROM truth_{stage})
        """
    ).fetchone() or (0, 0, 0)
    if missing or extra or rows:
        raise Wrong(
            f"{tool} loaded something else than the API holds: {missing} records are missing or "
            f"differ, {extra} are there that should not be, {rows:+d} rows."
        )
