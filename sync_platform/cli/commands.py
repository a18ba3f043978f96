"""Every command. `main` turns our errors into a sentence and an exit code, a code a family."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sync_platform import __version__
from sync_platform.cli.shows import console, show, sync_rows
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    ConfigurationError,
    NeedsPerson,
    Refused,
    RetryLater,
    SyncPlatformError,
)
from sync_platform.platform import Platform

EXIT_CODES: list[tuple[type[SyncPlatformError], int]] = [
    (ConfigurationError, 2),
    (Refused, 3),
    (NeedsPerson, 4),
    (RetryLater, 5),
    (SyncPlatformError, 6),
]


def main() -> None:
    """The script `sync-platform`."""
    try:
        cli(standalone_mode=False)
    except SyncPlatformError as error:
        click.echo(f"sync-platform: {error}", err=True)
        sys.exit(exit_code(error))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


def exit_code(error: SyncPlatformError) -> int:
    """2 configuration, 3 refused, 4 a person must act, 5 try again later, 6 unexpected."""
    return next(code for family, code in EXIT_CODES if isinstance(error, family))


@contextmanager
def platform() -> Iterator[Platform]:
    """The installation's platform, closed in the end."""
    it = Platform.from_env()
    try:
        yield it
    finally:
        it.close()


def listing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --json."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sync-platform")
def cli() -> None:
    """Keeps the data of SaaS tools current in Postgres."""


@cli.command()
@listing
def connectors(as_json: bool) -> None:
    """List the connectors and what each can do."""
    with platform() as it:
        rows = [
            {
                "name": each.name,
                "label": each.label,
                "objects": [obj.name for obj in each.objects],
                "sign_in": [type(way).__name__ for way in each.auth],
                "interval": each.interval.default,
                "two_way": any(obj.writable for obj in each.objects),
            }
            for each in it.connectors().values()
        ]
        show(rows, as_json=as_json, empty="There are no connectors.")


@cli.command()
@click.argument("connector")
@click.argument("name")
@click.option("--token-stdin", is_flag=True, help="Read the token or key from standard input.")
@click.option("--base-url", help="Use this address instead of the vendor's own.")
@click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--schema", help="The schema for its tables; by default the name, with _ for -.")
@click.option("--objects", help="Sync these objects only, comma separated.")
def connect(
    connector: str,
    name: str,
    token_stdin: bool,
    base_url: str | None,
    settings: tuple[str, ...],
    schema: str | None,
    objects: str | None,
) -> None:
    """Connect an account: CONNECTOR is what to connect, NAME what to call it.

    The token is asked for, or read from standard input with --token-stdin. A NAME that is connected
    already gets the new token and keeps its tables, cursors and history.
    """
    token = sys.stdin.read().strip() if token_stdin else click.prompt("Token", hide_input=True)
    if not token:
        raise ConfigurationError("No token was given. Pipe it in, or leave --token-stdin out.")
    given = dict(pair(each) for each in settings)
    with platform() as it:
        it.connector(connector)
        if any(each.name == name for each in it.connections(connector)):
            it.reconnect(name, Secret({"token": token}), base_url=base_url)
            console.print(f"{name} has its new token; tables, cursors and history are kept.")
            return
        made = it.connect(
            connector,
            name,
            Secret({"token": token}),
            base_url=base_url,
            settings=given,
            schema=schema,
            objects=names(objects),
        )
        chosen = ", ".join(each.object for each in made.objects)
        console.print(f"Connected {name}. Objects: {chosen}.")
        console.print(
            f"Tables go to the schema {made.schema}. Start with: sync-platform sync {name}"
        )


@cli.command()
@click.argument("name")
def disconnect(name: str) -> None:
    """Forget a connection, its credentials, cursors and history. Its tables stay."""
    with platform() as it:
        it.disconnect(name)
        console.print(f"{name} is disconnected. Its tables stay where they are.")


@cli.command()
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
                    "reason": each.status_reason,
                }
            )
        show(
            rows,
            as_json=as_json,
            empty="Nothing is connected. Begin with: sync-platform connect hubspot acme-hubspot",
        )


@cli.command()
@click.argument("name")
@click.option("--choose", help="Sync these objects and no others, comma separated.")
@listing
def objects(name: str, choose: str | None, as_json: bool) -> None:
    """List a connection's objects, or choose which are synced."""
    with platform() as it:
        if choose is not None:
            it.choose_objects(name, names(choose) or [])
        rows = [
            {
                "object": state.obj.name,
                "chosen": state.choice is not None,
                "modes": "incremental, full, from date" if state.obj.incremental else "full",
                "deletes": "told" if state.obj.sees_deletes else "by full syncs",
                "writable": state.obj.writable,
                "interval": state.interval,
                "cursor": state.cursor,
                "paused": state.paused,
            }
            for state in it.objects(name)
        ]
        show(rows, as_json=as_json, empty=f"{name} has no objects.")


