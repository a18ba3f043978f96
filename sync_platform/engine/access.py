"""Who may use the platform, as values: people, API keys, and the caller of one request."""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_platform.errors import ConfigurationError, NotAllowed

SHORTEST_PASSWORD = 12  # characters
LONGEST_PASSWORD = 1024  # what is hashed is bounded, so that a request cannot keep us busy


class Scope(StrEnum):
    """What a caller may do. `admin` includes the others; of those, none includes another."""

    READ = "read"  # see connections, syncs and schema changes
    SYNC = "sync"  # start and cancel syncs
    WRITE = "write"  # connect, change and disconnect connections
    ADMIN = "admin"  # people and API keys, and all of the above


class Role(StrEnum):
    """What a person is."""

    ADMIN = "admin"
    MEMBER = "member"  # may see and sync

    @property
    def scopes(self) -> frozenset[Scope]:
        """What people of this role may do."""
        if self is Role.ADMIN:
            return frozenset(Scope)
        return frozenset({Scope.READ, Scope.SYNC})


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone who may sign in to the platform's own pages."""

    id: str
    email: str  # small letters
    role: Role
    name: str | None = None
    has_password: bool = False  # otherwise by one-time link or OpenID Connect
    created_at: datetime | None = None
    last_seen_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as it is listed; its text is told once, when it is made."""

    id: str
    name: str
    hint: str  # its beginning, to recognize it by
    scopes: frozenset[Scope]
    schemas: frozenset[str] | None  # the workspaces it is for; None: all
    created_at: datetime
    created_by: str | None = None
    last_used_at: datetime | None = None  # to the minute
    revoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: a person, or an API key."""

    name: str  # for records of who asked: an e-mail address, or "API key" and its name
    scopes: frozenset[Scope]
    schemas: frozenset[str] | None = None  # the workspaces that it sees; None: all
    person: Person | None = None
    key: ApiKey | None = None

    def may(self, scope: Scope) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def sees(self, schema: str) -> bool:
        """Whether the workspace is one of its own."""
        return self.schemas is None or schema in self.schemas

    def needs(self, scope: Scope) -> None:
        """Raises NotAllowed where it lacks the scope."""
        if self.may(scope):
            return
        if self.key is not None:
            raise NotAllowed(f"This API key lacks the scope {scope.value!r}. Make one that has it.")
        raise NotAllowed(
            f"{self.name} may not do this: it needs the right {scope.value!r}, which admins have."
        )


@dataclass(frozen=True, kw_only=True)
class Session:
    """A person's sign-in to the platform's pages, as the store has it."""

    person: Person
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class OneTimeLink:
    """A way to choose a password, once. The token is a secret: whoever has it is that person."""

    person: Person
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"OneTimeLink({self.person.email})"


@dataclass(frozen=True, kw_only=True)
class Vouched:
    """Whom an OpenID provider vouches for."""

    subject: str  # "issuer subject": stays, whatever the address becomes
    email: str  # verified
    name: str | None = None


def caller_of(person: Person) -> Caller:
    """The caller that a signed-in person is."""
    return Caller(name=person.email, scopes=person.role.scopes, person=person)


def derived(secret: str, purpose: str) -> str:
    """Another secret, made of this one for one purpose: it tells nothing about it (HMAC-SHA256)."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def checked_email(text: str) -> str:
    """The e-mail address in small letters; raises ConfigurationError where it is none."""
    email = text.strip().lower()
    if len(email) > 254 or not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", email):
        raise ConfigurationError(f"{text.strip()[:80]!r} is not an e-mail address.")
    return email


def checked_password(password: str) -> str:
    """The password, if it is long enough; raises ConfigurationError."""
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"The password must have at least {SHORTEST_PASSWORD} characters. Several words that "
            "do not belong together are easy to remember."
        )
    if len(password) > LONGEST_PASSWORD:
        raise ConfigurationError(f"The password may have {LONGEST_PASSWORD} characters at most.")
    return password


def checked_scopes(names: Collection[str]) -> frozenset[Scope]:
    """The scopes of these names; raises ConfigurationError where there is none such, or none."""
    known = {scope.value for scope in Scope}
    wrong = sorted(set(names) - known)
    if wrong or not names:
        told = f"There is no scope {wrong[0]!r}" if wrong else "An API key needs a scope"
        raise ConfigurationError(f"{told}. There are: {', '.join(Scope)}.")
    return frozenset(Scope(name) for name in names)


FIRST_BLOCK = timedelta(minutes=1)
LONGEST_BLOCK = timedelta(hours=1)


def block_after(failures: int, free: int) -> timedelta:
    """How long nobody may try again after so many failed sign-ins in a row; `free` cost nothing."""
    if failures < free:
        return timedelta(0)
    doublings = min(failures - free, 10)
    return min(FIRST_BLOCK * (1 << doublings), LONGEST_BLOCK)
