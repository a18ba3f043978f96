"""Everything that was written down somewhere, and the secrets that must not be in it."""

import base64
import json
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
from psycopg import sql

TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2
"""


def forms(secret: str) -> set[str]:
    """The ways in which a secret may stand in a text."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


class Written:
    """What was written, by place. Add whatever a new face writes: pages, answers, mails."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def add(self, place: str, *texts: object) -> None:
        """Texts; of other things, their repr and their str."""
        for each in texts:
            shown = (each,) if isinstance(each, str) else (repr(each), str(each))
            self.texts += [(place, one) for one in shown]

    def add_error(self, place: str, error: BaseException) -> None:
        """An exception as a log or an error page would show it, with all that it came of."""
        self.add(place, "".join(traceback.format_exception(error)), repr(error))
        self.add(f"{place}: evidence", repr(getattr(error, "evidence", None)))

    def add_logs(self, records: Iterable[Any]) -> None:
        """Log records of every level, as they are printed."""
        for record in records:
            self.add(f"log {record.name}", record.getMessage(), repr(record.args))
            if record.exc_info and record.exc_info[1]:
                self.add_error(f"log {record.name}", record.exc_info[1])

    def add_database(self, url: str) -> list[str]:
        """Every column of every table, ours and Dagster's; the tables that were read."""
        with psycopg.connect(url) as postgres:
            tables = postgres.execute(TABLES).fetchall()
            for schema, name in tables:
                query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name))
                cursor = postgres.execute(query)
                columns = [each.name for each in cursor.description or ()]
                for row in cursor:
                    for column, value in zip(columns, row, strict=True):
                        self.texts += [
                            (f"{schema}.{name}.{column}", each) for each in _texts(value)
                        ]
        return [f"{schema}.{name}" for schema, name in tables]

    def add_folder(self, folder: Path, but: Iterable[Path] = ()) -> list[str]:
        """Every file below, except these; the files that were read."""
        left = {each.resolve() for each in but}
        files = [each for each in sorted(folder.rglob("*")) if each.is_file()]
        read = [each for each in files if each.resolve() not in left]
        for file in read:
            self.texts += [(str(file), each) for each in _texts(file.read_bytes())]
        return [str(each) for each in read]

    def leaks(self, secrets: Mapping[str, str]) -> list[str]:
        """Which secret stands where, a line each; empty where all is well."""
        found = set()
        for name, secret in secrets.items():
            assert len(secret) >= 8, f"{name} is too short to be told from other text"
            wanted = forms(secret)
            for place, text in self.texts:
                if any(form in text for form in wanted):
                    found.add(f"{name} in {place}")
        return sorted(found)


def _texts(value: Any) -> Iterator[str]:
    """A value of a column or a file as text, unpacked where it is packed."""
    if not isinstance(value, bytes):
        yield value if isinstance(value, str) else str(value)
        return
    yield value.decode("utf-8", "replace")
    with suppress(zlib.error):
        yield zlib.decompress(value).decode("utf-8", "replace")  # as Dagster keeps snapshots
