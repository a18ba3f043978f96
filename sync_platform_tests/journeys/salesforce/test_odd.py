"""Salesforce into Postgres where it answers oddly: what is odd is told, and proves no deletion."""

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform_tests.journeys.salesforce.stage import Stage


def test_a_history_record_without_its_moment_is_a_row_as_any(stage: Stage) -> None:
    stage.connect("AccountHistory")
    stage.vendor.add_many("AccountHistory", 3)
    id = stage.vendor.add("AccountHistory", CreatedDate=None)
    assert stage.sync("AccountHistory", SyncMode.FULL).counts.created == 4
    (row,) = stage.rows("account_history", "created_date IS NULL")
    assert row["id"] == id
    stage.vendor.org.tables["AccountHistory"].latest[id]["CreatedDate"] = "soon"
    counts = stage.sync("AccountHistory", SyncMode.FULL).counts
    assert (counts.rejected, counts.deleted, counts.unchanged) == (1, 0, 3)


def test_a_query_that_loses_its_next_page_proves_no_deletion(stage: Stage) -> None:
    stage.connect("Contact")
    stage.vendor.add_many("Contact", 40)
    stage.sync("Contact", SyncMode.FULL)
    stage.age("contact")
    stage.vendor.answering.page_size = 25
    stage.vendor.answering.cut_short = True
    with pytest.raises(IncompleteRead, match="ended after 25 of 40 records"):
        stage.sync("Contact", SyncMode.FULL)
    assert len(stage.rows("contact")) == 40
    stage.vendor.answering.cut_short = False
    assert stage.sync("Contact", SyncMode.FULL).counts.unchanged == 40


def test_a_bulk_read_that_loses_its_next_page_proves_no_deletion(stage: Stage) -> None:
    stage.connect("Opportunity")
    stage.vendor.add_many("Opportunity", 20_001)
    stage.sync("Opportunity", SyncMode.FULL)
    stage.age("opportunity")
    stage.vendor.bulk.most = 15_000
    stage.vendor.bulk.tells = False
    with pytest.raises(IncompleteRead, match="of 20001 records"):
        stage.sync("Opportunity", SyncMode.FULL)
    assert len(stage.rows("opportunity")) == 20_001


def test_values_that_are_json_do_not_change_between_bulk_and_pages(stage: Stage) -> None:
    stage.vendor.add_fields("Opportunity", "Shape__c complexvalue")
    stage.connect("Opportunity")
    ids = stage.vendor.add_many("Opportunity", 20_001)
    stage.vendor.edit("Opportunity", ids[0], Shape__c={"sides": [3, 4]})
    stage.sync("Opportunity", SyncMode.FULL)
    (row,) = stage.rows("opportunity", "shape__c IS NOT NULL")
    assert row["shape__c"] == {"sides": [3, 4]}
    stage.vendor.purge("Opportunity", ids[-1])
    assert stage.sync("Opportunity", SyncMode.FULL).counts.updated == 0  # page by page


def test_a_page_of_a_proxy_is_no_missing_permission(stage: Stage) -> None:
    stage.connect("Contact")
    stage.vendor.add_many("Contact", 5)
    stage.sync("Contact", SyncMode.FULL)
    stage.vendor.fail("html", status=404, path="*/describe")
    with pytest.raises(UnexpectedResponse):
        stage.sync("Contact", SyncMode.FULL, automatic=True)
    assert stage.platform.connection("acme").status is ConnectionStatus.ACTIVE
    assert stage.sync("Contact", SyncMode.FULL, automatic=True).counts.unchanged == 5


def test_what_was_deleted_and_came_back_is_a_row(stage: Stage) -> None:
    """Also where getDeleted goes on telling of it."""
    stage.connect("Lead")
    back, gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    deleted = stage.vendor.org.tables["Lead"].deleted
    for id in (back, gone):
        stage.vendor.delete("Lead", id)
    told = dict(deleted)
    stage.vendor.purge("Lead", gone)
    stage.vendor.undelete("Lead", back)
    deleted |= told
    stage.clock.later += stage.plan("Lead").obj.lookback
    assert stage.sync("Lead").counts.deleted == 1
    assert stage.equal("Lead")


def test_archived_tasks_of_very_many_fields_are_read(stage: Stage) -> None:
    stage.vendor.add_fields(
        "Task", *(f"AVeryLongNameOfACustomField_{n:03d}__c double" for n in range(800))
    )
    stage.connect("Task")
    last = "AVeryLongNameOfACustomField_799__c"
    stage.vendor.add("Task", Subject="Old", IsArchived=True, **{last: 4.5})
    stage.vendor.add("Task", Subject="New")
    assert stage.sync("Task", SyncMode.FULL).counts.created == 2
    assert stage.called("/composite/sobjects/Task") == 1
    assert stage.equal("Task")
    stage.age("task")
    assert stage.sync("Task", SyncMode.FULL).counts.unchanged == 2
