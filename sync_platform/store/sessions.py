"""Sign-ins of people to the platform's pages, and the one-time links that lead to the first one.

Only hashes of their tokens are kept: who reads the database cannot sign in with what is there.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, update

from sync_platform.engine.access import OneTimeLink, Person, Session
from sync_platform.store.database import Database
from sync_platform.store.people import person_of
from sync_platform.store.tables import one_time_links, people, sessions

IDLE = timedelta(hours=12)  # a session ends so long after it was last used,
LONGEST = timedelta(days=14)  # and so long after it began
TOUCH = timedelta(minutes=1)  # its use is written so often at most


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
            writing.execute(delete(sessions).where(sessions.c.expires_at <= now))
            writing.execute(
                insert(sessions).values(
                    hash=hash_of(token),
                    person=person.id,
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + IDLE,
                )
            )
        return token

    def get(self, token: str, now: datetime) -> Session | None:
        """The session, now a little longer; None where it is over, or its person disabled."""
        hashed = hash_of(token)
        wanted = (
            select(
                people,
                sessions.c.created_at.label("begun_at"),
                sessions.c.last_seen_at.label("used_at"),
                sessions.c.expires_at,
            )
            .join(people, people.c.id == sessions.c.person)
            .where(
                sessions.c.hash == hashed,
                sessions.c.expires_at > now,
                people.c.disabled_at.is_(None),
            )
        )
        with self._database.statement() as connection:
            row = connection.execute(wanted).first()
            if row is None:
                return None
            expires_at = row.expires_at
            if now - row.used_at >= TOUCH:
                expires_at = min(now + IDLE, row.begun_at + LONGEST)
                connection.execute(
                    update(sessions)
                    .where(sessions.c.hash == hashed)
                    .values(last_seen_at=now, expires_at=expires_at)
                )
        return Session(person=person_of(row), created_at=row.begun_at, expires_at=expires_at)

    def end(self, token: str) -> None:
        """Sign out."""
        with self._database.statement() as writing:
            writing.execute(delete(sessions).where(sessions.c.hash == hash_of(token)))

    def end_all(self, person: str) -> None:
        """Sign the person out everywhere."""
        with self._database.statement() as writing:
            writing.execute(delete(sessions).where(sessions.c.person == person))


class OneTimeLinks:
    """The links, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, person: Person, now: datetime, lasts: timedelta) -> OneTimeLink:
        """A link for the person; the ones before it no longer work."""
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as transaction:
            transaction.execute(delete(one_time_links).where(one_time_links.c.person == person.id))
            transaction.execute(
                insert(one_time_links).values(
                    hash=hash_of(token), person=person.id, expires_at=now + lasts
                )
            )
        return OneTimeLink(person=person, token=token, expires_at=now + lasts)

    def whose(self, token: str, now: datetime) -> Person | None:
        """The person it is for; None where it is used, expired or replaced."""
        wanted = (
            select(people)
            .join(one_time_links, people.c.id == one_time_links.c.person)
            .where(*_works(token, now), people.c.disabled_at.is_(None))
        )
        with self._database.statement() as reading:
            row = reading.execute(wanted).first()
        return person_of(row) if row else None

    def use(self, token: str, now: datetime) -> bool:
        """Whether it still worked; it does not any more."""
        used = update(one_time_links).where(*_works(token, now)).values(used_at=now)
        with self._database.statement() as writing:
            return writing.execute(used).rowcount == 1

    def forget(self, person: str) -> None:
        """The person's links no longer work."""
        with self._database.statement() as writing:
            writing.execute(delete(one_time_links).where(one_time_links.c.person == person))


def _works(token: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        one_time_links.c.hash == hash_of(token),
        one_time_links.c.used_at.is_(None),
        one_time_links.c.expires_at > now,
    )