@cli.command()
@click.argument("name")
@click.argument("object_names", metavar="[OBJECT]...", nargs=-1)
@click.option("--full", is_flag=True, help="Read everything and mark what is gone.")
@click.option("--since", help="Read what changed since this date or moment (UTC).")
@click.option("--until", help="With --since: up to here, exclusive.")
@click.option("--accept-deletes", is_flag=True, help="Mark even more than the share allowed.")
@click.option("--wait", default=60, show_default=True, help="Seconds to wait for a running sync.")
@listing
def sync(
    name: str,
    object_names: tuple[str, ...],
    full: bool,
    since: str | None,
    until: str | None,
    accept_deletes: bool,
    wait: int,
    as_json: bool,
) -> None:
    """Sync a connection here and now: all its chosen objects, or those named.

    Without --full or --since, what changed since the last sync.
    """
    from sync_platform.cli.syncing import sync_in_place

    mode, window = asked_for(full, since, until)
    with platform() as it:
        chosen = [each.object for each in it.connection(name).objects]
        requests = [
            SyncRequest(
                target=Target(name, each),
                mode=mode,
                window=window,
                accept_deletes=accept_deletes,
                wait=timedelta(seconds=wait),
            )
            for each in object_names or chosen
        ]
        if not object_names and mode is SyncMode.FROM_DATE:
            connector = it.connector(it.connection(name).connector)
            requests = [r for r in requests if connector[r.target.object].incremental]
        results, first_error = sync_in_place(it, requests, quiet=as_json)
        if as_json:
            click.echo(json.dumps([result.as_dict() for result in results], indent=2))
        else:
            show(sync_rows(results), as_json=False, empty="Nothing is chosen on this connection.")
        if first_error is not None:
            raise first_error


@cli.command()
@click.argument("name")
@click.argument("object_name", metavar="[OBJECT]", required=False)
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@listing
def history(name: str, object_name: str | None, limit: int, as_json: bool) -> None:
    """Show a connection's latest syncs."""
    with platform() as it:
        syncs = it.history(name, object_name, limit)
        rows = [each.as_dict() for each in syncs] if as_json else sync_rows(syncs)
        show(rows, as_json=as_json, empty=f"{name} has not been synced yet.")


@cli.command()
@click.argument("name")
def pause(name: str) -> None:
    """Stop automatic syncs of a connection."""
    with platform() as it:
        it.pause(name)
        console.print(f"{name} is paused. Go on with: sync-platform resume {name}")


@cli.command()
@click.argument("name")
@click.argument("object_name", metavar="[OBJECT]", required=False)
def resume(name: str, object_name: str | None) -> None:
    """Let automatic syncs run again, of a connection or of one object."""
    with platform() as it:
        it.resume(name, object_name)
        console.print(f"{name}{'/' + object_name if object_name else ''} syncs by itself again.")


@cli.group()
def database() -> None:
    """The platform's Postgres."""


@database.command("url")
def database_url() -> None:
    """Print the database's url, for psql and other tools. The embedded server runs only while a
    command, the demo or Dagster uses it."""
    with platform() as it:
        click.echo(it.database_url)


@cli.command()
@listing
def doctor(as_json: bool) -> None:
    """Tell what is wrong with this installation; ends with 1 if anything is."""
    from sync_platform.cli.doctor import findings

    rows = list(findings())
    show(rows, as_json=as_json, empty="")
    if any(row["status"] == "wrong" for row in rows):
        sys.exit(1)


@cli.command()
@click.option("--port", default=3000, show_default=True, help="Of the Dagster UI.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept.  [default: .sync_platform]",
)
@click.option("--once", is_flag=True, help="Sync, change, sync again, compare, and end.")
def demo(port: int, home: Path | None, once: bool) -> None:
    """Show it all at work: Postgres, a sandbox HubSpot, Dagster, real syncs."""
    from sync_platform.demo.story import run_demo

    sys.exit(run_demo(port=port, home=home, once=once))


def asked_for(full: bool, since: str | None, until: str | None) -> tuple[SyncMode, SyncWindow]:
    """Mode and window from the options; raises a usage error where they contradict each other."""
    if full and since:
        raise click.UsageError("--full reads everything; leave --since out.")
    if until and not since:
        raise click.UsageError("--until needs --since.")
    if full:
        return SyncMode.FULL, SyncWindow()
    if since is None:
        return SyncMode.INCREMENTAL, SyncWindow()
    try:
        return SyncMode.FROM_DATE, SyncWindow(moment(since), moment(until) if until else None)
    except ValueError as error:
        raise click.UsageError(f"Not a window of time: {error}.") from error


def moment(text: str) -> datetime:
    """A date or moment as typed; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def names(text: str | None) -> list[str] | None:
    """Comma separated names; None where nothing was given."""
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair; raises a usage error."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--setting {text!r} is not NAME=VALUE.")
    return name, value
