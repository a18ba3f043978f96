"""Who may use the platform: people with their sessions, and API keys. A file of the waist."""

import hashlib
import ipaddress
from collections.abc import Collection
from datetime import timedelta

from sync_platform.engine.access import (
    ApiKey,
    Caller,
    OneTimeLink,
    Person,
    Role,
    Scope,
    Session,
    caller_of,
    checked_email,
    checked_password,
)
from sync_platform.engine.ports import Clock
from sync_platform.errors import ConfigurationError, NotSignedIn, TooManyAttempts
from sync_platform.settings import Settings
from sync_platform.store.api_keys import ApiKeys
from sync_platform.store.attempts import Attempts
from sync_platform.store.database import Database
from sync_platform.store.people import People
from sync_platform.store.sessions import OneTimeLinks, Sessions
from sync_platform.waist.vouching import vouching

FIRST_ADMIN = "admin@localhost"  # where no address was given; it can never come by OpenID Connect
LINK_LASTS = timedelta(hours=24)
FREE_BY_EMAIL = 5  # failed sign-ins in a row
FREE_BY_ADDRESS = 20  # an office may share one


class Access:
    """People, sessions and keys. Every verb raises StoreUnavailable where the store is away."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._people = People(database)
        self._sessions = Sessions(database)
        self._links = OneTimeLinks(database)
        self._keys = ApiKeys(database)
        self._attempts = Attempts(database)
        # The way through an OpenID provider; None where the settings name none.
        self.openid = vouching(settings, self._people, clock, self.begin_session)

    # -- the first admin, and everyone's first password ----------------------------------------

    def first_link(self) -> str | None:
        """The address of a page that makes the first admin's password; None where an admin can
        sign in already, or will through OpenID Connect."""
        if self._people.ready() or self._settings.openid_admins:
            return None
        return self.admin_link()

    def admin_link(self, email: str | None = None) -> str:
        """The address of a page where this admin (new or known; by default the only one) chooses
        a password, once, within a day. For those who hold the installation's terminal."""
        if email is None:
            admins = [it for it in self.people() if it.role is Role.ADMIN and not it.disabled_at]
            if len(admins) > 1:
                told = ", ".join(it.email for it in admins)
                raise ConfigurationError(f"Several people are admins; say which of {told}.")
            email = admins[0].email if admins else FIRST_ADMIN
        email = checked_email(email)
        person = self._people.by_email(email) or self._people.add(
            email, Role.ADMIN, self._clock.now()
        )
        if person.disabled_at is not None:
            self._people.change(person.id)
        if person.role is not Role.ADMIN:
            self._people.change(person.id, role=Role.ADMIN)
        return self.address_of(self._links.make(person, self._clock.now(), LINK_LASTS))

    def address_of(self, link: OneTimeLink) -> str:
        """The link as the address of a page."""
        return f"{self._settings.public_url}/welcome/{link.token}"

    def whose_link(self, token: str) -> Person:
        """The person that a one-time link is for; raises NotSignedIn where it no longer works."""
        person = self._links.whose(token, self._clock.now())
        if person is None:
            raise NotSignedIn(
                "This link has been used, has expired, or was replaced by a newer one. Ask an "
                "admin for another; on the platform's own machine, `sync-platform admin-link` "
                "prints one."
            )
        return person

    def choose_password(self, token: str, password: str) -> str:
        """Use a one-time link; a new session's token. Other sessions of the person end.

        Raises ConfigurationError where the password is too short, and the link still works then.
        """
        person = self.whose_link(token)
        checked_password(password)
        if not self._links.use(token, self._clock.now()):
            self.whose_link(token)
        return self._new_password(person, password)

    # -- sessions --------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str, *, address: str) -> str:
        """A new session's token. `address` is where the request came from.

        Raises NotSignedIn, the same for an unknown address as for a wrong password, and
        TooManyAttempts.
        """
        name = _key("email", email.strip().lower())
        free = {name: FREE_BY_EMAIL, _key("address", _network(address)): FREE_BY_ADDRESS}
        wait = self._attempts.begin(free, self._clock.now())
        if wait:
            raise TooManyAttempts(
                "Too many sign-ins have failed. Try again in "
                + ("a minute." if wait <= 60 else f"{-(-wait // 60):.0f} minutes."),
                retry_after=wait,
            )
        person = self._people.with_password(email, password)
        if person is None:
            raise NotSignedIn("The e-mail address or the password is wrong.")
        self._attempts.succeeded(name, free)
        return self.begin_session(person)

    def begin_session(self, person: Person) -> str:
        """A new session's token, for a person who has proved who they are."""
        now = self._clock.now()
        self._people.seen(person.id, now)
        return self._sessions.begin(person, now)

    def session(self, token: str) -> Session | None:
        """The session of a token; None where it is over."""
        return self._sessions.get(token, self._clock.now())

    def sign_out(self, token: str) -> None:
        """End the session."""
        self._sessions.end(token)

    def change_password(self, person: Person, old: str, new: str, *, address: str) -> str:
        """Give the person another password; a new session's token, and all others end.

        Raises NotSignedIn where the old one is wrong, TooManyAttempts, ConfigurationError.
        """
        checked_password(new)
        self._sessions.end(self.sign_in(person.email, old, address=address))
        return self._new_password(person, new)

    def _new_password(self, person: Person, password: str) -> str:
        self._people.set_password(person.id, password)
        self._sessions.end_all(person.id)
        self._links.forget(person.id)
        return self.begin_session(person)

    # -- people ----------------------------------------------------------------------------------

    def people(self) -> list[Person]:
        """Everyone, disabled or not, by address."""
        return self._people.list()

    def person(self, id_or_email: str) -> Person:
        """The person of this id or address; raises UnknownPerson."""
        found = self._people.by_email(id_or_email) if "@" in id_or_email else None
        return found or self._people.get(id_or_email)

    def add_person(self, email: str, role: Role, name: str | None = None) -> OneTimeLink:
        """A new person, and the link to hand them; raises Refused where the address is taken."""
        return self.new_link(self._people.add(email, role, self._clock.now(), name=name))

    def new_link(self, person: Person) -> OneTimeLink:
        """Another link for a person who forgot the password, or let the first one expire."""
        if person.disabled_at is not None:
            raise ConfigurationError(f"{person.email} is disabled. Enable the person first.")
        return self._links.make(person, self._clock.now(), LINK_LASTS)

    def set_role(self, id: str, role: Role) -> Person:
        """Raises Refused where no admin would be left."""
        return self._people.change(id, role=role)

    def disable(self, id: str) -> Person:
        """Nobody signs in as this person any more; sessions end at once.

        API keys that the person made stay. Raises Refused where no admin would be left.
        """
        person = self._people.change(id, disabled_at=self._clock.now())
        self._sessions.end_all(id)
        self._links.forget(id)
        return person

    def enable(self, id: str) -> Person:
        """The person may sign in again."""
        return self._people.change(id)

    # -- API keys --------------------------------------------------------------------------------

    def api_keys(self) -> list[ApiKey]:
        """All keys, revoked ones too, newest first."""
        return self._keys.list()

    def make_key(
        self,
        name: str,
        scopes: Collection[Scope],
        schemas: Collection[str] | None = None,
        *,
        by: str,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which is told only now. `schemas`: workspaces; None: all.

        Raises ConfigurationError where name, scopes or workspaces are none.
        """
        name = name.strip()
        if not 1 <= len(name) <= 80:
            raise ConfigurationError("Give the API key a name, of 80 characters at most.")
        if not scopes:
            raise ConfigurationError(f"An API key needs a scope: {', '.join(Scope)}.")
        if schemas is not None and not schemas:
            raise ConfigurationError("Choose the workspaces that the API key is for, or all.")
        if schemas is not None and Scope.ADMIN in scopes:
            raise ConfigurationError(
                "An API key with the scope admin is for all workspaces: it can make other keys."
            )
        return self._keys.make(name, scopes, schemas, by=by, now=self._clock.now())

    def revoke_key(self, id: str) -> ApiKey:
        """End a key, named by its id, hint or name; raises UnknownApiKey, Refused."""
        return self._keys.revoke(id, self._clock.now())

    # -- callers ---------------------------------------------------------------------------------

    def by_session(self, token: str) -> Caller | None:
        """Who asks with this session; None where it is over."""
        session = self.session(token)
        return caller_of(session.person) if session else None

    def by_key(self, text: str) -> Caller | None:
        """Who asks with this API key; None where there is none such."""
        key = self._keys.find(text, self._clock.now())
        if key is None:
            return None
        return Caller(name=f"API key {key.name}", scopes=key.scopes, schemas=key.schemas, key=key)


def _key(kind: str, value: str) -> str:
    """What failed attempts are counted under. Hashed: people type passwords into wrong fields."""
    return f"{kind} {hashlib.sha256(value.encode()).hexdigest()}"


def _network(address: str) -> str:
    """The address; of IPv6 the /64, which is what one household gets."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
