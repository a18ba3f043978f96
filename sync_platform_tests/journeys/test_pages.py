"""The way of a person through the pages, clicked in a real browser: from an empty store to a synced
table, at a vendor with a consent page of its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.results import Target
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.web.chromium import (
    CONTACTS,
    Stage,
    chromium,
    connects,
    on_stage,
    signs_in,
    sound,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as it:
        yield it


@pytest.fixture
def stage(platform: Platform, hubspot: HubSpot, browser: Browser) -> Iterator[Stage]:
    with on_stage(platform, hubspot, browser) as it:
        yield it


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
