"""API keys: only their hashes are kept."""

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from psycopg.sql import SQL

from sync_platform.engine.access import ApiKey, Scope
from sync_platform.errors import Refused, UnknownApiKey
from sync_platform.store.database import Database
from sync_platform.store.sessions import hash_of
from sync_platform.store.statements import columns, inserting

PREFIX = "sp_"  # so that scanners of leaked secrets can know them
TOUCH = timedelta(minutes=1)  # their use is written so often at most

KEY = (  # what `_key_of` reads
    "id",
    "name",
    "hint",
    "scopes",
    "schemas",
    "created_at",
    "created_by",
    "last_used_at",
    "revoked_at",
)
KEYS = SQL("SELECT {} FROM sync_platform.api_keys ").format(columns(KEY))
RETURNING = SQL("RETURNING {}").format(columns(KEY))


class ApiKeys:
    """The keys, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self,
        name: str,
        scopes: Collection[Scope],
        schemas: Collection[str] | None,
        *,
        by: str,
        now: datetime,
    ) -> tuple[ApiKey, str]:
        """A new key, and its text, which is not kept."""
        text = PREFIX + secrets.token_urlsafe(32)
        made = {
            "id": uuid.uuid4().hex,
            "name": name,
            "hash": hash_of(text),
            "hint": text[: len(PREFIX) + 6],
            "scopes": sorted(scope.value for scope in scopes),
            "schemas": None if schemas is None else sorted(schemas),
            "created_by": by,
            "created_at": now,
        }
        with self._database.statement() as session:
            [row] = session.execute(inserting("api_keys", made) + RETURNING, made)
        return _key_of(row), text

    def find(self, text: str, now: datetime) -> ApiKey | None:
        """The key that this is the text of; None where there is none, or it is revoked."""
        if not text.startswith(PREFIX) or len(text) > 100:
            return None
        hashed = hash_of(text)
        with self._database.statement() as session:
            row = session.execute(
                KEYS + SQL("WHERE hash = %s AND revoked_at IS NULL"), (hashed,)
            ).fetchone()
            if row is None:
                return None
            if row["last_used_at"] is None or now - row["last_used_at"] >= TOUCH:
                session.execute(
                    "UPDATE sync_platform.api_keys SET last_used_at = %s WHERE id = %s",
                    (now, row["id"]),
                )
        return _key_of(row)

    def list(self) -> list[ApiKey]:
        """All keys, revoked ones too, newest first."""
        with self._database.statement() as session:
            rows = session.execute(KEYS + SQL("ORDER BY created_at DESC, id"))
            return [_key_of(row) for row in rows]

    def revoke(self, id: str, now: datetime) -> ApiKey:
        """End a key. `id` is its id, its hint, or its name where only one has it.

        Raises UnknownApiKey, or Refused where several keys have that name.
        """
        with self._database.transaction() as transaction:
            rows = transaction.execute(
                """
                SELECT id, hint FROM sync_platform.api_keys
                WHERE (id = %(id)s OR hint = %(id)s OR name = %(id)s) AND revoked_at IS NULL
                FOR UPDATE
                """,
                {"id": id},
            ).fetchall()
            if not rows:
                raise UnknownApiKey(f"There is no API key {id!r} that could be revoked.")
            if len(rows) > 1:
                hints = ", ".join(sorted(row["hint"] for row in rows))
                raise Refused(f"{len(rows)} API keys are called {id!r}: say which of {hints}.")
            [row] = transaction.execute(
                SQL("UPDATE sync_platform.api_keys SET revoked_at = %s WHERE id = %s ") + RETURNING,
                (now, rows[0]["id"]),
            )
        return _key_of(row)


def _key_of(row: dict[str, Any]) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        hint=row["hint"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        schemas=None if row["schemas"] is None else frozenset(row["schemas"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
