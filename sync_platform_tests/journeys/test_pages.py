"""The way of a person through the pages, clicked in a real browser: from an empty store to a synced
table, at a vendor with a consent page of its own.

Runs are carried out in this process, as soon as they are launched (web/running.py); what the real
Dagster makes of them, test_dagster_ui.py shows.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.results import Target
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.web.running import RunningDagster, running_dagster
from sync_platform_tests.web.serving import PASSWORD, served

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WITHIN = 20_000.0  # milliseconds, on a busy machine
PHONE = {"width": 390, "height": 800}
CONTACTS = 600

# What a page must have for people who do not see it or use no mouse; what is wrong, in sentences.
WRONGS = """() => {
    const wrong = [];
    const shown = (each) => each.getClientRects().length > 0;
    const fields = 'input:not([type=hidden]), select, textarea';
    for (const each of document.querySelectorAll(fields)) {
        const named = each.labels?.length || each.getAttribute('aria-label');
        if (!named) wrong.push(`no label: ${each.outerHTML}`);
    }
    for (const each of document.querySelectorAll('a, button, summary')) {
        const name = each.getAttribute('aria-label') || each.textContent.trim();
        if (!name) wrong.push(`no name: ${each.outerHTML}`);
    }
    for (const each of document.querySelectorAll('[tabindex]')) {
        if (each.tabIndex > 0) wrong.push(`not in the order of the page: ${each.outerHTML}`);
    }
    const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
    for (const id of new Set(ids.filter((it, place) => ids.indexOf(it) !== place)))
        wrong.push(`twice on the page: #${id}`);
    for (const each of document.querySelectorAll('[aria-describedby], [aria-labelledby]')) {
        for (const name of ['aria-describedby', 'aria-labelledby']) {
            const id = each.getAttribute(name);
            if (id && !document.getElementById(id)) wrong.push(`${name} leads nowhere: ${id}`);
        }
    }
    const heads = [...document.querySelectorAll('h1, h2, h3, h4')].filter(shown);
    const levels = heads.map((each) => Number(each.tagName[1]));
    if (levels.filter((it) => it === 1).length !== 1 || levels[0] !== 1)
        wrong.push(`headings begin wrongly: ${levels}`);
    levels.forEach((level, place) => {
        if (place && level > levels[place - 1] + 1) wrong.push(`a heading is left out: ${levels}`);
    });
    if (!document.documentElement.lang || !document.title) wrong.push('no language or title');
    for (const each of document.querySelectorAll('.state'))
        if (!each.textContent.trim()) wrong.push('a state by colour alone');
    return wrong;
}"""


@dataclass(frozen=True)
class Stage:
    """A platform without any connection, its pages, and a vendor with some records."""

    platform: Platform
    hubspot: HubSpot
    dagster: RunningDagster
    page: Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one these tests are skipped, or fail where CI asks for it."""
    with sync_playwright() as playwright:
        candidates = [playwright.chromium.executable_path, *map(shutil.which, NAMES)]
        found = next((each for each in candidates if each and Path(each).is_file()), None)
        if found is None:
            reason = "No Chromium was found. Install one with: playwright install chromium"
            if os.environ.get("SYNC_PLATFORM_REQUIRE_BROWSER"):
                pytest.fail(reason)
            pytest.skip(reason)
        quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
        it = playwright.chromium.launch(executable_path=found, args=quiet)
        yield it
        it.close()


@pytest.fixture
def stage(platform: Platform, hubspot: HubSpot, browser: Browser) -> Iterator[Stage]:
    """An admin has just come in by the one-time link."""
    hubspot.add_many("contacts", CONTACTS)
    hubspot.add_many("deals", 20)
    clients = {"hubspot": ("sandbox-client", "sandbox-secret")}
    platform.settings = replace(platform.settings, oauth_clients=clients)
    with served(platform) as url, running_dagster(platform) as dagster:
        platform.settings = replace(platform.settings, dagster_url=dagster.url)
        context = browser.new_context(base_url=url, viewport={"width": 1200, "height": 800})
        context.set_default_timeout(WITHIN)
        expect.set_options(timeout=WITHIN)
        page = context.new_page()
        page.goto(platform.access.admin_link("ann@example.com"))
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text("Nothing is connected yet.")).to_be_visible()
        yield Stage(platform, hubspot, dagster, page)
        context.close()


def sound(page: Page) -> None:
    """The page can be used without seeing it, without a mouse, and on a phone."""
    assert page.evaluate(WRONGS) == [], page.url
    before = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.url
    assert before is not None
    page.set_viewport_size(before)


