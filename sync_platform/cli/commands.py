"""Every command. Each reads its arguments, calls one verb of Platform and shows the answer."""

import sys
from pathlib import Path

import click

from sync_platform import __version__
from sync_platform.cli import (
    access_commands,
    connect_commands,
    connection_commands,
    key_commands,
    run_commands,
    sync_commands,
    up_commands,
)
from sync_platform.cli.endings import Commands
from sync_platform.cli.installation import platform
from sync_platform.cli.shows import listing, show


def main() -> None:
    """The script `sync-platform`."""
    cli()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sync-platform")
def cli() -> None:
    """Keeps the data of SaaS tools current in Postgres.

    Ends with 0 if all went well, 2 if a command, a setting or a connector must be mended, 3 if it
    was refused, 4 if a person must act, 5 if it may work later, 6 if something unexpected happened.
    """


@cli.group()
def database() -> None:
    """The platform's Postgres."""


@database.command("url")
def database_url() -> None:
    """Print its url, for psql and other tools.

    The embedded server runs only while a command, the demo or Dagster uses it.
    """
    with platform() as it:
        click.echo(it.database_url)


@cli.command()
@listing
def doctor(as_json: bool) -> None:
    """Tell what is wrong with this installation.

    Ends with 1 if anything is.
    """
    from sync_platform.cli.doctor import findings

    rows = list(findings())
    show(rows, as_json=as_json, empty="")
    if any(row["status"] == "wrong" for row in rows):
        sys.exit(1)


@cli.command()
@click.option("--port", default=8000, show_default=True, help="Of the web pages.")
@click.option("--dagster-port", default=3000, show_default=True, help="Of Dagster's UI.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept.  [default: .sync_platform]",
)
@click.option("--once", is_flag=True, help="Sync, change, sync again, compare, and end.")
@click.option(
    "--connectors",
    default="hubspot",
    show_default=True,
    help="Whose sandboxes to connect: names with commas between, or all.",
)
def demo(port: int, dagster_port: int, home: Path | None, once: bool, connectors: str) -> None:
    """Show it all at work.

    A Postgres, a sandbox HubSpot, Dagster and its UI, the web pages, and real syncs between them.
    """
    from sync_platform.demo.story import run_demo

    code = run_demo(
        port=port, dagster_port=dagster_port, home=home, once=once, connectors=connectors
    )
    sys.exit(code)


for command in (
    connection_commands.connectors,
    connect_commands.connect,
    connection_commands.connections,
    connection_commands.rename,
    connection_commands.objects,
    connection_commands.discover,
    connection_commands.discoveries,
    connection_commands.disconnect,
    sync_commands.sync,
    sync_commands.history,
    sync_commands.pause,
    sync_commands.resume,
    key_commands.oauth_client,
    key_commands.rotate_keys,
    up_commands.up,
    up_commands.health,
    up_commands.reload,
    run_commands.prune_runs,
    access_commands.admin_link,
    access_commands.people,
    access_commands.api_key,
):
    cli.add_command(command)
