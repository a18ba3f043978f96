"""Signing in to the platform's pages through an OpenID provider. A file of the waist."""

import hmac
from collections.abc import Callable, Mapping

from sync_platform.engine.access import Person, Role, Vouched, checked_email, derived
from sync_platform.engine.ports import Clock
from sync_platform.errors import NotAllowed, NotSignedIn
from sync_platform.settings import Settings
from sync_platform.store.people import People
from sync_platform.transport.openid import OpenIdProvider

CALLBACK = "/sign-in/openid/callback"


def vouching(
    settings: Settings, people: People, clock: Clock, begin_session: Callable[[Person], str]
) -> "Vouching | None":
    """The way through the provider that the settings name; None where they name none."""
    if settings.openid_issuer is None or settings.openid_client_id is None:
        return None
    provider = OpenIdProvider(
        settings.openid_issuer,
        settings.openid_client_id,
        settings.openid_client_secret,
        f"{settings.public_url}{CALLBACK}",
        clock,
        allow_http=settings.allow_http,
    )
    return Vouching(provider, settings, people, clock, begin_session)


class Vouching:
    """One provider, and whom of those it vouches for we let in."""

    def __init__(
        self,
        provider: OpenIdProvider,
        settings: Settings,
        people: People,
        clock: Clock,
        begin_session: Callable[[Person], str],
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._people = people
        self._clock = clock
        self._begin_session = begin_session

    def address(self, secret: str) -> str:
        """Where to send a browser that keeps this secret. State, nonce and PKCE's verifier are made
        of it. Raises ConfigurationError, VendorUnavailable, UnexpectedResponse."""
        return self._provider.address(
            state=derived(secret, "state"),
            nonce=derived(secret, "nonce"),
            verifier=derived(secret, "verifier"),
        )

    def sign_in(self, params: Mapping[str, str], secret: str) -> str:
        """A new session's token for the way back from there; `secret` is what the browser kept.

        At the first sign-in a person is made, or found by the address. Raises NotSignedIn where it
        was another browser or the sign-in is not good, NotAllowed where neither domain nor address
        is let in or the person is disabled, and what `address` does.
        """
        state = params.get("state", "").encode()
        if not secret or not hmac.compare_digest(state, derived(secret, "state").encode()):
            raise NotSignedIn("This sign-in was begun in another browser, or long ago. Try again.")
        vouched = self._provider.vouched(
            params, nonce=derived(secret, "nonce"), verifier=derived(secret, "verifier")
        )
        email = checked_email(vouched.email)
        person = self._people.by_subject(vouched.subject) or self._first_time(vouched, email)
        if person.disabled_at is not None:
            raise NotAllowed(f"{person.email} is disabled here. Ask an admin of this platform.")
        if email in self._settings.openid_admins and person.role is not Role.ADMIN:
            person = self._people.change(person.id, role=Role.ADMIN)
        return self._begin_session(person)

    def _first_time(self, vouched: Vouched, email: str) -> Person:
        """The person of that address, made where there is none, and from now on tied to who the
        provider says it is: whoever gets the address later is someone else."""
        admin = email in self._settings.openid_admins
        if not admin and email.rpartition("@")[2] not in self._settings.openid_domains:
            raise NotAllowed(
                f"{email} may not sign in here. Ask an admin of this platform to let the "
                "address's domain in (SYNC_PLATFORM_OIDC_ALLOWED_DOMAINS)."
            )
        person = self._people.by_email(email) or self._people.add(
            email,
            Role.ADMIN if admin else Role.MEMBER,
            self._clock.now(),
            name=vouched.name,
        )
        if not self._people.tie(person.id, vouched.subject):
            raise NotAllowed(
                f"{email} belongs to another account of the sign-in provider. Ask an admin of "
                "this platform to mend that."
            )
        return person
