"""The commands about what runs: up, health, reload."""

import os
import signal
import sys
from pathlib import Path
from typing import cast

import click

from sync_platform.cli.shows import listing, show
from sync_platform.errors import Refused
from sync_platform.settings import Settings

PARTS = ("web", "webserver", "daemon")
HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its files are.  [default: SYNC_PLATFORM_HOME, or .sync_platform]",
)


@click.command()
@click.option(
    "--only",
    type=click.Choice(PARTS),
    multiple=True,
    help="This part and no other; may be repeated.  [default: all]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Of the web pages.")
@click.option("--port", default=8000, show_default=True, help="Of the web pages.")
@click.option("--dagster-host", default="127.0.0.1", show_default=True, help="Of Dagster's UI.")
@click.option("--dagster-port", default=3000, show_default=True, help="Of Dagster's UI.")
@click.option(
    "--code-server",
    metavar="HOST:PORT",
    help="Where Dagster's code server listens, so that other machines can cancel runs of this one. "
    "It asks nobody who they are: private networks only.  [default: a socket in home]",
)
@click.option(
    "--grace",
    type=click.FloatRange(0, 30),  # longer than that, Dagster's code server does not wait
    default=30,
    show_default=True,
    help="Seconds for running syncs to end when it is stopped. Later they are stopped, too; their "
    "next sync goes on from what they had committed.",
)
@HOME
def up(
    only: tuple[str, ...],
    host: str,
    port: int,
    dagster_host: str,
    dagster_port: int,
    code_server: str | None,
    grace: float,
    home: Path | None,
) -> None:
    """Run it all: the web pages, Dagster's UI and daemon.

    Without SYNC_PLATFORM_DATABASE_URL, with an embedded PostgreSQL. What dies is started again.
    Ctrl-C or SIGTERM stops everything that was started. The Dagster UI asks nobody who they are:
    leave it on loopback, or put a proxy before it that does.

    On several machines with one database, one runs the daemon and the others stand by to take it
    over.
    """
    from sync_platform.up.line_up import CHOICES, Address, PartName
    from sync_platform.up.running import Wanted, run_up

    if code_server is not None and not code_server.rpartition(":")[2].isdigit():
        raise click.BadParameter("write HOST:PORT", param_hint="--code-server")
    run_up(
        Wanted(
            parts=cast("tuple[PartName, ...]", only) or CHOICES,
            home=home,
            web=Address(host=host, port=port),
            webserver=Address(host=dagster_host, port=dagster_port),
            code_server=code_server,
            grace=grace,
        )
    )


@click.command()
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Ask after this part only.")
@HOME
@listing
def health(only: tuple[str, ...], home: Path | None, as_json: bool) -> None:
    """Tell how what `up` runs here is doing.

    Ends with 1 if anything is not well, for the health checks of containers and services.
    """
    from sync_platform.up.health import health as healths

    rows = [
        {"part": each.part, "well": each.well, "found": each.found}
        for each in healths(_home(home), only)
    ]
    show(rows, as_json=as_json, empty="")
    if not all(row["well"] for row in rows):
        sys.exit(1)


@click.command()
@HOME
def reload(home: Path | None) -> None:
    """Load connectors anew, after one was added or changed.

    Runs go on; the web pages are away for a moment.
    """
    from sync_platform.up.places import Register

    found = sorted({entry.pid for entry in Register(_home(home)).running()})
    if not found:
        raise Refused(f"No `sync-platform up` runs in {_home(home)}.")
    for pid in found:
        os.kill(pid, signal.SIGUSR1)
    click.echo("It loads its connectors anew, and tells in its log how that went.")


def _home(given: Path | None) -> Path:
    return (given or Settings.from_env().home).absolute()
