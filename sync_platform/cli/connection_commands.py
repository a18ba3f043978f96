"""The commands about connectors and connections."""

from dataclasses import asdict

import click

from sync_platform.cli.installation import platform
from sync_platform.cli.shows import change_rows, listing, show
from sync_platform.cli.typed import filters, names
from sync_platform.engine.results import SchemaChange

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
                # None where only a connected account tells which objects there are.
                "two_way": any(obj.writable for obj in each.objects) if each.objects else None,
                "objects": [obj.name for obj in each.objects],
            }
            for each in it.connectors().values()
        ]
        show(rows, as_json=as_json, empty="There are no connectors.")


@click.command()
@click.argument("name")
def disconnect(name: str) -> None:
    """Forget a connection; its tables stay.

    Its credentials, cursors and history are gone then. Done again where it was interrupted, it
    unlocks what is still locked.
    """
    with platform() as it:
        if it.disconnect(name):
            click.echo(f"{name} is disconnected. Its tables stay where they are.")
        else:
            click.echo(
                f"{name} was disconnected before, but its tables were still locked. They are "
                "unlocked now, and stay where they are."
            )


@click.command()
@click.argument("name")
@click.argument("label", default="")
def rename(name: str, label: str) -> None:
    """Call a connection otherwise.

    LABEL is shown on the pages and in lists; without one, NAME is again. The name itself stays:
    commands, the API and Dagster's partitions know the connection by it.
    """
    with platform() as it:
        it.rename(name, label)
        title = it.connection(name).title
    click.echo(f"{name} is called {title} now." if title != name else f"{name} has no label now.")


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
                    "label": each.label,
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
    left = {"reason"} if any(row["label"] for row in rows) else {"reason", "label"}
    show(
        [{name: row[name] for name in row if name not in left} for row in rows],
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

    An object that is chosen anew, or whose filters change, is read from the beginning by its next
    sync, which marks rows that no longer match as deleted.
    """
    with platform() as it:
        if choose is not None:
            it.choose_objects(name, names(choose) or [])
        for object_name, wanted in filters(typed).items():
            it.set_filters(name, object_name, wanted)
        states = it.objects(name)
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
                **({"full_failing": state.full_failing} if as_json else {}),
                "filters": [f"{k}={v}" for k, v in state.choice.filters.items()]
                if state.choice
                else [],
            }
            for state in states
        ]
        show(rows, as_json=as_json, empty=f"{name} has no objects.")
        for state in states:
            if state.full_failing and not as_json:
                click.echo(f"{state.obj.name}: {state.full_failing}")


@click.command()
@click.argument("name")
@click.argument("object_names", metavar="[OBJECT]...", nargs=-1)
def discover(name: str, object_names: tuple[str, ...]) -> None:
    """Ask the vendor which fields there are now.

    Of these objects, or of all that are chosen. A full sync asks by itself. What changed is said,
    and the next sync makes the tables follow: they get columns, and lose none. An object that
    cannot be asked for keeps no other from it; which ones these are is said at the end.
    """

    def told(change: SchemaChange) -> None:
        click.echo(f"{change.object}: {change}")

    with platform() as it:
        changes = it.discover(name, object_names, told=told)
    if not changes:
        click.echo("Nothing changed.")


@click.command()
@click.argument("name")
@click.argument("object_name", metavar="[OBJECT]", required=False)
@listing
def discoveries(name: str, object_name: str | None, as_json: bool) -> None:
    """Show what changed in a connection's fields and tables, newest first.

    Also what somebody changed about a table by hand, and what its sync did about that.
    """
    with platform() as it:
        changes = it.schema_changes(name, object_name)
    what = f"{name}/{object_name}" if object_name else name
    rows = [asdict(each) for each in changes] if as_json else change_rows(changes)
    show(rows, as_json=as_json, empty=f"Nothing of {what} has changed since it was connected.")
