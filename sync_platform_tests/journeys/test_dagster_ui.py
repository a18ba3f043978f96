"""A data engineer's main path through Dagster's real UI: find the assets, launch a backfill from a
date by clicking, read what became of it."""

import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from sync_platform.demo.stage import Stage, staged
from sync_platform.embedded import embedded_postgres
from sync_platform.engine.access import Scope
from sync_platform.settings import Settings
from sync_platform_tests.conftest import servers_home
from sync_platform_tests.journeys.what_ran import (
    changed_since,
    ended,
    ended_runs,
    eventually,
    free_port,
    materializations,
    ticks,
)
from sync_platform_tests.web.serving import served

pytestmark = pytest.mark.browser

OBJECTS = ("companies", "contacts", "deals", "line_items", "owners", "products", "tickets")
DAYS = 9  # of the backfill, today among them
LOADED_WITHIN = 30_000.0  # milliseconds; a slow machine's first page
BACKFILLED_WITHIN = 90.0  # seconds; Dagster's backfill daemon looks every 30
CONNECTION = "acme-hubspot"
SYNCS = f"/api/v1/connections/{CONNECTION}/syncs"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True)
class Backfill:
    """A backfill that was launched by clicking, and its runs, all ended."""

    first: date
    last: date
    runs: list[dict[str, Any]]

    @property
    def days(self) -> list[str]:
        """Every day of it, as partition keys name them."""
        span = (self.last - self.first).days + 1
        return [(self.first + timedelta(days=each)).isoformat() for each in range(span)]

    @property
    def window(self) -> str:
        """What it is to ask the vendor for: open above, because it reaches today."""
        return f"{self.first}T00:00:00+00:00 to now"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as it:
        yield it


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium; without one these tests are skipped, or fail where CI asks for it."""
    candidates = [playwright.chromium.executable_path, *map(shutil.which, NAMES)]
    found = next((each for each in candidates if each and Path(each).is_file()), None)
    if found is None:
        reason = (
            "No Chromium was found, so that Dagster's UI cannot be tried. Install one with: "
            "playwright install chromium"
        )
        if os.environ.get("SYNC_PLATFORM_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    quiet = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    it = playwright.chromium.launch(executable_path=found, args=list(quiet))
    yield it
    it.close()


@pytest.fixture(scope="module")
def stage(browser: Browser) -> Iterator[Stage]:
    """What the demo starts, its first syncs done, at a vendor where nothing changes by itself."""
    home = servers_home()
    settings = replace(Settings.from_env(), home=home, database_url=None, grain="day")
    port = free_port()
    try:
        with (
            embedded_postgres(home),
            staged(settings, port=port, living=False, stop=threading.Event(), tell=print) as it,
        ):
            for _ in it.first_syncs():
                pass
            yield it
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    """The one window of that browser."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, base_url=stage.platform.runs.url, timezone_id="UTC"
    )
    context.set_default_timeout(LOADED_WITHIN)
    expect.set_options(timeout=LOADED_WITHIN)
    it = context.new_page()
    # Dagster asks newcomers for their e-mail address.
    newcomer = it.get_by_role("button", name="Skip", exact=True)
    it.add_locator_handler(newcomer, lambda button: button.click())
    yield it
    context.close()


