"""Salesforce into Postgres: real HTTP, real Postgres, a whole org behind it."""

from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.connectors.salesforce import CORE
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.errors import ConfigurationError
from sync_platform_tests.journeys.salesforce.stage import Stage


def test_every_kind_of_value_arrives(stage: Stage) -> None:
    objects = (*CORE, "Invoice__c", "AccountHistory", "TaskStatus", "Attachment")
    stage.connect(*objects)
    for each in objects:
        stage.vendor.add_many(each, 30)
    stage.vendor.add("Invoice__c", Number__c='a"b,\nc', Place__Latitude__s=48.2, At__c=None)
    stage.vendor.answering.page_size = 7
    for each in objects:
        assert stage.sync(each, SyncMode.FULL).counts.rejected == 0
        if each != "Attachment":
            assert stage.equal(each), each
    assert "body" not in stage.rows("attachment")[0]
    invoice = stage.rows("invoice__c", "number__c LIKE 'a%'")[0]
    assert (float(invoice["place__latitude__s"]), invoice["paid__c"]) == (48.2, False)
    assert "place__c" not in invoice


def test_what_is_left_out_is_named_in_the_comment_of_the_id(stage: Stage) -> None:
    stage.connect("Attachment")
    id, *_ = stage.platform.catalogs.fields(Target("acme", "Attachment")) or []
    assert id.description == "Not synced: Body (a file)."


def test_an_incremental_sync_is_two_calls_and_brings_what_changed_and_went(stage: Stage) -> None:
    stage.connect("Contact")
    first, second, *_ = stage.vendor.add_many("Contact", 5)
    stage.sync("Contact")
    stage.vendor.edit("Contact", first, Title="Head of everything")
    stage.vendor.delete("Contact", second)
    new = stage.vendor.add("Contact", LastName="Nová")
    before = stage.vendor.calls.total()
    counts = stage.sync("Contact").counts
    assert (counts.created, counts.updated, counts.deleted) == (1, 1, 1)
    assert stage.vendor.calls.total() - before == 2
    assert stage.equal("Contact")
    stage.vendor.undelete("Contact", second)
    stage.vendor.edit("Contact", new, Title=None)
    stage.sync("Contact")
    assert stage.equal("Contact")


def test_a_record_that_was_removed_for_good_is_told_by_get_deleted(stage: Stage) -> None:
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.vendor.delete("Lead", gone)
    stage.vendor.purge("Lead", gone)
    stage.clock.later += timedelta(minutes=2)  # deletions are told by the minute
    assert stage.sync("Lead").counts.deleted == 1
    (row,) = stage.rows("lead", "_deleted_at IS NOT NULL")
    assert (row["id"], row["_deleted_by"]) == (gone, "vendor")


def test_deletions_that_are_told_late_are_asked_for_again(stage: Stage) -> None:
    """While a long transaction runs, getDeleted is behind; the cursor waits for it."""
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.clock.later += timedelta(hours=2)
    stage.vendor.purge("Lead", gone)
    stage.vendor.org.tables["Lead"].deleted[gone] = stage.clock.seconds() + 1e9  # not told yet
    stage.vendor.answering.covered_behind = 3600.0
    deleted_at = stage.clock.now()
    stage.vendor.add_many("Lead", 1)
    stage.clock.later += timedelta(minutes=10)
    assert stage.sync("Lead").counts.deleted == 0
    assert stage.cursor("Lead") < deleted_at
    stage.vendor.org.tables["Lead"].deleted[gone] = deleted_at.timestamp()
    stage.vendor.answering.covered_behind = 0.0
    stage.clock.later += timedelta(hours=1)
    assert stage.sync("Lead").counts.deleted == 1


def test_more_deletions_than_an_answer_holds_are_asked_for_by_halves(stage: Stage) -> None:
    stage.connect("Lead")
    leads = stage.vendor.add_many("Lead", 40)
    stage.sync("Lead")
    stage.vendor.answering.most_deleted = 10
    for id in leads[:32]:
        stage.clock.later += timedelta(minutes=1)
        stage.vendor.purge("Lead", id)
    stage.clock.later += timedelta(minutes=2)
    assert stage.sync("Lead").counts.deleted == 32
    assert stage.called("/Lead/deleted/") > 4
    assert stage.equal("Lead")


