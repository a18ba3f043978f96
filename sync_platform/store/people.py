"""People who may sign in, with their passwords as Argon2 hashes."""

import threading
import uuid
from datetime import datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.access import Person, Role, checked_email, checked_password
from sync_platform.errors import Refused, UnknownPerson
from sync_platform.store.database import Database
from sync_platform.store.tables import people

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
        offered = insert(people).values(
            id=uuid.uuid4().hex,
            email=email,
            name=name,
            role=role.value,
            subject=subject,
            created_at=now,
        )
        with self._database.statement() as writing:
            row = writing.execute(
                offered.on_conflict_do_nothing(index_elements=["email"]).returning(people)
            ).first()
        if row is None:
            raise Refused(f"There is a person with the address {email} already.")
        return person_of(row)

    def list(self) -> list[Person]:
        """Everyone, disabled or not, by address."""
        with self._database.statement() as reading:
            return [person_of(r) for r in reading.execute(select(people).order_by(people.c.email))]

    def get(self, id: str) -> Person:
        """The person; raises UnknownPerson."""
        with self._database.statement() as reading:
            row = reading.execute(select(people).where(people.c.id == id)).first()
        if row is None:
            raise UnknownPerson("There is no such person (any more).")
        return person_of(row)

    def by_email(self, email: str) -> Person | None:
        """The person with this address."""
        with self._database.statement() as reading:
            row = reading.execute(select(people).where(people.c.email == email.lower())).first()
        return person_of(row) if row else None

    def by_subject(self, subject: str) -> Person | None:
        """The person that an OpenID provider knows by this: "issuer subject"."""
        with self._database.statement() as reading:
            row = reading.execute(select(people).where(people.c.subject == subject)).first()
        return person_of(row) if row else None

    def tie(self, id: str, subject: str) -> bool:
        """Keep who the person is to an OpenID provider; False where someone else is kept."""
        tied = update(people).where(people.c.id == id, people.c.subject.is_(None))
        with self._database.statement() as writing:
            return writing.execute(tied.values(subject=subject)).rowcount == 1

    def with_password(self, email: str, password: str) -> Person | None:
        """The person, if that is the password; takes as long where there is no such person."""
        with self._database.statement() as reading:
            row = reading.execute(
                select(people).where(
                    people.c.email == email.strip().lower(), people.c.disabled_at.is_(None)
                )
            ).first()
        kept, nobodys = row.password_hash if row else None, self._nobodys_hash()
        if not self._matches(kept or nobodys, password) or row is None or not kept:
            return None
        if self._hasher.check_needs_rehash(kept):  # the library's advice has changed since
            self._keep(row.id, password)
        return person_of(row)

    def set_password(self, id: str, password: str) -> None:
        """Keep a new password; raises ConfigurationError where it is too short."""
        self._keep(id, checked_password(password))

    def seen(self, id: str, now: datetime) -> None:
        """The person signed in."""
        with self._database.statement() as writing:
            writing.execute(update(people).where(people.c.id == id).values(last_seen_at=now))

    def change(
        self, id: str, *, role: Role | None = None, disabled_at: datetime | None = None
    ) -> Person:
        """Give the person a role, disable or (neither) enable them.

        Raises UnknownPerson, or Refused where no admin would be left.
        """
        admins = (
            select(people.c.id)
            .where(people.c.role == Role.ADMIN.value, people.c.disabled_at.is_(None))
            .order_by(people.c.id)
            .with_for_update()
        )
        values: dict[str, Any] = {"role": role.value} if role else {"disabled_at": disabled_at}
        with self._database.transaction() as transaction:
            left = set(transaction.scalars(admins)) - {id}
            if not left and (role is Role.MEMBER or disabled_at is not None):
                raise Refused("No admin would be left. Make another person an admin first.")
            row = transaction.execute(
                update(people).where(people.c.id == id).values(**values).returning(people)
            ).first()
        if row is None:
            raise UnknownPerson("There is no such person (any more).")
        return person_of(row)

    def ready(self) -> bool:
        """Whether there is an admin who can sign in."""
        admins = select(func.count()).where(
            people.c.role == Role.ADMIN.value,
            people.c.disabled_at.is_(None),
            people.c.password_hash.is_not(None) | people.c.subject.is_not(None),
        )
        with self._database.statement() as reading:
            return bool(reading.scalar(admins))

    def _keep(self, id: str, password: str) -> None:
        with AT_ONCE:
            hashed = self._hasher.hash(password)
        with self._database.statement() as writing:
            writing.execute(update(people).where(people.c.id == id).values(password_hash=hashed))

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


def person_of(row: Row[Any]) -> Person:
    """The person that a row of the table tells of."""
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        has_password=row.password_hash is not None,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        disabled_at=row.disabled_at,
    )
