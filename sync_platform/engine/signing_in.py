"""A person's way through connecting an account, as values: what is asked, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sync_platform.errors import ConfigurationError
from sync_platform.spec import (
    Account,
    ApiKey,
    Auth,
    BasicAuth,
    BearerToken,
    ClientCredentials,
    Connector,
    ConnectorObject,
    Field,
    JwtBearer,
    OAuth2,
    Option,
    Setting,
)

STATE_LASTS = timedelta(minutes=10)  # from leaving for the vendor until coming back
SIGN_IN_LASTS = timedelta(hours=1)  # from the beginning until it is complete


class SignInStatus(StrEnum):
    """How far a sign-in has come."""

    BEGUN = "begun"  # the person is at the vendor
    SIGNED_IN = "signed_in"  # the vendor gave credentials; something may still be asked
    DONE = "done"  # the connection has them
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """One account on its way to being connected. Its secret is only in the store."""

    id: str
    connector: str
    connection: str | None = None  # the name wanted; with `again`, the one that is signed in anew
    again: bool = False
    status: SignInStatus = SignInStatus.BEGUN
    redirect_uri: str | None = None
    base_url: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    objects: Sequence[str] | None = None  # the wanted ones; None: all that are permitted
    writing: bool = False
    account: Account | None = None  # once the vendor told it
    error: str | None = None  # a sentence for people, where it failed
    connection_created_at: datetime | None = None  # with `again`: which of that name it is for
    begun_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A sign-in whose person is to be sent to `url`, the vendor's own page."""

    sign_in: str
    url: str = field(repr=False)  # holds the state


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A setting to choose a value for, among what the vendor lists."""

    setting: Setting
    options: Sequence[Option]
    chosen: Sequence[str] = ()

    @property
    def open(self) -> bool:
        """Whether it must be answered before anything else."""
        return self.setting.required and not self.chosen


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An object that a new connection may sync: its fields, or why the account may not read it."""

    obj: ConnectorObject
    fields: Sequence[Field] = ()
    permitted: bool = True
    reason: str | None = None  # where it is not permitted
    suggested: bool = True  # to choose it, unless the person thinks otherwise


@dataclass(frozen=True, kw_only=True)
class Blank:
    """A part of a secret that a person types or pastes in."""

    name: str
    label: str
    kind: Literal["hidden", "shown", "file"] = "hidden"


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way of signing in that a connector offers; `blanks` is what a person fills in for it."""

    name: str  # the class of the declaration, as in a secret's entry "auth"
    label: str
    auth: Auth
    blanks: Sequence[Blank] = ()
    ready: bool = True  # False: there is no OAuth client for it yet


def ways_of(connector: Connector, *, client: bool) -> list[Way]:
    """The connector's ways, the suggested one first; `client` is whether it has an OAuth client."""
    ways = []
    for auth in connector.auth:
        label = getattr(auth, "label", f"Sign in with {connector.label}")
        ready = client or not isinstance(auth, OAuth2)
        blanks = tuple(_blanks(auth))
        name = type(auth).__name__
        ways.append(Way(name=name, label=label, auth=auth, blanks=blanks, ready=ready))
    return ways


def _blanks(auth: Auth) -> Iterator[Blank]:
    match auth:
        case OAuth2():
            return
        case ClientCredentials():
            yield Blank(name="client_id", label="Client id", kind="shown")
            yield Blank(name="client_secret", label="Client secret")
        case JwtBearer(key_file=None):
            yield Blank(name="private_key", label="Private key (PEM)", kind="file")
        case JwtBearer():
            yield Blank(name="key_file", label="Key file (JSON)", kind="file")
        case BasicAuth(username=username):
            if username is None:
                yield Blank(name="username", label="Username", kind="shown")
            yield Blank(name="token", label=auth.label)
        case BearerToken() | ApiKey():
            yield Blank(name="token", label=auth.label)


def scopes_for(
    connector: Connector, objects: Sequence[str] | None = None, writing: bool = False
) -> list[str]:
    """What to ask consent for: the scopes of the connector's OAuth2, and of these objects (all,
    where none are named) to read and, with `writing`, to write. Each once, in their order."""
    way = next((each for each in connector.auth if isinstance(each, OAuth2)), None)
    wanted = [*way.scopes, *(way.write_scopes if writing else ())] if way else []
    known = {obj.name: obj for obj in connector.objects}
    for name in objects or known:
        if name not in known and connector.discover is not None:
            continue  # one of the account's own: the connector's scopes are for it
        obj = connector[name]
        wanted += [*obj.scopes, *(obj.write_scopes if writing else ())]
    return list(dict.fromkeys(wanted))


