"""The commands about syncs."""

import json
import sys
from datetime import timedelta

import click

from sync_platform.cli.endings import complain, exit_code
from sync_platform.cli.installation import platform
from sync_platform.cli.shows import errors_of, listing, show, sync_rows
from sync_platform.cli.typed import asked_for
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest


@click.command()
@click.argument("name")
@click.argument("object_names", metavar="[OBJECT]...", nargs=-1)
@click.option("--full", is_flag=True, help="Read everything and mark what is gone.")
@click.option("--computed", is_flag=True, help="Read only computed fields (formulas) again.")
@click.option("--since", help="Read what changed since this date or moment (UTC).")
@click.option("--until", help="With --since: up to here, exclusive.")
@click.option("--accept-deletes", is_flag=True, help="With --full: mark more than is allowed.")
@click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait for a running sync.",
)
@listing
def sync(
    name: str,
    object_names: tuple[str, ...],
    full: bool,
    computed: bool,
    since: str | None,
    until: str | None,
    accept_deletes: bool,
    wait: int,
    as_json: bool,
) -> None:
    """Sync a connection here and now.

    All its chosen objects, or those named. Without --full or --since, what changed since the last
    sync. One object that fails, or is not there any more, does not stop the others; the command
    then ends with the exit code of the first.
    """
    from sync_platform.cli.syncing import sync_in_place

    mode, window = asked_for(full, since, until, computed)
    if accept_deletes and not full:
        raise click.UsageError("Only a full sync finds deletes to accept: add --full.")
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
            connector = it.connector_of(it.connection(name))
            undated = {obj.name for obj in connector.objects if not obj.incremental}
            requests = [r for r in requests if r.target.object not in undated]
        outcomes = sync_in_place(it, requests)
        results = [each.result for each in outcomes if each.result is not None]
        if as_json:
            click.echo(json.dumps([result.as_dict() for result in results], indent=2))
        elif results or not outcomes:
            show(sync_rows(results), as_json=False, empty=f"{name} has no object to sync so.")
    if not as_json and any(result.counts.rejected for result in results):
        click.echo("Rejected records are in the table _rejected of the connection's schema.")
    errors = [(each.target, each.error) for each in outcomes if each.error is not None]
    for target, error in errors:
        complain(f"{target}: {error}")
    if len(outcomes) < len(requests):
        complain(f"The other objects were not tried ({len(requests) - len(outcomes)}).")
    if errors:
        sys.exit(exit_code(errors[0][1]))


@click.command()
@click.argument("name")
@click.argument("object_name", metavar="[OBJECT]", required=False)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many, newest first.",
)
@listing
def history(name: str, object_name: str | None, limit: int, as_json: bool) -> None:
    """Show a connection's latest syncs."""
    with platform() as it:
        if object_name is not None:
            it.connector_of(it.connection(name))[object_name]  # raises where there is none
        syncs = it.history(name, object_name, limit)
        rows = [each.as_dict() for each in syncs] if as_json else sync_rows(syncs, past=True)
        what = f"{name}/{object_name}" if object_name else name
        show(rows, as_json=as_json, empty=f"{what} has not been synced yet.")
    if not as_json:
        for line in errors_of(syncs):
            click.echo(line)


@click.command()
@click.argument("name")
def pause(name: str) -> None:
    """Stop automatic syncs of a connection."""
    with platform() as it:
        it.pause(name)
        click.echo(f"{name} is paused. Go on with: sync-platform resume {name}")


@click.command()
@click.argument("name")
@click.argument("object_name", metavar="[OBJECT]", required=False)
def resume(name: str, object_name: str | None) -> None:
    """Let automatic syncs run again.

    Of a connection that was paused, or of one object that was after failures.
    """
    with platform() as it:
        it.resume(name, object_name)
        click.echo(f"{name}{'/' + object_name if object_name else ''} syncs by itself again.")
        if left := it.connection(name).status_reason:
            click.echo(f"What still waits for a person: {left}")
