"""The pages in a real browser: what only shows there."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Counts, Target, Usage
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.web.chromium import (
    ANN,
    Stage,
    chromium,
    connects,
    goes_to_the_vendor,
    on_stage,
    sound,
)
from sync_platform_tests.web.serving import PASSWORD
from sync_platform_tests.web.test_pages_list import made

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as it:
        yield it


@pytest.fixture
def stage(platform: Platform, hubspot: HubSpot, browser: Browser) -> Iterator[Stage]:
    with on_stage(platform, hubspot, browser) as it:
        yield it


def test_a_sync_that_runs_is_watched_page_by_page(stage: Stage) -> None:
    page, platform = stage.page, stage.platform
    connects(stage)
    a_while_ago = platform.clock.now() - timedelta(seconds=10)
    with platform.past.record(
        Target("acme", "contacts"),
        mode=SyncMode.FULL,
        window=SyncWindow(),
        started_at=a_while_ago,
    ) as record:
        record.add(Counts(fetched=400), Usage(calls=2, pages=2, bytes=117_000))
        page.goto("/connections/acme")
        contacts = page.locator(".under-way tbody tr")
        expect(contacts).to_contain_text("Running")
        numbers = contacts.locator("td.number")
        expect(numbers).to_have_text(["2", "400", "117 kB", re.compile(r"1\d s")])
        expect(page.locator("#condition")).to_have_text("Syncing")
        with page.expect_response("**/connections/acme"):
            pass  # the page looks again by itself; meanwhile more has come
        record.add(Counts(fetched=800), Usage(calls=6, pages=6, bytes=1_400_000))
        expect(numbers.nth(0)).to_have_text("6")
        expect(numbers.nth(1)).to_have_text("1,200")
        expect(numbers.nth(2)).to_have_text("1.4 MB")
    expect(page.locator("#condition")).to_have_text("Healthy")
    expect(page.locator(".under-way")).to_have_count(0)


def test_whose_session_ends_at_the_vendor_signs_in_once_more_and_goes_on(stage: Stage) -> None:
    page = stage.page
    # Another website to the browser than 127.0.0.1: only what may come along from there does.
    goes_to_the_vendor(stage, stage.hubspot.url.replace("127.0.0.1", "localhost"))
    (session,) = (
        each["value"] for each in page.context.cookies() if each["name"] == "sync_platform_session"
    )
    stage.platform.access.sign_out(session)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Sign in once more to go on connecting")).to_be_visible()
    sound(page)
    page.get_by_label("E-mail address").fill(ANN)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What should be synced?")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("acme")
    page.get_by_role("button", name="Connect and sync").click()
    expect(page.get_by_role("heading", name="Done:")).to_be_visible()
    assert stage.platform.connection("acme").account_id == "24117733"


def test_what_does_not_fit_is_told_also_of_fields_that_are_folded_away(stage: Stage) -> None:
    page = stage.page
    connects(stage)
    page.goto("/connections/acme/tables")
    page.get_by_text("Interval, filters, columns of Deals").click()
    page.locator("#interval-deals").fill("2")
    page.get_by_text("Interval, filters, columns of Deals").click()
    page.get_by_role("button", name="Save").click()
    told = page.get_by_role("alert")
    expect(told).to_have_text("The interval of Deals must be from 5 to 1440 minutes, not 2.")
    expect(page.locator("#interval-deals")).to_be_visible()
    page.locator("#interval-deals").fill("60")
    page.locator("#interval").fill("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("label:has([value=deals])")).to_contain_text("every 1 hour")
    expect(page.locator("label:has([value=tickets])")).to_contain_text("every 30 minutes")


def rows(page: Page) -> list[str]:
    """The connections that the list shows."""
    return page.locator("#connections th[scope=row] a").all_text_contents()


def test_one_of_hundreds_is_found_with_the_keyboard(stage: Stage) -> None:
    page, platform = stage.page, stage.platform
    made(platform, *(f"customer-{number:03}" for number in range(300)))
    platform.store.flag("customer-217", ConnectionStatus.NEEDS_REAUTH, "Reconnect customer-217.")
    page.goto("/")
    expect(page).to_have_title("(1) Connections · sync_platform")
    assert rows(page)[0] == "customer-217"
    assert len(rows(page)) == 50
    sound(page)
    page.get_by_label("Search").focus()
    page.keyboard.type("customer 29")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="All 13")).to_be_visible()
    found = [number for number in range(300) if "29" in f"{number:03}"]
    assert rows(page) == [f"customer-{number:03}" for number in found]
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Needs a person 1").click()
    expect(page.get_by_text("Reconnect customer-217.")).to_be_visible()
    assert rows(page) == ["customer-217"]


def test_every_page_besides_is_sound(stage: Stage) -> None:
    page, platform = stage.page, stage.platform
    made(platform, "acme")
    page.goto("/")
    sound(page)
    paths = ["/connect", *(f"/connect/{name}" for name in platform.connectors())]
    paths += ["/settings/people", "/settings/keys", "/settings/account", "/api/v1/reference"]
    for path in (*paths, "/nothing", "/connect/callback", "/connect/sign-ins/x"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        sound(page)
    page.goto("/settings/keys")
    page.get_by_label("Name").fill("nightly report")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("API key")).to_be_visible()
    sound(page)
    page.goto("/settings/people")
    page.get_by_label("E-mail address").fill("bob@example.com")
    page.get_by_role("button", name="Add and make a link").click()
    link = page.get_by_label("One-time link").input_value()
    sound(page)
    page.get_by_role("button", name="Sign out").click()
    for path in ("/sign-in", link):
        page.goto(path)
        sound(page)
