"""The commands about Dagster's runs."""

import os
from datetime import timedelta

import click

from sync_platform.cli.installation import platform
from sync_platform.errors import Refused


@click.command("prune-runs")
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.IntRange(1, 9999),
    help="Days since they ended.  [default: SYNC_PLATFORM_PRUNE_RUNS_AFTER, or 7]",
)
@click.option("--dry-run", is_flag=True, help="Only tell how many would go.")
def prune_runs(older_than: int | None, dry_run: bool) -> None:
    """Delete old runs from Dagster's storage.

    What `up` does by itself each hour, now and to the end. The latest run of each partition stays,
    so the map of dates is the same afterwards; so do the newest 50 runs of each connection, and all
    runs of other code.
    """
    from sync_platform.defs.pruning import prune_in
    from sync_platform.up.places import dagster_home

    with platform() as it:
        days = older_than or it.settings.prune_runs_after
        if days is None:
            raise Refused("SYNC_PLATFORM_PRUNE_RUNS_AFTER is never. Say how old: --older-than 7.")
        it.connections()  # tells in a sentence where the database cannot be reached
        folder = dagster_home(it.settings.home, os.environ.get("DAGSTER_HOME"))
        pruned = prune_in(folder, it, timedelta(days=days), dry_run=dry_run)
    click.echo(f"{pruned} would be deleted." if dry_run else f"Deleted {pruned}.")
