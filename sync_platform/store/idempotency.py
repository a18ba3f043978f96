"""Answers to calls that may be sent twice, kept for a day under the key that the caller chose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b

from psycopg.types.json import Jsonb

from sync_platform.engine.ports import Clock
from sync_platform.errors import IdempotencyKeyReused, StillUnderWay
from sync_platform.store.database import Database

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
        now = self._clock.now()
        print_ = blake2b(body, digest_size=16, key=key.salt).digest()
        with self._database.transaction() as transaction:
            transaction.execute(
                """
                DELETE FROM sync_platform.idempotency_keys
                WHERE asked_at < %s OR (status IS NULL AND asked_at < %s)
                """,
                (now - KEPT, now - ABANDONED),
            )
            mine = transaction.execute(
                """
                INSERT INTO sync_platform.idempotency_keys (hash, fingerprint, asked_at)
                VALUES (%s, %s, %s)
                ON CONFLICT DO NOTHING
                """,
                (key.hash, print_, now),
            )
            if mine.rowcount:
                return None
            first = transaction.execute(
                """
                SELECT fingerprint, status, headers, body FROM sync_platform.idempotency_keys
                WHERE hash = %s
                """,
                (key.hash,),
            ).fetchone()
        if first is None:  # it came to nothing this very moment
            raise StillUnderWay(retry_after=1)
        if first["fingerprint"] != print_:
            raise IdempotencyKeyReused
        if first["status"] is None:
            raise StillUnderWay(retry_after=1)
        return Answer(status=first["status"], headers=first["headers"], body=first["body"])

    def keep(self, key: "CallKey", *, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """This is the answer, also for those who ask again."""
        told = Jsonb(dict(headers))
        with self._database.statement() as session:
            session.execute(
                """
                UPDATE sync_platform.idempotency_keys
                SET status = %(status)s, headers = %(headers)s, body = %(body)s
                WHERE hash = %(hash)s
                """,
                {"status": status, "headers": told, "body": body, "hash": key.hash},
            )

    def forget(self, key: "CallKey") -> None:
        """The call came to nothing: whoever asks again is the first."""
        with self._database.statement() as session:
            session.execute(
                "DELETE FROM sync_platform.idempotency_keys WHERE hash = %s", (key.hash,)
            )


@dataclass(frozen=True)
class CallKey:
    """A key as it is kept, and a salt that is not: bodies may hold secrets, and their prints must
    tell nothing to whoever reads the table."""

    hash: bytes
    salt: bytes = field(repr=False)