def test_a_pause_longer_than_deletions_are_remembered_is_followed_by_a_full_sync(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.vendor.purge("Lead", gone)
    stage.clock.later += timedelta(days=20)
    stage.age("Lead")
    told = stage.told("Lead", SyncMode.INCREMENTAL, accept_deletes=True)
    assert "the vendor remembers deletions for 13 days only: this sync reads everything" in told[0]
    assert stage.equal("Lead")


def test_a_quiet_object_is_not_taken_for_a_paused_one(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    for _ in range(10):
        assert stage.sync("Lead").mode is SyncMode.INCREMENTAL
        stage.clock.later += timedelta(days=3)


def test_a_from_date_sync_of_long_ago_asks_for_no_deletions_that_are_forgotten(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    now = stage.clock.now()
    old = SyncWindow(now - timedelta(days=90), now - timedelta(days=89))
    assert stage.sync("Lead", SyncMode.FROM_DATE, window=old).counts.fetched == 0
    assert stage.called("/Lead/deleted/") == 0
    recent = SyncWindow(now - timedelta(days=90), None)
    assert stage.sync("Lead", SyncMode.FROM_DATE, window=recent).counts.created == 3
    assert stage.called("/Lead/deleted/") == 1


def test_history_moves_by_its_creation(stage: Stage) -> None:
    stage.connect("AccountHistory")
    stage.vendor.add_many("AccountHistory", 3)
    stage.sync("AccountHistory")
    stage.vendor.add_many("AccountHistory", 2)
    counts = stage.sync("AccountHistory").counts
    assert (counts.created, counts.rejected) == (2, 0)
    assert stage.cursor("AccountHistory") > datetime.now(UTC) - timedelta(hours=2)
    assert stage.equal("AccountHistory")


def test_archived_activities_are_read(stage: Stage) -> None:
    stage.connect("Task")
    stage.vendor.add("Task", Subject="Call", IsArchived=True)
    assert stage.sync("Task", SyncMode.FULL).counts.created == 1
    assert stage.equal("Task")


def test_eight_hundred_fields_are_read_by_post(stage: Stage) -> None:
    stage.vendor.add_fields(
        "Account", *(f"AVeryLongNameOfACustomField_{n:03d}__c double" for n in range(800))
    )
    stage.connect("Account")
    ids = stage.vendor.add_many("Account", 25)
    stage.vendor.edit("Account", ids[3], AVeryLongNameOfACustomField_799__c=4.5)
    stage.vendor.answering.page_size = 10
    assert stage.sync("Account", SyncMode.FULL).counts.created == 25
    assert stage.equal("Account")
    assert stage.vendor.statuses[414] == 0
    assert stage.called("/composite/sobjects/Account") == 3
    stage.vendor.edit("Account", ids[3], Name="Renamed")
    stage.vendor.delete("Account", ids[4])
    counts = stage.sync("Account").counts
    assert (counts.updated, counts.deleted) == (1, 1)
    assert stage.equal("Account")


def test_a_locator_that_has_ended_lets_the_read_begin_again(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 25)
    stage.vendor.answering.page_size = 10
    stage.vendor.fail(kind="status", status=503, times=50, path="*/query/*", after=1)
    with pytest.raises(Exception, match="at the moment"):
        stage.sync("Lead", SyncMode.FULL)
    stage.vendor.faults.clear()
    stage.clock.later += timedelta(hours=23)
    stage.vendor.answering.locator_lasts = -1.0
    stage.vendor.answering.page_size = 2000
    assert stage.sync("Lead", SyncMode.FULL).counts.rejected == 0
    assert stage.equal("Lead")


def test_formulas_are_read_again_by_themselves(stage: Stage) -> None:
    stage.connect("Opportunity", "Lead")
    id, *_ = stage.vendor.add_many("Opportunity", 3)
    for each in ("Opportunity", "Lead"):
        stage.sync(each, SyncMode.FULL)
    stage.clock.later += timedelta(hours=2)
    stage.sync("Opportunity")
    stage.vendor.recalculate("Opportunity", id, Weighted__c=77.0)
    stage.sync("Opportunity")
    assert not stage.equal("Opportunity")  # nothing says that it changed
    stage.clock.later += timedelta(hours=13)
    (due,) = stage.platform.due_computed()
    assert due.objects == ("Opportunity",)  # leads have no formula
    counts = stage.sync("Opportunity", SyncMode.COMPUTED).counts
    assert (counts.updated, counts.created, counts.deleted) == (1, 0, 0)
    assert stage.equal("Opportunity")


def test_a_filter_in_soql_is_the_vendors_to_apply(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 9)
    kept = stage.vendor.add("Lead", LastName="Zuse", Company="Z, K & G")
    condition = "LastName = 'Zuse' OR Company = 'Nobody, Inc'"
    stage.platform.set_filters("acme", "Lead", {"where": condition, "created_within": "30"})
    assert stage.sync("Lead", SyncMode.FULL).counts.created == 1
    assert stage.rows("lead")[0]["id"] == kept


@pytest.mark.parametrize("condition", ["Nope__c = 1", "LastName ="])
def test_a_condition_that_the_vendor_does_not_take_is_a_persons_to_mend(
    stage: Stage, condition: str
) -> None:
    stage.connect("Lead")
    stage.platform.set_filters("acme", "Lead", {"where": condition})
    with pytest.raises(ConfigurationError, match=rf"where={condition}. Choose another filter"):
        stage.sync("Lead", SyncMode.FULL)
