"""API keys: only their hashes are kept."""

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from sync_platform.engine.access import ApiKey, Scope
from sync_platform.errors import Refused, UnknownApiKey
from sync_platform.store.database import Database
from sync_platform.store.sessions import hash_of
from sync_platform.store.tables import api_keys

PREFIX = "sp_"  # so that scanners of leaked secrets can know them
TOUCH = timedelta(minutes=1)  # their use is written so often at most


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
        made = insert(api_keys).values(
            id=uuid.uuid4().hex,
            name=name,
            hash=hash_of(text),
            hint=text[: len(PREFIX) + 6],
            scopes=sorted(scope.value for scope in scopes),
            schemas=None if schemas is None else sorted(schemas),
            created_by=by,
            created_at=now,
        )
        with self._database.statement() as writing:
            return _key_of(writing.execute(made.returning(api_keys)).one()), text

    def find(self, text: str, now: datetime) -> ApiKey | None:
        """The key that this is the text of; None where there is none, or it is revoked."""
        if not text.startswith(PREFIX) or len(text) > 100:
            return None
        wanted = select(api_keys).where(
            api_keys.c.hash == hash_of(text), api_keys.c.revoked_at.is_(None)
        )
        with self._database.statement() as connection:
            row = connection.execute(wanted).first()
            if row is None:
                return None
            if row.last_used_at is None or now - row.last_used_at >= TOUCH:
                used = update(api_keys).where(api_keys.c.id == row.id)
                connection.execute(used.values(last_used_at=now))
        return _key_of(row)

    def list(self) -> list[ApiKey]:
        """All keys, revoked ones too, newest first."""
        wanted = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        with self._database.statement() as reading:
            return [_key_of(row) for row in reading.execute(wanted)]

    def revoke(self, id: str, now: datetime) -> ApiKey:
        """End a key. `id` is its id, its hint, or its name where only one has it.

        Raises UnknownApiKey, or Refused where several keys have that name.
        """
        wanted = (api_keys.c.id == id) | (api_keys.c.hint == id) | (api_keys.c.name == id)
        with self._database.transaction() as transaction:
            rows = transaction.execute(
                select(api_keys).where(wanted, api_keys.c.revoked_at.is_(None)).with_for_update()
            ).all()
            if not rows:
                raise UnknownApiKey(f"There is no API key {id!r} that could be revoked.")
            if len(rows) > 1:
                hints = ", ".join(sorted(row.hint for row in rows))
                raise Refused(f"{len(rows)} API keys are called {id!r}: say which of {hints}.")
            row = transaction.execute(
                update(api_keys)
                .where(api_keys.c.id == rows[0].id)
                .values(revoked_at=now)
                .returning(api_keys)
            ).one()
        return _key_of(row)


def _key_of(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        hint=row.hint,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        schemas=None if row.schemas is None else frozenset(row.schemas),
        created_at=row.created_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
