from collections.abc import Iterator
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors.hubspot import connector
from sync_platform.engine import extract
from sync_platform.engine.ports import Secret
from sync_platform.errors import NeedsReauth, NotPermitted, RecordRejected
from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.conftest import Open

CONTACTS = connector["contacts"]
EVERYTHING = spec.Read(fields=("email",))


@pytest.fixture
def hubspot(clock: FakeClock) -> Iterator[HubSpot]:
    """It lives in the same time as we do, so that a wait is one on both sides."""
    vendor = HubSpot(
        tokens={"sandbox-token": None, "reads-nothing": ()},
        contacts=450,
        burst=100,
        search_per_second=5,
        clock=lambda: clock.now().timestamp(),
    )
    with serve(vendor) as hubspot:
        yield hubspot


def opened(open_api: Open, hubspot: HubSpot, token: str = "sandbox-token", **parts: Any) -> Any:
    given = {"base_url": hubspot.url, "secret": lambda: Secret({"token": token})}
    return open_api(connector, **(given | parts))


def ids(api: Any) -> list[str]:
    pages = extract.rows(CONTACTS, api, EVERYTHING)
    return [row["hs_object_id"] for page in pages for row in page.rows]


def test_everything_is_read_once_through_every_kind_of_fault(
    open_api: Open, hubspot: HubSpot, clock: FakeClock
) -> None:
    hubspot.fail("reset")
    hubspot.fail("cut")
    hubspot.fail("malformed")
    hubspot.fail("status", status=502)
    hubspot.fail("status", status=429, retry_after=7)
    api = opened(open_api, hubspot)
    assert ids(api) == list(hubspot.records("contacts"))
    assert (api.usage.calls, api.usage.pages) == (8, 3)
    assert clock.slept >= 7


def test_our_pace_is_within_hubspots_limits(
    open_api: Open, hubspot: HubSpot, clock: FakeClock
) -> None:
    api = opened(open_api, hubspot)
    for _ in range(10):
        ids(api)
    for _ in range(150):
        api.send(connector.check)
    assert hubspot.statuses[429] == 0
    assert hubspot.statuses[200] == 180
    assert clock.slept > 10


def test_without_a_pace_of_our_own_hubspots_refusals_are_waited_for(
    open_api: Open, hubspot: HubSpot
) -> None:
    api = opened(open_api, hubspot, settings={"rate_limit.search": "0", "rate_limit.burst": "0"})
    for _ in range(5):
        assert len(ids(api)) == 450
    assert hubspot.statuses[429] > 0


def test_refusals_are_told_in_hubspots_words(open_api: Open, hubspot: HubSpot) -> None:
    wrong = spec.OutboundChange(kind="create", values={"nothing": "x"})
    assert CONTACTS.create
    with pytest.raises(RecordRejected, match=r"HubSpot did not take the change: .*nothing") as told:
        opened(open_api, hubspot).send(CONTACTS.create, wrong)
    assert told.value.evidence["status"] == 400
    with pytest.raises(NotPermitted, match="hasn't been granted all required scopes"):
        ids(opened(open_api, hubspot, token="reads-nothing"))
    with pytest.raises(NeedsReauth, match="HubSpot no longer accepts this sign-in"):
        opened(open_api, hubspot, token="unknown").send(connector.check)


def test_a_record_is_created_changed_and_deleted(open_api: Open, hubspot: HubSpot) -> None:
    api = opened(open_api, hubspot)
    assert CONTACTS.create
    assert CONTACTS.update
    assert CONTACTS.delete
    ada = {"email": "ada@acme.test"}
    created = api.send(CONTACTS.create, spec.OutboundChange(kind="create", values=ada))
    renamed = spec.OutboundChange(kind="update", key=created["id"], values={"firstname": "Ada"})
    assert api.send(CONTACTS.update, renamed)["properties"]["firstname"] == "Ada"
    gone = spec.OutboundChange(kind="delete", key=created["id"])
    assert api.send(CONTACTS.delete, gone) is None
    assert created["id"] not in hubspot.records("contacts")
    archived = [page.gone for page in extract.gone(CONTACTS, api, spec.Read())]
    assert archived == [[(created["id"],)]]
