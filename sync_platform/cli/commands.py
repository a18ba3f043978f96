"""Every command. Each reads its arguments, calls one verb of Platform and shows the answer."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sync_platform import __version__
from sync_platform.cli.endings import Commands
from sync_platform.cli.installation import platform
from sync_platform.cli.shows import listing, show

ELSEWHERE = {  # the command, and the module that has it; imported when it is called
    "connectors": "connection_commands",
    "connect": "connect_commands",
    "connections": "connection_commands",
    "rename": "connection_commands",
    "objects": "connection_commands",
    "discover": "connection_commands",
    "discoveries": "connection_commands",
    "disconnect": "connection_commands",
    "sync": "sync_commands",
    "history": "sync_commands",
    "pause": "sync_commands",
    "resume": "sync_commands",
    "oauth-client": "key_commands",
    "rotate-keys": "key_commands",
    "up": "up_commands",
    "health": "up_commands",
    "reload": "up_commands",
    "prune-runs": "run_commands",
    "admin-link": "access_commands",
    "people": "access_commands",
    "api-key": "access_commands",
}


class AllCommands(Commands):
    """Those of this module, and those elsewhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"sync_platform.cli.{ELSEWHERE[cmd_name]}")
        command: Any = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command


def main() -> None:
    """The script `sync-platform`."""
    cli()


@click.group(cls=AllCommands, context_settings={"help_option_names": ["-h", "--help"]})
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