def signs_in(stage: Stage, name: str) -> None:
    """From the connectors to the choice of objects, by the vendor's own page."""
    page = stage.page
    page.goto("/connect/hubspot")
    page.get_by_text("Advanced").first.click()
    form = page.locator("form").filter(has=page.get_by_role("button", name="Go to HubSpot"))
    form.get_by_label("Another address than HubSpot's").fill(stage.hubspot.url)
    for limit in ("burst", "search"):
        form.get_by_label(f"Call limit “{limit}”").fill("unlimited")
    page.get_by_role("button", name="Go to HubSpot").click()
    page.wait_for_url(f"{stage.hubspot.url}/**")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="What should be synced?").wait_for()
    page.get_by_label("Name", exact=True).fill(name)


def connects(stage: Stage, name: str = "acme") -> None:
    signs_in(stage, name)
    stage.page.get_by_role("button", name="Connect and sync").click()
    expect(stage.page.get_by_role("heading", name="Done:")).to_be_visible()


def test_from_an_empty_store_to_a_synced_table(stage: Stage) -> None:
    page = stage.page
    sound(page)
    page.get_by_role("link", name="Add connection").click()
    expect(page.get_by_role("heading", name="Add a connection")).to_be_visible()
    sound(page)
    page.get_by_role("link", name="HubSpot").first.click()
    sound(page)
    signs_in(stage, "acme")
    expect(page.get_by_text("Signed in to HubSpot account")).to_be_visible()
    page.get_by_text("28 fields").click()
    expect(page.get_by_role("cell", name="jobtitle")).to_be_visible()
    page.get_by_role("checkbox", name="Tickets").uncheck()
    sound(page)
    stage.dagster.open.clear()
    page.get_by_role("button", name="Connect and sync").click()
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()
    expect(page.get_by_text("Waiting").first).to_be_visible()
    sound(page)
    stage.dagster.open.set()  # nobody touches the page from here on: it keeps itself true
    done = CONTACTS + 20 + len(list(stage.hubspot.truth("owners")))
    expect(page.get_by_role("heading", name=f"Done: {done} records read")).to_be_visible()
    steps = page.locator(".under-way tbody tr")
    expect(steps).to_have_count(6)
    expect(steps.filter(has_text="Contacts")).to_contain_text("Succeeded")
    expect(steps.filter(has_text="Contacts")).to_contain_text(str(CONTACTS))
    expect(page.locator("#condition")).to_have_text("Healthy")
    sound(page)
    page.get_by_role("link", name="Syncs", exact=True).click()
    row = page.locator("#history tr").filter(has_text="Contacts")
    expect(row).to_contain_text("Succeeded")
    expect(row.get_by_role("link")).to_have_attribute(
        "href", f"{stage.dagster.url}/runs/{stage.dagster.runs[0].id}"
    )
    sound(page)
    frame = stage.platform.read_frame(Target("acme", "contacts"))
    assert len(frame) == CONTACTS
    assert set(frame["email"]) == {it["email"] for it in stage.hubspot.records("contacts").values()}


def test_every_page_of_a_connection_is_sound_and_told_apart_by_its_title(stage: Stage) -> None:
    connects(stage)
    titles = set()
    for path in ("", "/tables", "/syncs", "/changes", "/settings", "/disconnect", "/sign-in"):
        stage.page.goto(f"/connections/acme{path}")
        for each in stage.page.locator("main summary").all():
            each.click()
        sound(stage.page)
        titles.add(stage.page.title())
    assert len(titles) == 6  # to disconnect is a part of the settings


def test_a_revoked_sign_in_is_told_and_mended_by_signing_in_again(stage: Stage) -> None:
    page = stage.page
    connects(stage)
    stage.hubspot.revoke()
    page.goto("/connections/acme/syncs")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("heading", name="Ended")).to_be_visible()
    expect(page).to_have_title("(1) acme: Syncs · sync_platform")
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_role("button", name="Go to HubSpot").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Signed in again.")).to_be_visible()
    assert stage.platform.connection("acme").status is ConnectionStatus.ACTIVE
    expect(page).to_have_title("acme: Overview · sync_platform")


def test_a_person_with_a_keyboard_alone_starts_a_sync(stage: Stage) -> None:
    page = stage.page
    connects(stage)
    page.goto("/connections/acme/syncs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Sync now":
            break
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"  # what has the keyboard is seen
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Done:")).to_be_visible()
    assert len(stage.dagster.runs) == 2


def test_what_a_person_has_opened_stays_open_while_the_page_keeps_itself_true(
    stage: Stage,
) -> None:
    page = stage.page
    connects(stage)
    stage.dagster.open.clear()
    page.goto("/connections/acme/syncs")
    page.get_by_role("button", name="Sync now").click()
    stop = page.get_by_role("button", name="Stop")
    stop.focus()
    page.get_by_text("Sync from a date").click()
    page.get_by_label("What changed since").fill("2026-01-31")
    stage.dagster.open.set()
    expect(page.get_by_role("heading", name="Done:")).to_be_visible()
    expect(page.get_by_label("What changed since")).to_have_value("2026-01-31")