@pytest.fixture(scope="module")
def backfill(page: Page, stage: Stage) -> Backfill:
    """Contacts of one connection, from a date to today, as a person launches it."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    page.goto("/assets/hubspot/contacts?view=partitions")
    page.get_by_role("button", name="Materialize…").click()
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs to materialize")
    dates = dialog.get_by_placeholder(re.compile("^ex: "))
    dates.wait_for()  # until then, both dimensions look alike
    dialog.get_by_text("Select a partition or create one").click()
    page.get_by_role("menuitem").filter(has_text=CONNECTION).click()
    page.keyboard.press("Escape")
    dates.fill(f"[{first}...{today}]")
    dates.blur()
    expect(dialog.get_by_text(f"{DAYS} partitions", exact=True)).to_be_visible()
    expect(dialog.get_by_text("Backfills all partitions in a single run.")).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    told = page.get_by_text(re.compile(r"Created backfill \w+"))
    id = told.inner_text().split()[2]
    runs = eventually(lambda: ended_runs(stage, id), BACKFILLED_WITHIN)
    if datetime.now(UTC).date() != today:
        pytest.skip("Midnight (UTC) passed meanwhile, so that the backfill ends yesterday.")
    return Backfill(first, today, runs)


def test_the_catalog_shows_every_object_of_the_connector_with_what_it_can_do(page: Page) -> None:
    page.goto("/assets")
    for name in OBJECTS:
        expect(page.locator(f'a[href="/assets/hubspot/{name}"]')).to_be_visible()
    expect(page.locator('a[href^="/assets/hubspot/"]')).to_have_count(len(OBJECTS))
    expect(page.get_by_text("HubSpot Owners: full syncs only")).to_be_visible()


def test_the_lineage_graph_has_a_group_for_each_connector(page: Page) -> None:
    page.goto("/asset-groups")
    for name in ("hubspot", "stripe", "xero"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()


def test_a_connectors_group_lists_its_objects(page: Page) -> None:
    page.goto("/locations/__repository__@sync_platform/asset-groups/hubspot/list")
    for name in OBJECTS:
        expect(page.get_by_text(name).first).to_be_visible()


def test_the_partition_map_is_of_connections_by_dates_and_begins_with_today(page: Page) -> None:
    page.goto("/assets/hubspot/contacts?view=partitions")
    expect(page.get_by_placeholder("Filter by connection…")).to_be_visible()
    expect(page.get_by_placeholder("Filter by date…")).to_be_visible()
    expect(page.get_by_text(CONNECTION, exact=True).first).to_be_visible()
    today = datetime.now(UTC).date()
    for day in (today, today - timedelta(days=1)):
        expect(page.get_by_text(day.isoformat(), exact=True).first).to_be_visible()


def test_a_backfill_from_a_date_to_today_becomes_one_run_over_all_its_days(
    backfill: Backfill,
) -> None:
    (run,) = backfill.runs
    assert run["status"] == "SUCCESS"
    tags = {each["key"]: each["value"] for each in run["tags"]}
    assert tags["dagster/asset_partition_range_start"] == f"{CONNECTION}|{backfill.first}"
    assert tags["dagster/asset_partition_range_end"] == f"{CONNECTION}|{backfill.last}"


def test_its_window_is_exactly_those_days_and_it_fetches_exactly_their_records(
    backfill: Backfill, stage: Stage
) -> None:
    found = materializations(stage, backfill.runs[0]["runId"])
    assert sorted(found) == [f"{CONNECTION}|{day}" for day in backfill.days]
    expected = changed_since(stage, backfill.first)
    assert 0 < expected < 1500
    for metadata in found.values():
        assert metadata["mode"] == "from_date"
        assert metadata["window"] == backfill.window
        assert metadata["fetched"] == metadata["unchanged"] == expected
        assert metadata["created"] == metadata["updated"] == metadata["deleted"] == 0
        assert metadata["dagster/row_count"] == 1500


def test_the_partition_map_shows_the_days_as_materialized_and_what_was_fetched(
    page: Page, backfill: Backfill, stage: Stage
) -> None:
    day = backfill.days[1]
    page.goto(f"/assets/hubspot/contacts?view=partitions&partition={CONNECTION}%7C{day}")
    expect(page.get_by_text(f"Materialized ({DAYS})")).to_be_visible()
    expect(page.get_by_text(f"{CONNECTION}|{day}", exact=True).first).to_be_visible()
    expected = {
        "mode": "from_date",
        "window": backfill.window,
        "fetched": str(changed_since(stage, backfill.first)),
        "dagster/relation_identifier": "acme_hubspot.contacts",
    }
    for name, value in expected.items():
        row = page.locator("tr").filter(has=page.get_by_role("cell", name=name, exact=True))
        expect(row).to_contain_text(value)


def test_the_overview_shows_the_tables_columns_with_types_and_labels(
    page: Page, backfill: Backfill
) -> None:
    page.goto("/assets/hubspot/contacts")
    expect(page.get_by_text("1,500", exact=True)).to_be_visible()
    row = page.locator("tr").filter(has=page.get_by_text("lastname", exact=True))
    expect(row).to_contain_text("text")
    expect(row).to_contain_text("Last name")


def test_the_runs_log_tells_what_was_read(page: Page, backfill: Backfill) -> None:
    page.goto(f"/runs/{backfill.runs[0]['runId']}")
    expect(page.get_by_text(f"Reading contacts, from_date, {backfill.window}.")).to_be_visible()


@pytest.mark.usefixtures("backfill")
def test_every_check_of_an_asset_is_shown_as_evaluated(page: Page) -> None:
    page.goto("/assets/hubspot/contacts?view=checks&checkDetail=rejected")
    expect(page.get_by_text("Checks (3)")).to_be_visible()
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(3)
    expect(page.get_by_text("All is well.")).to_be_visible()


@pytest.fixture(scope="module")
def api(stage: Stage) -> Iterator[httpx.Client]:
    """A caller of the platform's own API, who may read and sync."""
    _, key = stage.platform.access.make_key("journey", [Scope.READ, Scope.SYNC], by="a test")
    headers = {"Authorization": f"Bearer {key}"}
    with (
        served(stage.platform) as url,
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        yield client


def test_syncs_asked_for_through_the_api_are_runs_that_the_ui_shows(
    page: Page, stage: Stage, api: httpx.Client
) -> None:
    since = f"{datetime.now(UTC).date() - timedelta(days=3)}T10:30:00Z"
    wanted = {"objects": ["contacts", "owners", {"object": "deals", "sync_from": since}]}
    asked = api.post(SYNCS, json=wanted).json()
    assert api.post(SYNCS, json=wanted).json()["id"] == asked["id"]
    changes, dates = asked["run_ids"]
    (done,) = eventually(lambda: ended(stage, api, f"{SYNCS}/{asked['id']}"), BACKFILLED_WITHIN)
    assert done["status"] == "succeeded"
    contacts, owners, deals = done["syncs"]
    assert contacts["run_id"] == owners["run_id"] == changes
    assert contacts["mode"] == "incremental"
    assert (deals["run_id"], deals["mode"], deals["since"]) == (dates, "from_date", since)
    assert deals["sync"]["since"] == since
    assert deals["sync"]["counts"]["created"] == 0
    page.goto(f"/runs/{dates}")
    expect(page.get_by_text(re.compile("Reading deals, from_date, "))).to_be_visible()


def test_what_was_asked_for_is_stopped_while_its_run_waits_or_runs(
    stage: Stage, api: httpx.Client
) -> None:
    asked = api.post(SYNCS, json={"full_sync": True}).json()
    stopping = api.delete(f"{SYNCS}/{asked['id']}").json()
    assert stopping["canceled_at"] is not None
    (done,) = eventually(lambda: ended(stage, api, f"{SYNCS}/{asked['id']}"), BACKFILLED_WITHIN)
    assert done["status"] == "canceled"


@pytest.mark.usefixtures("backfill")
def test_no_tick_failed_and_no_log_holds_an_error(stage: Stage) -> None:
    automations = ticks(stage)
    assert automations.keys() >= {"incremental_due", "daily_full"}
    for state in automations.values():
        assert state["status"] == "RUNNING"
        assert [each["error"] for each in state["ticks"] if each["error"]] == []
    for name in ("daemon", "webserver", "sandbox-hubspot"):
        lines = (stage.logs / f"{name}.log").read_text(errors="replace").splitlines()
        assert [line for line in lines if re.search(r"\bERROR\b|Traceback", line)] == []
