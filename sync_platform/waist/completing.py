"""The end of a sign-in: a new connection, or new credentials for the one there is."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sync_platform.engine.connections import (
    Connection,
    ConnectionStatus,
    checked_name,
    checked_schema,
)
from sync_platform.engine.ports import ObjectChoice, Secret, VendorApi
from sync_platform.engine.results import Target
from sync_platform.engine.signing_in import SignIn, identity
from sync_platform.errors import NotPermitted, OtherAccount, Refused
from sync_platform.spec import Connector, Discovered, Field
from sync_platform.waist import gate, proving
from sync_platform.waist.choosing import checked_choice, checked_interval, discovered
from sync_platform.waist.parts import Parts

log = logging.getLogger("sync_platform")


def made(
    parts: Parts,
    sign_in: SignIn,
    secret: Secret,
    *,
    name: str | None,
    schema: str | None,
    objects: Sequence[ObjectChoice] | None,
    interval: timedelta | None,
    confirmed: bool = False,
) -> Connection:
    """A new connection, due at once. Objects that the account may not read are left out, unless
    they are asked for by name: then NotPermitted. Raises OtherAccount where its schema holds what
    another account left there, unless that is `confirmed`."""
    name = checked_name(name or sign_in.connection or "")
    schema = checked_schema(schema or name.replace("-", "_"))
    if not confirmed:
        _refuse_another_accounts(parts, sign_in, schema)
    if interval is not None:
        checked_interval(parts.connector(sign_in.connector), interval)
    with proving.line(parts, sign_in, secret) as api:
        it, own = proving.whole(parts.connector(sign_in.connector), api)
        proving.refuse_misfits(it, sign_in.settings)
        choices = {each.object: checked_choice(it, each) for each in objects or ()}
        left = {each.name for each in own if not each.chosen}
        wanted = [each.name for each in it.objects if each.name not in left]
        named = list(choices) or sign_in.objects
        fields = _fields(it, named or wanted, api, all_of_them=bool(named))
    chosen = [choices.get(each) or ObjectChoice(object=each) for each in fields]
    connection = Connection(
        name=name,
        connector=it.name,
        schema=schema,
        base_url=sign_in.base_url,
        settings=sign_in.settings,
        interval=interval,
        objects=chosen,
        account_id=identity(it, sign_in.account, sign_in.settings),
        created_at=parts.clock.now(),
    )
    with parts.database.together():
        # First, as whoever completes it at the same time does; it may have been renewed meanwhile.
        secret = parts.sign_ins.held(sign_in.id)
        connection = parts.store.register(connection)
        parts.credentials.save(name, secret)
        _keep(parts, name, fields, own)
        parts.sign_ins.done(sign_in.id, name)
    return connection


def renewed(parts: Parts, sign_in: SignIn, secret: Secret, *, confirmed: bool) -> Connection:
    """The connection with these credentials: all that they change, or nothing. One that a person
    paused stays paused.

    Raises OtherAccount where they are another account's, unless that is `confirmed`,
    ConfigurationError where settings are about objects that the connection has not, and Refused
    where it is another connection by now than the sign-in was begun for.
    """
    it = parts.connector(sign_in.connector)
    connection = parts.store.get(sign_in.connection or "")
    _refuse_another_connection(sign_in, connection, sign_in.connection_created_at)
    name, account = connection.name, identity(it, sign_in.account, sign_in.settings)
    other = bool(connection.account_id and account and account != connection.account_id)
    if other and not confirmed:
        raise OtherAccount(
            f"This sign-in belongs to account {account}, but {name} holds the data of account "
            f"{connection.account_id}. Sign in as that one, make a new connection, or confirm that "
            "this account takes its place: then everything is read again, and a full sync marks "
            "what only the old account has as deleted."
        )
    if not other:
        proving.refuse_misfits(parts.connector_of(connection), sign_in.settings)
    fields: Mapping[str, Sequence[Field]] = {}
    own: Sequence[Discovered] = ()
    elsewhere = False
    if other:
        with proving.line(parts, sign_in, secret) as api:
            it, own = proving.whole(it, api)
            elsewhere = _address(it, connection) != _address(it, sign_in)
            own = parts.discovered_objects.called(name, own, elsewhere=elsewhere)
            it = parts.connector(sign_in.connector).having(own)
            had = [each.object for each in connection.objects]
            there = [each.name for each in it.objects if each.name in had]
            fields = _fields(it, there, api, all_of_them=False)
    # Together: the secret of one account beside the name and the cursors of another would bring the
    # rows of both into one table.
    with parts.database.together():
        secret = parts.sign_ins.held(sign_in.id)  # as `made` does
        # Then the connection's own row, as who removes it does: or each might wait for the other.
        parts.store.set_settings(name, sign_in.settings)
        _refuse_another_connection(sign_in, parts.store.get(name), connection.created_at)
        parts.store.set_base_url(name, sign_in.base_url)
        parts.credentials.save(name, secret)
        _keep(parts, name, fields, own, another=other, elsewhere=elsewhere)
        if connection.status is not ConnectionStatus.PAUSED:
            gate.resume(parts, name)
        if account:
            # Last: who adds rows of the connection's waits for this, and may hold what was wanted.
            parts.store.set_account(name, account)
        parts.sign_ins.done(sign_in.id, name)
        return parts.store.get(name)


def _refuse_another_connection(
    sign_in: SignIn, connection: Connection, created_at: datetime | None
) -> None:
    """Raise Refused where the connection is not the one that the sign-in was begun for, which was
    made at `created_at` (None: unknown): its secret is for that one's vendor and account alone."""
    if connection.connector == sign_in.connector and created_at in (None, connection.created_at):
        return
    name = connection.name
    raise Refused(
        f"After this sign-in was begun, {name} was disconnected and connected anew (it is a "
        f"connection to {connection.connector} now), so nothing was changed. To sign in anew for "
        f"the {name} that there is now, begin again."
    )


