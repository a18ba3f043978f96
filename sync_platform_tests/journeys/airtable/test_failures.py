"""Limits of Airtable, and reads that are disturbed."""

from datetime import timedelta

import httpx
import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import (
    CircuitOpen,
    NotPermitted,
    PageForgotten,
)
from sync_platform_tests.journeys.airtable.stage import Stage


def test_half_a_minute_of_refusals_is_waited_for(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.vendor.per_base = 5
    base, table = crm.vendor.base("CRM").id, crm.vendor.workspace.find("People")[1].id
    signed = {"Authorization": "Bearer sandbox-token"}
    with httpx.Client(base_url=crm.vendor.url, headers=signed) as another:
        statuses = [another.get(f"/v0/{base}/{table}").status_code for _ in range(7)]
    assert statuses[-1] == 429
    crm.platform.store.set_settings("acme", {"bases": base})  # limits as they are declared
    assert crm.sync("people").created == 1
    # Each of its calls waits: Postgres, which says for how long, has a clock that nobody turns.
    assert timedelta(seconds=30) <= crm.clock.later < timedelta(minutes=4)
    assert crm.platform.connection("acme").status.value == "active"


def test_a_month_whose_calls_are_used_up_is_told_and_not_asked_for_again(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.vendor.set_limits({"month": 0})
    before = crm.vendor.statuses[429]
    with pytest.raises(NotPermitted, match=r"upgrade your workspace, or .* then resume acme\."):
        crm.sync("people")
    assert crm.vendor.statuses[429] == before + 1
    connection = crm.platform.connection("acme")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert "try again next month" in (connection.status_reason or "")
    with pytest.raises(CircuitOpen):
        crm.sync("people", automatic=True)
    crm.vendor.set_limits({"month": None})
    crm.platform.resume("acme")
    assert crm.sync("people", automatic=True).created == 1


def test_an_offset_that_expires_in_the_middle_begins_the_read_again(crm: Stage) -> None:
    crm.vendor.add_many("People", 250)
    lists = [0]

    def life() -> None:
        lists[0] += bool(crm.vendor.listing.offsets)
        if lists[0] == 1:
            crm.vendor.forget_offsets()

    plan = crm.plan("people", SyncMode.FULL)
    told: list[str] = []
    plan.on_progress = lambda sentence, counts: told.append(sentence)
    crm.vendor.meanwhile = life
    plan.run(into=crm.platform.destination)
    assert "The vendor no longer knows the resume point; reading again." in told
    assert crm.differences("people") == []


def test_a_record_that_goes_while_its_page_is_next_is_no_harm(crm: Stage) -> None:
    crm.vendor.add_many("People", 250)
    crm.sync("people")
    crm.clock.sleep(7200)
    left = [True]

    def life() -> None:
        table = crm.vendor.workspace.find("People")[1]
        if left[0] and crm.vendor.listing.offsets:
            left[0] = False
            crm.vendor.delete("People", list(table.records)[100])  # the next page begins with it

    crm.vendor.meanwhile = life
    crm.full("people")
    assert not left[0]
    assert crm.differences("people") == []


def test_a_vendor_that_forgets_every_page_fails_the_sync_and_deletes_nothing(crm: Stage) -> None:
    crm.vendor.add_many("People", 150)
    crm.sync("people")
    crm.clock.sleep(7200)
    crm.vendor.meanwhile = crm.vendor.forget_offsets
    with pytest.raises(PageForgotten):
        crm.full("people")
    assert len(crm.rows("people")) == 150
