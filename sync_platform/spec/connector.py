"""What we know of one SaaS API, as one value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from sync_platform.errors import UnknownObject
from sync_platform.spec.api import Api, Json
from sync_platform.spec.auth import Auth
from sync_platform.spec.limits import RateLimit
from sync_platform.spec.objects import ConnectorObject
from sync_platform.spec.requests import Request


def minutes(count: float) -> timedelta:
    """A span of minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """A span of hours."""
    return timedelta(hours=count)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """How often a connection syncs, and within which bounds a person may change that."""

    default: timedelta = minutes(15)
    shortest: timedelta = minutes(5)
    longest: timedelta = hours(24)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value that a setting may have, with the vendor's name for it."""

    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Something that must be known besides the sign-in (a subdomain, a base, an organisation).

    Without `options` and `found_in` the person is asked before signing in. With `options` they
    choose afterwards among what the vendor then lists, one or (`many`) several with commas between;
    where there is only one, it is taken. With `found_in` nobody is asked: it is read from the
    token's answer (`instance_url`) or from the callback's address (`realmId`), there called
    `found_as`.
    """

    name: str
    label: str
    required: bool = True
    default: str | None = None
    description: str | None = None  # a sentence of help
    options: Callable[[Api], Iterable[Option]] | None = None
    many: bool = False
    found_in: Literal["token", "callback"] | None = None
    found_as: str | None = None  # None: called as the setting is


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """An object that one connection has and others may not: a table of a base, a custom object.

    `name` becomes the object's (letters, digits, _), `id` is what survives a rename at the vendor,
    `about` is all (JSON) that `Connector.discovered` needs to make the object out of it again.
    """

    name: str
    label: str = ""
    id: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    chosen: bool = True  # suggested to whoever connects


Meaning = Literal[
    "rate_limited",
    "sign_in_refused",
    "not_permitted",
    "unavailable",
    "too_much",
    "page_forgotten",
    "query_refused",  # what is asked for makes no sense: a filter that a person wrote may be why
    "rejected",  # a change, not the one who sent it
]


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose data it is, as the vendor names it: what `check` found."""

    id: str
    name: str = ""


def no_account(answer: Json) -> Account | None:
    """The answer to `check` does not name the account."""
    return None


def no_meaning(status: int, body: Json) -> Meaning | None:
    """An answer means what its status says."""
    return None


def no_words(body: Json) -> str | None:
    """An answer's own words stand where most vendors have them."""
    return None


def no_misfits(settings: Mapping[str, str], objects: Sequence[str]) -> Iterable[str]:
    """No setting is about objects."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Connector:
    """One SaaS API: where it is, how it is signed and paced, and which objects it has.

    Objects that every account has are in `objects`. Where accounts differ, `discover` lists a
    connection's own, and `discovered` makes each of them out of what was listed: it is called
    often, without the vendor.

    `means` tells what an answer that is no success means (status, decoded body or None) where the
    status alone would mislead, such as a 403 that is a rate limit, or a 429 that is none; None:
    what its status says. Of "too_much" a function that asks for less at once may make something: it
    gets AskedTooMuch. After "page_forgotten" (the token for the next page is not good any more) the
    read begins again. After "query_refused" a person is told of the filters that they wrote.

    `says` finds the sentence for people in such a body, where it is at no usual place (`message`,
    `errors`); None: it is looked for there.

    `misfits` tells which settings are about objects that the connection has not (their names, as it
    calls them, are given), a sentence each: whoever mistypes one would else wait for its effect.
    Settings that objects have of their own begin with `object_settings`, as `tab.` in
    `tab.people.key`: `misfits` looks at them. Any other that is not in `settings` is refused.
    """

    name: str
    label: str
    base_url: str | Callable[[Mapping[str, str]], str]
    auth: Sequence[Auth]
    objects: Sequence[ConnectorObject]
    check: Request | Callable[[Api], Json]  # the cheapest call(s) that prove the credentials
    account: Callable[[Json], Account | None] = no_account  # from the answer to `check`
    limits: Sequence[RateLimit] = ()
    interval: Interval = Interval()
    settings: Sequence[Setting] = ()
    object_settings: str | None = None
    headers: Mapping[str, str] | Callable[[Mapping[str, str]], Mapping[str, str]] = field(
        default_factory=dict
    )  # of every call; a function of the connection's settings
    means: Callable[[int, Json], Meaning | None] = no_meaning
    says: Callable[[Json], str | None] = no_words
    misfits: Callable[[Mapping[str, str], Sequence[str]], Iterable[str]] = no_misfits
    discover: Callable[[Api], Iterable[Discovered]] | None = None
    discovered: Callable[[Discovered], ConnectorObject] | None = None

    def __getitem__(self, name: str) -> ConnectorObject:
        """The object of that name; raises UnknownObject, naming those there are."""
        for obj in self.objects:
            if obj.name == name:
                return obj
        known = ", ".join(obj.name for obj in self.objects)
        raise UnknownObject(f"{self.label} has no object {name!r}. It has: {known}.")

    def having(self, own: Iterable[Discovered]) -> "Connector":
        """This connector with what one connection has beside its objects."""
        if self.discovered is None:
            return self
        return replace(self, objects=[*self.objects, *map(self.discovered, own)])
