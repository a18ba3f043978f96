"""The documented example of an asset of one's own."""

import runpy

import dagster as dg
import psycopg
import pytest

from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.daemon import Daemon
from sync_platform_tests.defs.documented import DOCS, code_in
from sync_platform_tests.defs.runs import Dagster

EXAMPLE = DOCS / "examples" / "downstream.py"


def test_the_page_shows_the_examples_code() -> None:
    assert code_in("how-to/use-a-table-downstream.md").strip() in EXAMPLE.read_text()


@pytest.mark.usefixtures("acme")
def test_the_example_runs_as_it_stands(
    daemon: Daemon, platform: Platform, hubspot: HubSpot
) -> None:
    for stage in ("lead", "lead", "customer"):
        hubspot.add("contacts", lifecyclestage=stage)
    contacts = SyncRequest(target=Target("acme-hubspot", "contacts"))
    platform.sync(contacts).run(into=platform.destination)
    definitions = runpy.run_path(str(EXAMPLE))["defs"]
    assert isinstance(definitions, dg.Definitions)
    assert Dagster(daemon.instance, definitions).run([["contacts_by_stage"]]).ok
    with psycopg.connect(platform.database_url) as postgres:
        found = postgres.execute(
            "SELECT lifecyclestage, contacts FROM analytics.contacts_by_stage ORDER BY 1"
        ).fetchall()
    assert found == [("customer", 1), ("lead", 2)]
