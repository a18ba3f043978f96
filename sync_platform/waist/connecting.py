"""How an account becomes a connection: a person signs in at the vendor or gives a key, what must be
known besides is asked, and only what is proved to work is kept."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.engine.signing_in import (
    SIGN_IN_LASTS,
    Asked,
    Begun,
    Offered,
    SignIn,
    SignInStatus,
    Way,
    asked_after,
    came_back,
    found,
    given,
    scopes_for,
    ways_of,
)
from sync_platform.errors import ConfigurationError, Refused, SyncPlatformError
from sync_platform.spec import Connector, OAuth2
from sync_platform.transport import oauth
from sync_platform.waist import completing, proving, starting, tokens
from sync_platform.waist.clients import oauth_of
from sync_platform.waist.parts import Parts


class Connecting:
    """The way through connecting accounts: begin and finish, or with_secret; then complete.

    `browser` is a random secret that only the one who began knows: a page keeps it in a cookie, the
    terminal in memory. Whoever lacks it gets Refused.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def ways(self, connector: str) -> list[Way]:
        """How one may sign in to this vendor, the suggested way first."""
        it = self._parts.connector(connector)
        has_oauth = any(isinstance(each, OAuth2) for each in it.auth)
        return ways_of(it, client=has_oauth and self._parts.oauth_client(connector) is not None)

    # -- signing in ---------------------------------------------------------------------------

    def begin(
        self,
        connector: str,
        *,
        redirect_uri: str,
        browser: str,
        connection: str | None = None,
        settings: Mapping[str, str] | None = None,
        objects: Sequence[str] | None = None,
        writing: bool = False,
        base_url: str | None = None,
        again: bool = False,
    ) -> Begun:
        """Where to send a person to sign in at the vendor. With `again`, for a connection that
        there is: its settings, address and objects are those of the sign-in, where none are given.

        Raises ConfigurationError where there is no OAuth client or a setting is missing, Refused
        where the vendor has no such sign-in.
        """
        it = self._parts.connector(connector)
        way = oauth_of(it)
        before = starting.before(self._parts, it, connection, again)
        kept = before.settings if before is not None else {}
        if before is not None:
            base_url = base_url or before.base_url
            objects = objects or [each.object for each in before.objects]
        wanted = [*scopes_for(it, objects, writing), *tokens.consented(self._parts, it, before)]
        scopes = list(dict.fromkeys(wanted))
        client = tokens.client_for(self._parts, it, redirect_uri)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        known = given(it, way, settings or {}, kept)
        sign_in = self._new(it, connection, before, known, base_url)
        sign_in = replace(sign_in, redirect_uri=redirect_uri, objects=objects, writing=writing)
        url = oauth.authorization_url(
            way,
            client,
            tokens.endpoints_of(self._parts, sign_in),
            scopes=scopes,
            redirect_uri=redirect_uri,
            state=state,
            verifier=verifier,
        )
        kept = Secret({"verifier": verifier, "scopes": scopes})
        self._parts.sign_ins.add(sign_in, kept, browser=browser, state=state)
        return Begun(sign_in=sign_in.id, url=url)

    def finish(self, params: Mapping[str, str], *, browser: str) -> SignIn:
        """The person is back: `params` are the query of the callback's address.

        Raises Refused (another browser, which changes nothing; used; too late), NotPermitted (the
        person said no), NeedsReauth, ConfigurationError, VendorUnavailable or UnexpectedResponse.
        """
        state = params.get("state")
        if not state:
            raise Refused("This address belongs to no sign-in. Begin again.")
        now = self._parts.clock.now()
        sign_in, kept = self._parts.sign_ins.take(state, browser=browser, now=now)
        it = self._parts.connector(sign_in.connector)
        back = {**sign_in.settings, **came_back(it, params)}
        try:
            sign_in = replace(sign_in, settings=back)  # it may be theirs where the tokens are
            secret, told = tokens.exchanged(self._parts, sign_in, kept, params)
            settings = {**sign_in.settings, **found(it, told, params)}
            wanted = {} if sign_in.again else proving.chosen(it, settings)
            sign_in = replace(sign_in, settings=settings, status=SignInStatus.SIGNED_IN)
            sign_in = proving.settled(self._parts, sign_in, secret, wanted)
        except SyncPlatformError as error:
            self._parts.sign_ins.fail(sign_in.id, str(error))
            raise
        self._parts.sign_ins.signed_in(sign_in, secret)
        return sign_in

    def begun(self, params: Mapping[str, str], *, browser: str) -> SignIn | None:
        """The sign-in that the callback's query belongs to, if this browser began it and has not
        finished it; so that one knows what to begin again where that fails."""
        state = params.get("state")
        return self._parts.sign_ins.begun(state, browser=browser) if state else None

    def with_secret(
        self,
        connector: str,
        secret: Secret,
        *,
        browser: str,
        connection: str | None = None,
        settings: Mapping[str, str] | None = None,
        base_url: str | None = None,
        way: str | None = None,
        again: bool = False,
    ) -> SignIn:
        """A sign-in by a key, a password or a service account, proved. `way` is a Way's name; by
        default the first whose parts the secret has. Nothing is kept of one that does not work.

        Raises ConfigurationError, NeedsReauth, NotPermitted, VendorUnavailable.
        """
        it = self._parts.connector(connector)
        before = starting.before(self._parts, it, connection, again)
        kept = before.settings if before is not None else {}
        if before is not None:
            base_url = base_url or before.base_url
        chosen = proving.way_of(it, self.ways(connector), secret, way or secret.get("auth"))
        known = given(it, chosen.auth, settings or {}, kept)
        secret = proving.typed(chosen, secret, it.label)
        sign_in = self._new(it, connection, before, known, base_url)
        secret, told = tokens.with_access(self._parts, sign_in, chosen.auth, secret)
        known = {**known, **found(it, told, {}, known)}
        sign_in = replace(sign_in, settings=known, status=SignInStatus.SIGNED_IN)
        wanted = {} if again else proving.chosen(it, known)
        sign_in = proving.settled(self._parts, sign_in, secret, wanted)
        self._parts.sign_ins.add(sign_in, secret, browser=browser)
        return sign_in

    def get(self, id: str, *, browser: str) -> SignIn:
        """The sign-in, as it stands."""
        return self._parts.sign_ins.get(id, browser=browser, now=self._parts.clock.now())

    def give_up(self, id: str, *, browser: str) -> None:
        """Forget a sign-in that will not be completed, and its secrets."""
        if self.get(id, browser=browser).status is not SignInStatus.DONE:
            self._parts.sign_ins.fail(id, "It was given up.")

    # -- what is asked after signing in -------------------------------------------------------

    def asks(self, id: str, *, browser: str) -> list[Asked]:
        """What is to be chosen among what the vendor lists, up to the first question that is open;
        what comes after may depend on it."""
        sign_in, secret = self._open(id, browser)
        return proving.questions(self._parts, sign_in, secret, {})[1]

    def answer(self, id: str, settings: Mapping[str, str], *, browser: str) -> SignIn:
        """Choose; several values have commas between. Raises ConfigurationError for what is no
        option. Once nothing is open, the credentials are proved and the account is known."""
        sign_in, secret = self._open(id, browser)
        it = self._parts.connector(sign_in.connector)
        unknown = set(settings) - {each.name for each in asked_after(it)}
        if unknown:
            raise ConfigurationError(f"{it.label} does not ask for {', '.join(sorted(unknown))}.")
        sign_in = proving.settled(self._parts, sign_in, secret, settings)
        self._parts.sign_ins.answered(id, sign_in.settings, sign_in.account)
        return sign_in

    def offered(self, id: str, *, browser: str) -> list[Offered]:
        """What could be synced: each object with its fields, or why the account may not read it."""
        return proving.offers(self._parts, *self._open(id, browser))

    # -- the connection -----------------------------------------------------------------------

    def complete(
        self,
        id: str,
        *,
        browser: str,
        name: str | None = None,
        schema: str | None = None,
        objects: Sequence[ObjectChoice] | None = None,
        interval: timedelta | None = None,
        confirmed: bool = False,
    ) -> Connection:
        """Make the connection; its first sync is due at once. Without `objects`: those that the
        sign-in was begun for, else all that the account may read.

        Of a connection that is signed in anew, only the credentials change, and what the vendor
        tells of its account. Raises OtherAccount where they belong to another account than its
        data, or than what a connection that was removed left in a new one's schema, unless that is
        `confirmed`: then everything is read again. Raises Refused where the connection is another
        one by now than the sign-in was begun for.

        Whoever completes it again, also at the same time, gets the connection that it made.
        """
        try:
            sign_in, secret = self._open(id, browser)
            proving.refuse_open_questions(self._parts, sign_in, secret)
            if sign_in.again:
                return completing.renewed(self._parts, sign_in, secret, confirmed=confirmed)
            return completing.made(
                self._parts,
                sign_in,
                secret,
                name=name,
                schema=schema,
                objects=objects,
                interval=interval,
                confirmed=confirmed,
            )
        except Refused:
            sign_in = self.get(id, browser=browser)
            if sign_in.status is not SignInStatus.DONE:
                raise
            return self._parts.store.get(sign_in.connection or "")

    def by_secret(
        self,
        connector: str,
        secret: Secret,
        *,
        connection: str,
        settings: Mapping[str, str] | None = None,
        base_url: str | None = None,
        schema: str | None = None,
        objects: Sequence[ObjectChoice] | None = None,
        way: str | None = None,
        again: bool = False,
        confirmed: bool = False,
    ) -> Connection:
        """with_secret and complete in one, where nobody is there to be asked."""
        browser = secrets.token_urlsafe(32)
        sign_in = self.with_secret(
            connector,
            secret,
            browser=browser,
            connection=connection,
            settings=settings,
            base_url=base_url,
            way=way,
            again=again,
        )
        try:
            return self.complete(
                sign_in.id, browser=browser, schema=schema, objects=objects, confirmed=confirmed
            )
        except SyncPlatformError:
            self.give_up(sign_in.id, browser=browser)
            raise

    # -- inside -------------------------------------------------------------------------------

    def _new(
        self,
        connector: Connector,
        connection: str | None,
        before: Connection | None,
        settings: Mapping[str, str],
        base_url: str | None,
    ) -> SignIn:
        """`before`: the connection that is signed in anew."""
        now = self._parts.clock.now()
        self._parts.sign_ins.sweep(now)
        return SignIn(
            id=secrets.token_urlsafe(16),
            connector=connector.name,
            connection=connection,
            again=before is not None,
            base_url=base_url,
            settings=settings,
            connection_created_at=before.created_at if before is not None else None,
            begun_at=now,
            expires_at=now + SIGN_IN_LASTS,
        )

    def _open(self, id: str, browser: str) -> tuple[SignIn, Secret]:
        """The sign-in and its secret, with an access token that still lasts a while."""
        now = self._parts.clock.now()
        sign_in, secret = self._parts.sign_ins.open(id, browser=browser, now=now)
        if tokens.lasts(self._parts, secret):
            return sign_in, secret
        return self._parts.sign_ins.rotate(id, partial(tokens.lasting, self._parts))
