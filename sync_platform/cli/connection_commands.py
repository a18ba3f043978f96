"""The commands about connectors and connections."""

import sys

import click

from sync_platform.cli.installation import platform
from sync_platform.cli.shows import listing, show
from sync_platform.cli.typed import filters, names, pair
from sync_platform.engine.ports import Secret
from sync_platform.errors import ConfigurationError, NeedsReauth

SIGN_INS = {
    "OAuth2": "OAuth",
    "ClientCredentials": "client id and secret",
    "JwtBearer": "service account",
    "BearerToken": "token",
    "ApiKey": "API key",
    "BasicAuth": "username and password",
}


@click.command()
@listing
def connectors(as_json: bool) -> None:
    """List the connectors and what each can do."""
    with platform() as it:
        rows = [
            {
                "name": each.name,
                "label": each.label,
                "sign_in": [SIGN_INS[type(way).__name__] for way in each.auth],
                "interval": each.interval.default,
                "two_way": any(obj.writable for obj in each.objects),
                "objects": [obj.name for obj in each.objects],
            }
            for each in it.connectors().values()
        ]
        show(rows, as_json=as_json, empty="There are no connectors.")


@click.command()
@click.argument("connector")
@click.argument("name")
@click.option("--token-stdin", is_flag=True, help="Read the token or key from standard input.")
@click.option("--username", help="Where the vendor wants one beside the token.")
@click.option("--base-url", help="Use this address instead of the vendor's own.")
@click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--schema", help="The schema for its tables; by default the name, with _ for -.")
@click.option("--objects", help="Sync these objects only, comma separated.")
def connect(
    connector: str,
    name: str,
    token_stdin: bool,
    username: str | None,
    base_url: str | None,
    settings: tuple[str, ...],
    schema: str | None,
    objects: str | None,
) -> None:
    """Connect an account of a vendor.

    CONNECTOR is what to connect (see `sync-platform connectors`), NAME what to call it.

    The token is asked for, or read from standard input with --token-stdin. A NAME that is connected
    already gets the new token and keeps its tables, cursors and history.
    """
    given = dict(pair(each) for each in settings)
    with platform() as it:
        label = it.connector(connector).label
        known = any(each.name == name for each in it.connections(connector))
        secret = read_secret(token_stdin, username)
        try:
            if known:
                it.reconnect(name, secret, base_url=base_url)
                click.echo(f"{name} has its new token; tables, cursors and history are kept.")
                return
            made = it.connect(
                connector,
                name,
                secret,
                base_url=base_url,
                settings=given,
                schema=schema,
                objects=names(objects),
            )
        except NeedsReauth as error:
            kept = f"{name} keeps the one it had" if known else f"{name} was not connected"
            raise NeedsReauth(
                f"{label} does not accept this token, so {kept}. Check the token and try again.",
                evidence=error.evidence,
            ) from error
        chosen = ", ".join(each.object for each in made.objects)
        click.echo(f"Connected {name}. Objects: {chosen}.")
        click.echo(f"Tables go to the schema {made.schema}. Start with: sync-platform sync {name}")


def read_secret(stdin: bool, username: str | None) -> Secret:
    """The secret that is piped in or typed; raises ConfigurationError where there is none."""
    token = (sys.stdin.read() if stdin else click.prompt("Token", hide_input=True)).strip()
    if not token:
        raise ConfigurationError("No token was given. Pipe it in, or leave --token-stdin out.")
    return Secret({"token": token} | ({"username": username} if username else {}))


@click.command()
@click.argument("name")
def disconnect(name: str) -> None:
    """Forget a connection; its tables stay.

    Its credentials, cursors and history are gone then.
    """
    with platform() as it:
        it.disconnect(name)
        click.echo(f"{name} is disconnected. Its tables stay where they are.")


@click.command()
@listing
def connections(as_json: bool) -> None:
    """List the connections and how they are."""
    with platform() as it:
        rows = []
        for each in it.connections():
            last = next(iter(it.history(each.name, limit=1)), None)
            rows.append(
                {
                    "name": each.name,
                    "connector": each.connector,
                    "schema": each.schema,
                    "status": each.status.value,
                    "objects": len(each.objects),
                    "last_sync": last.started_at if last else None,
                    "outcome": last.status.value if last else None,
                    "reason": each.status_reason,
                }
            )
    if as_json:
        show(rows, as_json=True, empty="")
        return
    show(
        [{name: row[name] for name in row if name != "reason"} for row in rows],
        as_json=False,
        empty="Nothing is connected. Begin with: sync-platform connect hubspot acme-hubspot",
    )
    for row in rows:
        if row["reason"]:
            click.echo(f"{row['name']}: {row['reason']}")


@click.command()
@click.argument("name")
@click.option("--choose", help="Sync these objects and no others, comma separated.")
@click.option(
    "--filter",
    "typed",
    multiple=True,
    metavar="OBJECT.FILTER=VALUE",
    help="Sync only such records, as in contacts.created_within=90; without a value, all again. "
    "All filters of an object are given together.",
)
@listing
def objects(name: str, choose: str | None, typed: tuple[str, ...], as_json: bool) -> None:
    """List a connection's objects, or choose them.

    A changed filter makes the next sync read its object from the beginning. Rows that no longer
    match stay until a full sync marks them as deleted.
    """
    with platform() as it:
        if choose is not None:
            it.choose_objects(name, names(choose) or [])
        for object_name, wanted in filters(typed).items():
            it.set_filters(name, object_name, wanted)
        rows = [
            {
                "object": state.obj.name,
                "chosen": state.choice is not None,
                "incremental": state.obj.incremental,
                "sees_deletes": state.obj.sees_deletes,
                "writable": state.obj.writable,
                "interval": state.interval,
                "cursor": state.cursor,
                "paused": state.paused,
                "filters": [f"{k}={v}" for k, v in state.choice.filters.items()]
                if state.choice
                else [],
            }
            for state in it.objects(name)
        ]
        show(rows, as_json=as_json, empty=f"{name} has no objects.")
