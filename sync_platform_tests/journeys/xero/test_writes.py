"""Changes that are written to Xero, as its sandbox takes them."""

from typing import Any

import pytest

from sync_platform.errors import RecordRejected
from sync_platform_tests.journeys.xero.stage import Stage


def test_a_change_is_written_once_however_often_it_is_sent(stage: Stage) -> None:
    stage.connects(writing=True)
    ada = {"Name": "Ada Ltd", "EmailAddress": "ada@example.com"}
    first = stage.change("contacts", "create", values=ada, id="change-1")
    again = stage.change("contacts", "create", values=ada, id="change-1")
    assert first == again
    (made,) = stage.xero.records("contacts").values()
    id = made["ContactID"]
    stage.change("contacts", "update", key=id, values={"Name": "Ada Inc"}, id="change-2")
    assert stage.xero.records("contacts")[id]["Name"] == "Ada Inc"


def test_a_refused_change_is_told(stage: Stage) -> None:
    stage.connects(writing=True)
    stage.change("contacts", "create", values={"Name": "Ada Ltd"}, id="1")
    with pytest.raises(
        RecordRejected, match="did not take the change: The Name Ada Ltd is already"
    ):
        stage.change("contacts", "create", values={"Name": "Ada Ltd"}, id="2")


@pytest.mark.parametrize(
    ("object", "values"),
    [
        ("items", {"Code": "A-1"}),
        ("contact_groups", {"Name": "Friends"}),
        ("tracking_categories", {"Name": "Season"}),
        ("accounts", {"Code": "987", "Name": "Snacks", "Type": "EXPENSE"}),
        ("invoices", {"Type": "ACCREC", "Contact": {"Name": "Ada"}, "LineItems": []}),
    ],
)
def test_a_record_is_created_changed_and_deleted(
    stage: Stage, object: str, values: dict[str, Any]
) -> None:
    stage.connects(writing=True)
    before = stage.xero.records(object).keys()
    stage.change(object, "create", values=values, id="1")
    (key,) = stage.xero.records(object).keys() - before
    changed = {"Name": "Changed"} if "Name" in values else {"Reference": "Changed"}
    stage.change(object, "update", key=key, values=changed, id="2")
    assert changed.items() <= stage.xero.records(object)[key].items()
    stage.change(object, "delete", key=key, id="3")
    assert key not in stage.xero.records(object)


def test_deleting_what_counts_already_voids_it(stage: Stage) -> None:
    stage.connects(writing=True)
    ada = {"Name": "Ada"}
    id = stage.xero.create("invoices", Type="ACCREC", Contact=ada, Status="AUTHORISED")
    for _ in range(2):  # as where the first answer was lost
        stage.change("invoices", "delete", key=id, id="1")
    assert stage.xero.organisation().get("invoices", id)["Status"] == "VOIDED"
