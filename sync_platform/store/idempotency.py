"""Answers to calls that may be sent twice, kept for a day under the key that the caller chose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.ports import Clock
from sync_platform.errors import IdempotencyKeyReused, StillUnderWay
from sync_platform.store.database import Database
from sync_platform.store.tables import idempotency_keys

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=5)  # no call takes so long: its process is gone


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the first call was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Idempotency:
    """The keys, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def key(self, caller: str, route: str, key: str) -> "CallKey":
        """One caller's key for one route; another's is another."""
        told = "\0".join((caller, route, key)).encode()
        both = blake2b(told, digest_size=64).digest()
        return CallKey(both[:32], both[32:])

    def begin(self, key: "CallKey", body: bytes) -> Answer | None:
        """The answer to the first call of that key; None where this is the first one, which then
        must `keep` its answer or `forget`.

        Raises IdempotencyKeyReused if that call had another body, and StillUnderWay while it has
        no answer yet.
        """
        now, table = self._clock.now(), idempotency_keys.c
        print_ = blake2b(body, digest_size=16, key=key.salt).digest()
        with self._database.transaction() as transaction:
            transaction.execute(
                delete(idempotency_keys).where(
                    (table.asked_at < now - KEPT)
                    | (table.status.is_(None) & (table.asked_at < now - ABANDONED))
                )
            )
            mine = transaction.execute(
                insert(idempotency_keys)
                .values(hash=key.hash, fingerprint=print_, asked_at=now)
                .on_conflict_do_nothing()
                .returning(table.hash)
            ).first()
            if mine is not None:
                return None
            first = transaction.execute(
                select(idempotency_keys).where(table.hash == key.hash)
            ).first()
        if first is None:  # it came to nothing this very moment
            raise StillUnderWay(retry_after=1)
        if first.fingerprint != print_:
            raise IdempotencyKeyReused
        if first.status is None:
            raise StillUnderWay(retry_after=1)
        return Answer(status=first.status, headers=first.headers, body=first.body)

    def keep(self, key: "CallKey", *, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """This is the answer, also for those who ask again."""
        with self._database.statement() as writing:
            writing.execute(
                update(idempotency_keys)
                .where(idempotency_keys.c.hash == key.hash)
                .values(status=status, headers=dict(headers), body=body)
            )

    def forget(self, key: "CallKey") -> None:
        """The call came to nothing: whoever asks again is the first."""
        with self._database.statement() as writing:
            writing.execute(delete(idempotency_keys).where(idempotency_keys.c.hash == key.hash))


@dataclass(frozen=True)
class CallKey:
    """A key as it is kept, and a salt that is not: bodies may hold secrets, and their prints must
    tell nothing to whoever reads the table."""

    hash: bytes
    salt: bytes = field(repr=False)