def _refuse_another_accounts(parts: Parts, sign_in: SignIn, schema: str) -> None:
    """Raise OtherAccount where a connection that was removed left another account's rows in the
    schema: they would stay beside the new ones, and nothing would tell them apart."""
    left = parts.left_schemas.get(schema)
    it = parts.connector(sign_in.connector)
    account = identity(it, sign_in.account, sign_in.settings)
    if left is None or (
        left.connector == it.name and (not account or left.account_id in (None, account))
    ):
        return
    if not parts.destination.holds_tables(schema):  # somebody has dropped it
        return
    now, then = _whose(it.name, account), _whose(left.connector, left.account_id)
    raise OtherAccount(
        f"This sign-in belongs to {now}, but the schema {schema} holds the data of {then}, which "
        f"{left.connection} left there when it was disconnected. Choose another name or schema, or "
        "confirm that this account takes its place: then a full sync marks what only the old "
        "account has as deleted."
    )


def _whose(connector: str, account: str | None) -> str:
    return f"{connector} account {account}" if account else f"an account of {connector}"


def _fields(
    connector: Connector, wanted: Sequence[str], api: VendorApi, *, all_of_them: bool
) -> dict[str, Sequence[Field]]:
    """Of these objects; those that the account may not read are left out, or refused."""
    fields: dict[str, Sequence[Field]] = {}
    refused: NotPermitted | None = None
    for each in wanted:
        try:
            fields[each] = discovered(connector, connector[each], api)
        except NotPermitted as error:
            if all_of_them:
                raise
            log.warning("%s: the account may not read %s; left out", connector.label, each)
            refused = error
    if refused and not fields:
        raise refused
    return fields


def _keep(
    parts: Parts,
    name: str,
    fields: Mapping[str, Sequence[Field]],
    own: Sequence[Discovered],
    *,
    another: bool = False,
    elsewhere: bool = False,
) -> None:
    """The fields, and the objects of its own; of `another` account as the store keeps these, also
    where it has none: what the one before had is not there any more."""
    if own or another:
        parts.discovered_objects.save(name, own, another=another, elsewhere=elsewhere)
    for each, known in fields.items():
        parts.catalogs.save(Target(name, each), known)


def _address(connector: Connector, of: Connection | SignIn) -> str:
    """Where its account is asked. One with an address of its own (an instance) has ids of its own:
    Salesforce counts them in each org; at one address for all, an id means the same to everyone."""
    given = of.base_url or connector.base_url
    return given(of.settings) if callable(given) else given