def asked_before(connector: Connector, auth: Auth) -> list[Setting]:
    """The settings that a person gives before signing in so. What the token's answer or the
    callback would tell is asked, too, where this way has no such."""
    told: list[str] = []
    if isinstance(auth, OAuth2 | ClientCredentials | JwtBearer):
        told.append("token")
    if isinstance(auth, OAuth2):
        told.append("callback")
    return [
        each
        for each in connector.settings
        if each.options is None and (each.found_in is None or each.found_in not in told)
    ]


def asked_after(connector: Connector) -> list[Setting]:
    """The settings that are chosen after signing in, among what the vendor lists."""
    return [each for each in connector.settings if each.options is not None]


def given(
    connector: Connector,
    auth: Auth,
    settings: Mapping[str, str],
    kept: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The settings with their defaults, over those that the connection has already (`kept`); an
    empty one is taken out. Raises ConfigurationError where a required one is missing, or where
    there is no such setting: among `kept` there may be some of an older connector.
    """
    kept = kept or {}
    asked = {**kept, **settings}
    complete = {name: value.strip() for name, value in asked.items() if value.strip()}
    _refuse_unknown(connector, [name for name in complete if name not in kept])
    for each in asked_before(connector, auth):
        if each.name not in complete and each.default is not None:
            complete[each.name] = each.default
        if each.required and each.name not in complete:
            raise ConfigurationError(
                f"{connector.label} needs the setting {each.name!r}."
                + (f" {each.description}" if each.description else "")
            )
    return complete


def _refuse_unknown(connector: Connector, names: Sequence[str]) -> None:
    """Raise ConfigurationError, naming what there is, for a name that no setting has: nothing would
    ever read its value."""
    known = [each.name for each in connector.settings]
    known += [f"rate_limit.{limit.name}" for limit in connector.limits]
    begins = connector.object_settings
    wrong = [it for it in names if it not in known and not (begins and it.startswith(begins))]
    if wrong:
        there = ", ".join(known) or "none"
        of_objects = f", and those of its objects, which begin with {begins!r}" if begins else ""
        raise ConfigurationError(
            f"{connector.label} has no setting {wrong[0]!r}. There are: {there}{of_objects}. "
            "Correct the name, or leave it out."
        )


def came_back(connector: Connector, callback: Mapping[str, str]) -> dict[str, str]:
    """The settings that the callback's address tells, as far as it does."""
    told = [each for each in connector.settings if each.found_in == "callback"]
    names = {each.name: each.found_as or each.name for each in told}
    return {name: callback[told_as] for name, told_as in names.items() if callback.get(told_as)}


def found(
    connector: Connector,
    told: Mapping[str, object],
    callback: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The settings that the token's answer and the callback's address tell; raises
    ConfigurationError where a required one is in neither, nor `known` from whoever signs in without
    a callback."""
    settings = {}
    for each in connector.settings:
        if each.found_in is None:
            continue
        place: Mapping[str, object] = told if each.found_in == "token" else callback
        value = place.get(each.found_as or each.name)
        if value not in (None, ""):
            settings[each.name] = str(value)
        elif known is not None and each.name in known:
            continue
        elif each.default is not None:
            settings[each.name] = each.default
        elif each.required:
            where = "with the sign-in" if each.found_in == "token" else "on the way back"
            mend = "Begin again; if it stays so, the connector must be mended."
            if known is not None:
                mend = f"Give it as the setting {each.name!r}."
            raise ConfigurationError(
                f"{connector.label} did not tell {each.label!r} {where}, and nothing works without "
                f"it. {mend}"
            )
    return settings


def checked_answer(asked: Asked, answer: str, label: str) -> str | None:
    """The answer to a question, if it is among its options; None where none is given or needed.

    Raises ConfigurationError, listing what can be chosen.
    """
    setting = asked.setting
    values = [each.strip() for each in answer.split(",")] if setting.many else [answer.strip()]
    values = [each for each in dict.fromkeys(values) if each]
    known = {each.value for each in asked.options}
    wrong = [each for each in values if each not in known]
    if wrong or (setting.required and not values):
        said = f"{wrong[0]!r} cannot be chosen" if wrong else "nothing was chosen"
        raise ConfigurationError(
            f"{setting.label} of {label}: {said}. There are: {listed(asked.options)}."
        )
    return ",".join(values) or None


def listed(options: Sequence[Option]) -> str:
    """Options in a sentence: the first ten."""
    more = f" and {len(options) - 10} more" if len(options) > 10 else ""
    return ", ".join(f"{each.value} ({each.label})" for each in options[:10]) + more


def identity(
    connector: Connector, account: Account | None, settings: Mapping[str, str]
) -> str | None:
    """Whose data it is. Where one sign-in reaches several organisations, the chosen one is part of
    it; a choice of several (`many`) is a selection within an account, not another account."""
    parts = [account.id] if account and account.id else []
    for each in asked_after(connector):
        if not each.many and settings.get(each.name):
            parts.append(settings[each.name])
    return ":".join(parts) or None
