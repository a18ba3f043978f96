"""A person at the pages in a real browser, and a vendor with a consent page of its own.

Runs are carried out in this process, as soon as they are launched (web/running.py); what the real
Dagster makes of them, journeys/test_dagster_ui.py shows.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.web.running import RunningDagster, running_dagster
from sync_platform_tests.web.serving import PASSWORD, served

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WITHIN = 20_000.0  # milliseconds, on a busy machine
PHONE = {"width": 390, "height": 800}
CONTACTS = 600
ANN = "ann@example.com"

# What a page must have for people who do not see it or use no mouse; what is wrong, in sentences.
WRONGS = """() => {
    const wrong = [];
    const shown = (each) => each.getClientRects().length > 0;
    const fields = 'input:not([type=hidden]), select, textarea';
    for (const each of document.querySelectorAll(fields)) {
        if (each.getAttribute('aria-hidden') === 'true') continue;
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


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; without one the tests are skipped, or fail where CI asks for it."""
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


@contextmanager
def on_stage(platform: Platform, hubspot: HubSpot, browser: Browser) -> Iterator[Stage]:
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
        page.goto(platform.access.admin_link(ANN))
        chooses_password(page)
        expect(page.get_by_text("Nothing is connected yet.")).to_be_visible()
        yield Stage(platform, hubspot, dagster, page)
        context.close()


def chooses_password(page: Page) -> None:
    """On the page that a one-time link opens."""
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Keep it").click()


def sound(page: Page) -> None:
    """The page can be used without seeing it, without a mouse, and on a phone."""
    assert page.evaluate(WRONGS) == [], page.url
    before = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.url
    assert before is not None
    page.set_viewport_size(before)


def goes_to_the_vendor(stage: Stage, url: str | None = None) -> None:
    """From the connector's page to the vendor's own."""
    page, url = stage.page, url or stage.hubspot.url
    page.goto("/connect/hubspot")
    page.get_by_text("Advanced").first.click()
    form = page.locator("form").filter(has=page.get_by_role("button", name="Go to HubSpot"))
    form.get_by_label("Another address than HubSpot's").fill(url)
    for limit in ("burst", "search"):
        form.get_by_label(f"Call limit “{limit}”").fill("unlimited")
    page.get_by_role("button", name="Go to HubSpot").click()
    page.wait_for_url(f"{url}/**")


def signs_in(stage: Stage, name: str) -> None:
    """From the connectors to the choice of objects, by the vendor's own page."""
    page = stage.page
    goes_to_the_vendor(stage)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="What should be synced?").wait_for()
    page.get_by_label("Name", exact=True).fill(name)


def connects(stage: Stage, name: str = "acme") -> None:
    """All the way, until the first sync has ended."""
    signs_in(stage, name)
    stage.page.get_by_role("button", name="Connect and sync").click()
    expect(stage.page.get_by_role("heading", name="Done:")).to_be_visible()
