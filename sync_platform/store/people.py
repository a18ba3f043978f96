"""People who may sign in, with their passwords as Argon2 hashes."""

import threading
import uuid
from datetime import datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from psycopg.sql import SQL

from sync_platform.engine.access import Person, Role, checked_email, checked_password
from sync_platform.errors import Refused, UnknownPerson
from sync_platform.store.database import Database
from sync_platform.store.statements import assignments, columns, inserting

# What `person_of` reads. Named, here as in all statements: one that was prepared as SELECT * fails
# once a newer version's migration has added a column.
PERSON = (
    "id",
    "email",
    "name",
    "role",
    "password_hash",
    "created_at",
    "last_seen_at",
    "disabled_at",
)
PEOPLE = SQL("SELECT {} FROM sync_platform.people ").format(columns(PERSON))
RETURNING = SQL("RETURNING {}").format(columns(PERSON))

AT_ONCE = threading.Semaphore(2)  # a hash takes 64 MB and a core for 0.05 s


class People:
    """The people, in the store. Every method raises StoreUnavailable where it is out of reach."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hasher = PasswordHasher()
        self._nobodys: str | None = None  # a hash to compare with where there is no such person

    def add(
        self,
        email: str,
        role: Role,
        now: datetime,
        *,
        name: str | None = None,
        subject: str | None = None,
    ) -> Person:
        """A new person, without a password; raises Refused where the address is taken."""
        email = checked_email(email)
        offered = {
            "id": uuid.uuid4().hex,
            "email": email,
            "name": name,
            "role": role.value,
            "subject": subject,
            "created_at": now,
        }
        with self._database.statement() as session:
            row = session.execute(
                inserting("people", offered) + SQL("ON CONFLICT (email) DO NOTHING ") + RETURNING,
                offered,
            ).fetchone()
        if row is None:
            raise Refused(f"There is a person with the address {email} already.")
        return person_of(row)

    def list(self) -> list[Person]:
        """Everyone, disabled or not, by address."""
        with self._database.statement() as session:
            return [person_of(row) for row in session.execute(PEOPLE + SQL("ORDER BY email"))]

    def get(self, id: str) -> Person:
        """The person; raises UnknownPerson."""
        with self._database.statement() as session:
            row = session.execute(PEOPLE + SQL("WHERE id = %s"), (id,)).fetchone()
        if row is None:
            raise UnknownPerson("There is no such person (any more).")
        return person_of(row)

    def by_email(self, email: str) -> Person | None:
        """The person with this address."""
        with self._database.statement() as session:
            row = session.execute(PEOPLE + SQL("WHERE email = %s"), (email.lower(),)).fetchone()
        return person_of(row) if row else None

    def by_subject(self, subject: str) -> Person | None:
        """The person that an OpenID provider knows by this: "issuer subject"."""
        with self._database.statement() as session:
            row = session.execute(PEOPLE + SQL("WHERE subject = %s"), (subject,)).fetchone()
        return person_of(row) if row else None

    def tie(self, id: str, subject: str) -> bool:
        """Keep who the person is to an OpenID provider; False where someone else is kept."""
        with self._database.statement() as session:
            tied = session.execute(
                "UPDATE sync_platform.people SET subject = %s WHERE id = %s AND subject IS NULL",
                (subject, id),
            )
            return tied.rowcount == 1

    def with_password(self, email: str, password: str) -> Person | None:
        """The person, if that is the password; takes as long where there is no such person."""
        with self._database.statement() as session:
            row = session.execute(
                PEOPLE + SQL("WHERE email = %s AND disabled_at IS NULL"), (email.strip().lower(),)
            ).fetchone()
        kept, nobodys = row["password_hash"] if row else None, self._nobodys_hash()
        if not self._matches(kept or nobodys, password) or row is None or not kept:
            return None
        if self._hasher.check_needs_rehash(kept):  # the library's advice has changed since
            self._keep(row["id"], password)
        return person_of(row)

    def set_password(self, id: str, password: str) -> None:
        """Keep a new password; raises ConfigurationError where it is too short."""
        self._keep(id, checked_password(password))

    def seen(self, id: str, now: datetime) -> None:
        """The person signed in."""
        with self._database.statement() as session:
            session.execute(
                "UPDATE sync_platform.people SET last_seen_at = %s WHERE id = %s", (now, id)
            )

    def change(
        self, id: str, *, role: Role | None = None, disabled_at: datetime | None = None
    ) -> Person:
        """Give the person a role, disable or (neither) enable them.

        Raises UnknownPerson, or Refused where no admin would be left.
        """
        values: dict[str, Any] = {"role": role.value} if role else {"disabled_at": disabled_at}
        changed = SQL("UPDATE sync_platform.people SET {} WHERE id = %(id)s ")
        with self._database.transaction() as transaction:
            admins = transaction.execute(
                """
                SELECT id FROM sync_platform.people WHERE role = %s AND disabled_at IS NULL
                ORDER BY id
                FOR UPDATE
                """,
                (Role.ADMIN.value,),
            )
            left = {row["id"] for row in admins} - {id}
            if not left and (role is Role.MEMBER or disabled_at is not None):
                raise Refused("No admin would be left. Make another person an admin first.")
            row = transaction.execute(
                changed.format(assignments(values)) + RETURNING, {"id": id, **values}
            ).fetchone()
        if row is None:
            raise UnknownPerson("There is no such person (any more).")
        return person_of(row)

    def ready(self) -> bool:
        """Whether there is an admin who can sign in."""
        with self._database.statement() as session:
            admin = session.execute(
                """
                SELECT id FROM sync_platform.people
                WHERE role = %s AND disabled_at IS NULL
                  AND (password_hash IS NOT NULL OR subject IS NOT NULL)
                LIMIT 1
                """,
                (Role.ADMIN.value,),
            )
            return admin.fetchone() is not None

    def _keep(self, id: str, password: str) -> None:
        with AT_ONCE:
            hashed = self._hasher.hash(password)
        with self._database.statement() as session:
            session.execute(
                "UPDATE sync_platform.people SET password_hash = %s WHERE id = %s", (hashed, id)
            )

    def _nobodys_hash(self) -> str:
        if self._nobodys is None:
            with AT_ONCE:
                self._nobodys = self._hasher.hash(uuid.uuid4().hex)
        return self._nobodys

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            with AT_ONCE:
                return self._hasher.verify(hashed, password[:4096])
        except (Argon2Error, InvalidHashError):
            return False


def person_of(row: dict[str, Any]) -> Person:
    """The person that a row of the table tells of."""
    return Person(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        has_password=row["password_hash"] is not None,
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        disabled_at=row["disabled_at"],
    )
