"""Lists that end too early, or never, by HTTP: no live row is marked, and no cursor passes what was
not read."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from starlette.responses import Response

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import IncompleteRead
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.calls import Call, answer
from sync_platform.sandbox.hubspot import HubSpot
from sync_platform.sandbox.stripe import Stripe
from sync_platform.sandbox.xero import Xero

CONTACTS = Target("acme-hubspot", "contacts")
SEARCH = "/crm/v3/objects/contacts/search"
FOREVER = 40  # calls of one list


def sync(platform: Platform, target: Target, mode: SyncMode = SyncMode.INCREMENTAL) -> SyncResult:
    request = SyncRequest(target=target, mode=mode)
    return platform.sync(request).run(into=platform.destination)


def live(platform: Platform) -> int:
    """How many contacts are not marked as deleted."""
    query = "SELECT count(*) FROM acme_hubspot.contacts WHERE _deleted_at IS NULL"
    with psycopg.connect(platform.database_url) as postgres:
        (count,) = postgres.execute(query).fetchone() or (0,)
        return int(count)


def age(platform: Platform) -> None:
    """Make the rows look as old as yesterday's, so that a full sync may mark them."""
    with psycopg.connect(platform.database_url) as postgres:
        old = "UPDATE acme_hubspot.contacts SET _synced_at = _synced_at - interval '1 day'"
        postgres.execute(old)


def nth(number: int, path: str, change: Callable[[Any], None]) -> Callable[[Call, Response], Any]:
    """What changes the body of that answer of a path, counted from 1, or (0) of each."""
    seen = 0

    def instead(call: Call, given: Response) -> Response:
        nonlocal seen
        seen += call.path == path
        if call.path != path or number not in (0, seen):
            return given
        body = json.loads(bytes(given.body))
        change(body)
        return answer(body)

    return instead


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("mode", [SyncMode.FULL, SyncMode.INCREMENTAL])
def test_a_search_whose_page_is_not_full_is_read_to_its_end(
    platform: Platform, hubspot: HubSpot, mode: SyncMode
) -> None:
    hubspot.add_many("contacts", 1000)
    if mode is SyncMode.FULL:
        sync(platform, CONTACTS)
        age(platform)
    hubspot.instead = nth(3, SEARCH, lambda body: body["results"].pop())
    sync(platform, CONTACTS, mode)
    assert live(platform) == 1000


@pytest.mark.usefixtures("acme")
def test_an_empty_page_of_a_search_that_says_that_there_is_more_marks_nothing(
    platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 1000)
    hubspot.instead = nth(2, SEARCH, lambda body: body["results"].clear())
    with pytest.raises(IncompleteRead, match="holds no records and says that there are more"):
        sync(platform, CONTACTS)
    assert platform.cursors.get(CONTACTS) is None
    hubspot.instead = lambda call, given: given
    sync(platform, CONTACTS)
    age(platform)
    hubspot.instead = nth(2, SEARCH, lambda body: body["results"].clear())
    with pytest.raises(IncompleteRead, match=r"Nothing was marked as deleted\."):
        sync(platform, CONTACTS, SyncMode.FULL)
    assert live(platform) == 1000


@pytest.mark.usefixtures("acme")
def test_owners_whose_pages_lead_in_a_circle_end_their_sync(
    platform: Platform, hubspot: HubSpot
) -> None:
    calls = 0

    def circling(call: Call, given: Response) -> Response:
        nonlocal calls
        if call.path != "/crm/v3/owners":
            return given
        calls += 1
        assert calls < FOREVER
        after = {"": "1", "1": "2", "2": "3", "3": "1"}[call.first("after")]
        return answer({"results": [{"id": "1"}], "paging": {"next": {"after": after}}})

    hubspot.instead = circling
    with pytest.raises(IncompleteRead, match="gave the same next page twice"):
        sync(platform, Target("acme-hubspot", "owners"))


@pytest.fixture
def xero(platform: Platform) -> Iterator[Xero]:
    """A Xero, connected as acme-xero."""
    secret = Secret({"client_id": "custom-client", "client_secret": "custom-secret"})
    unlimited = {"rate_limit.minute": "unlimited", "rate_limit.day": "unlimited"}
    with serve(Xero()) as vendor:
        platform.connect("xero", "acme-xero", secret, base_url=vendor.url, settings=unlimited)
        yield vendor


def test_quotes_that_come_again_on_every_page_end_their_sync(
    platform: Platform, xero: Xero
) -> None:
    quote = {"Status": "DRAFT", "UpdatedDateUTC": "/Date(1573755038314)/"}
    same = [{"QuoteID": f"00000000-0000-0000-0000-{n:012}", **quote} for n in range(100)]
    calls = 0

    def heedless(body: Any) -> None:
        nonlocal calls
        calls += 1
        assert calls < FOREVER
        body["Quotes"] = same

    xero.instead = nth(0, "/api.xro/2.0/Quotes", heedless)
    with pytest.raises(IncompleteRead, match="gave the same records on page 1 and on page 2"):
        sync(platform, Target("acme-xero", "quotes"))


def test_a_list_of_stripe_s_that_goes_in_a_circle_ends_its_sync(platform: Platform) -> None:
    calls = 0

    def circling(body: Any) -> None:
        nonlocal calls
        calls += 1
        assert calls < FOREVER
        body |= {
            "has_more": True,
            "data": [{"id": f"cus_{calls % 3}", "created": 1, "metadata": {}}],
        }

    with serve(Stripe()) as stripe:
        for number in range(3):
            stripe.add("customers", id=f"cus_{number}")
        unlimited = {"rate_limit.account": "unlimited", "rate_limit.endpoint": "unlimited"}
        secret = Secret({"token": "sandbox-token"})
        platform.connect("stripe", "acme", secret, base_url=stripe.url, settings=unlimited)
        stripe.instead = nth(0, "/v1/customers", circling)
        with pytest.raises(IncompleteRead, match="ends where an earlier one did"):
            sync(platform, Target("acme", "customers"))
