"""The floor: what one would write in an hour for this one API. No retries, no resuming, no limits,
no drift, no history; its schema is written down here, and a bad value ends it.

    python floor.py DATABASE_URL API_URL PAGE_SIZE [--full]
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import orjson
import psycopg

TABLE = """
    id text PRIMARY KEY, number bigint, name text, email text, phone text, company text,
    title text, street text, city text, postal_code text, country text, website text, status text,
    notes text, amount numeric, score numeric, quantity bigint, active boolean, birthday date,
    created_at timestamptz, updated_at timestamptz, tags jsonb, custom jsonb"""
COLUMNS = [part.split()[0] for part in TABLE.split(",")]
REST = COLUMNS[1:]
MERGE = f"""
    INSERT INTO floor.records ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM staging
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{it} = EXCLUDED.{it}" for it in REST)},
        deleted_at = NULL
    WHERE floor.records.deleted_at IS NOT NULL
       OR ({", ".join(f"floor.records.{it}" for it in REST)})
       IS DISTINCT FROM ({", ".join(f"EXCLUDED.{it}" for it in REST)})"""
GONE = """
    UPDATE floor.records r SET deleted_at = now() WHERE deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM staging s WHERE s.id = r.id)"""


def pages(url: str, size: str, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    params = {"limit": size} | ({"updated_since": since.isoformat()} if since else {})
    with httpx.Client(base_url=url, trust_env=False) as client:
        while True:
            response = client.get("/records", params=params)
            response.raise_for_status()
            body = orjson.loads(response.content)
            yield body["records"]
            if body["next"] is None:
                return
            params = {"limit": size, "cursor": body["next"]}


def sync(database: str, url: str, size: str, full: bool) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS floor")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS floor.records ({TABLE}, deleted_at timestamptz)"
        )
        newest = connection.execute("SELECT max(updated_at) FROM floor.records").fetchone()
        since = newest[0] if newest and not full else None
        connection.execute(f"CREATE TEMP TABLE staging ({TABLE.replace(' PRIMARY KEY', '')})")
        with connection.cursor().copy("COPY staging FROM STDIN") as copy:
            for records in pages(url, size, since):
                for record in records:
                    row = [record.get(column) for column in COLUMNS]
                    row[-2:] = [orjson.dumps(it).decode() for it in row[-2:]]
                    copy.write_row(row)
        connection.execute(MERGE)
        if full:
            connection.execute(GONE)


if __name__ == "__main__":
    database, url, size = sys.argv[1:4]
    sync(database, url, size, full="--full" in sys.argv)
