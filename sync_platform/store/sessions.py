"""Sign-ins of people to the platform's pages, and the one-time links that lead to the first one.

Only hashes of their tokens are kept: who reads the database cannot sign in with what is there.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from psycopg.sql import SQL

from sync_platform.engine.access import OneTimeLink, Person, Session
from sync_platform.store.database import Database
from sync_platform.store.people import PERSON, person_of
from sync_platform.store.statements import columns

IDLE = timedelta(hours=12)  # a session ends so long after it was last used,
LONGEST = timedelta(days=14)  # and so long after it began
TOUCH = timedelta(minutes=1)  # its use is written so often at most

LIVING = SQL("""
    SELECT {}, sessions.created_at AS begun_at, sessions.last_seen_at AS used_at,
           sessions.expires_at
    FROM sync_platform.sessions JOIN sync_platform.people ON people.id = sessions.person
    WHERE sessions.hash = %s AND sessions.expires_at > %s AND people.disabled_at IS NULL
""").format(columns(PERSON, of="people"))

LINKED = SQL("""
    SELECT {} FROM sync_platform.people
         JOIN sync_platform.one_time_links AS links ON people.id = links.person
    WHERE links.hash = %s AND links.used_at IS NULL AND links.expires_at > %s
      AND people.disabled_at IS NULL
""").format(columns(PERSON, of="people"))


def hash_of(token: str) -> bytes:
    """What is kept of a token. Tokens have 256 random bits, so a quick hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """The sessions, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, person: Person, now: datetime) -> str:
        """A new session's token. Sessions that are over are swept out by the way."""
        token = secrets.token_urlsafe(32)
        with self._database.statement() as writing:
            writing.execute("DELETE FROM sync_platform.sessions WHERE expires_at <= %s", (now,))
            writing.execute(
                """
                INSERT INTO sync_platform.sessions
                       (hash, person, created_at, last_seen_at, expires_at)
                VALUES (%(hash)s, %(person)s, %(now)s, %(now)s, %(expires_at)s)
                """,
                {"hash": hash_of(token), "person": person.id, "now": now, "expires_at": now + IDLE},
            )
        return token

    def get(self, token: str, now: datetime) -> Session | None:
        """The session, now a little longer; None where it is over, or its person disabled."""
        hashed = hash_of(token)
        with self._database.statement() as writing:
            row = writing.execute(LIVING, (hashed, now)).fetchone()
            if row is None:
                return None
            expires_at = row["expires_at"]
            if now - row["used_at"] >= TOUCH:
                expires_at = min(now + IDLE, row["begun_at"] + LONGEST)
                writing.execute(
                    """
                    UPDATE sync_platform.sessions
                    SET last_seen_at = %(now)s, expires_at = %(expires_at)s
                    WHERE hash = %(hash)s
                    """,
                    {"now": now, "expires_at": expires_at, "hash": hashed},
                )
        return Session(person=person_of(row), created_at=row["begun_at"], expires_at=expires_at)

    def end(self, token: str) -> None:
        """Sign out."""
        with self._database.statement() as writing:
            writing.execute("DELETE FROM sync_platform.sessions WHERE hash = %s", (hash_of(token),))

    def end_all(self, person: str) -> None:
        """Sign the person out everywhere."""
        with self._database.statement() as writing:
            writing.execute("DELETE FROM sync_platform.sessions WHERE person = %s", (person,))


class OneTimeLinks:
    """The links, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, person: Person, now: datetime, lasts: timedelta) -> OneTimeLink:
        """A link for the person; the ones before it no longer work."""
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as transaction:
            transaction.execute(
                "DELETE FROM sync_platform.one_time_links WHERE person = %s", (person.id,)
            )
            transaction.execute(
                """
                INSERT INTO sync_platform.one_time_links (hash, person, expires_at)
                VALUES (%s, %s, %s)
                """,
                (hash_of(token), person.id, now + lasts),
            )
        return OneTimeLink(person=person, token=token, expires_at=now + lasts)

    def whose(self, token: str, now: datetime) -> Person | None:
        """The person it is for; None where it is used, expired or replaced."""
        hashed = hash_of(token)
        with self._database.statement() as reading:
            row = reading.execute(LINKED, (hashed, now)).fetchone()
        return person_of(row) if row else None

    def use(self, token: str, now: datetime) -> bool:
        """Whether it still worked; it does not any more."""
        hashed = hash_of(token)
        with self._database.statement() as writing:
            used = writing.execute(
                """
                UPDATE sync_platform.one_time_links SET used_at = %(now)s
                WHERE hash = %(hash)s AND used_at IS NULL AND expires_at > %(now)s
                """,
                {"now": now, "hash": hashed},
            )
            return used.rowcount == 1

    def forget(self, person: str) -> None:
        """The person's links no longer work."""
        with self._database.statement() as writing:
            writing.execute("DELETE FROM sync_platform.one_time_links WHERE person = %s", (person,))
