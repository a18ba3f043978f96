"""Xero into Postgres: real HTTP, real Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import RateLimited, Refused
from sync_platform.sandbox.xero_query import written
from sync_platform_tests.journeys.xero.stage import Stage

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)


def test_every_object_is_read_in_full_and_equals_what_xero_has(stage: Stage) -> None:
    for name in stage.xero.organisation().records:
        if name not in ALWAYS_THERE:
            stage.xero.add_many(name, 3)
    stage.connects()
    objects = [obj.name for obj in stage.platform.connector("xero").objects]
    assert {*objects} == stage.xero.organisation().records.keys()
    for name in objects:
        assert stage.sync(name, SyncMode.FULL).counts.rejected == 0
        assert stage.rows(name), name
        assert stage.differences(name) == [], name


ALWAYS_THERE = (
    *("accounts", "branding_themes", "contact_groups", "currencies", "journals"),
    *("organisations", "tax_rates", "tracking_categories", "users"),
)


def test_moments_become_timestamps_and_dates_also_within_lines(stage: Stage) -> None:
    stage.xero.add(
        "invoices",
        InvoiceID="i-1",
        Status="AUTHORISED",
        Date="/Date(-86400000+0000)/",
        DueDate="/Date(1573755038314)/",
        UpdatedDateUTC="/Date(1573755038314+0000)/",
        Payments=[{"PaymentID": "p-1", "Date": "/Date(1543449600000+0000)/"}],
    )
    stage.connects()
    stage.sync()
    row = stage.rows()["i-1"]
    assert (str(row["date"]), str(row["due_date"])) == ("1969-12-31", "2019-11-14")
    assert row["updated_date_utc"] == datetime(2019, 11, 14, 18, 10, 38, 314000, UTC)
    assert row["payments"] == [{"PaymentID": "p-1", "Date": "2018-11-29T00:00:00.000Z"}]


def test_more_than_a_page_is_read_with_all_lines(stage: Stage) -> None:
    stage.xero.add_many("contacts", 3)
    stage.xero.add_many("invoices", 1200)
    stage.xero.add_many("quotes", 250)
    stage.connects()
    assert stage.sync().counts.created == 1200
    assert stage.sync("quotes").counts.created == 250
    assert all(row["line_items"] for row in stage.rows().values())
    assert stage.differences("invoices") == []
    assert stage.xero.calls["GET", "/api.xro/2.0/Invoices"] == 2


def test_journals_are_read_by_their_number_and_then_only_new_ones(stage: Stage) -> None:
    org = stage.xero.organisation()
    for _ in range(230):
        org.post("ACCREC", "i-1", 10.0)
    stage.connects()
    assert stage.sync("journals").counts.created == 230
    assert stage.xero.calls["GET", "/api.xro/2.0/Journals"] == 3
    org.post("ACCREC", "i-2", 20.0)
    assert stage.sync("journals").counts.created == 1
    assert stage.differences("journals") == []


def test_an_incremental_sync_brings_what_changed(stage: Stage) -> None:
    ids = _long_ago(stage, "invoices", 300)
    stage.connects()
    stage.sync()
    stage.xero.edit("invoices", ids[7], Reference="Edited")
    stage.xero.add_many("invoices", 1)
    result = stage.sync()
    assert (result.counts.created, result.counts.updated) == (1, 1)
    assert result.counts.fetched == 3  # with the newest, which may have changed within its second
    assert stage.differences("invoices") == []


def _long_ago(stage: Stage, object: str, count: int) -> list[str]:
    """Invented records, each last touched on a day of its own, long ago."""
    ids = stage.xero.add_many(object, count)
    org, day = stage.xero.organisation(), 86_400_000
    for place, id in enumerate(ids):
        org.records[object][id]["UpdatedDateUTC"] = written(1704067200000 + place * day)
    return ids


@pytest.mark.parametrize(
    ("object", "status"),
    [
        ("invoices", "VOIDED"),
        ("credit_notes", "VOIDED"),
        ("bank_transactions", "DELETED"),
        ("payments", "DELETED"),
        ("manual_journals", "VOIDED"),
        ("purchase_orders", "DELETED"),
        ("quotes", "DELETED"),
        ("bank_transfers", "DELETED"),
        ("accounts", "DELETED"),
    ],
)
def test_a_deletion_that_is_a_status_is_seen_by_the_next_incremental_sync(
    stage: Stage, object: str, status: str
) -> None:
    ids = stage.xero.add_many(object, 3) if object != "accounts" else _accounts(stage)
    stage.connects()
    before = stage.sync(object).counts.created
    stage.xero.edit(object, ids[0], Status=status)
    assert stage.sync(object).counts.deleted == 1
    marked = [id for id, row in stage.rows(object).items() if row["_deleted_at"]]
    assert (marked, len(stage.rows(object))) == ([ids[0]], before)


@pytest.mark.parametrize(
    ("object", "chosen", "status"),
    [
        ("invoices", "AUTHORISED", "VOIDED"),
        ("invoices", "DRAFT,AUTHORISED", "DELETED"),
        ("credit_notes", "AUTHORISED", "VOIDED"),
        ("manual_journals", "POSTED", "VOIDED"),
        ("overpayments", "AUTHORISED", "VOIDED"),
        ("prepayments", "AUTHORISED", "VOIDED"),
        ("purchase_orders", "AUTHORISED", "DELETED"),
        ("quotes", "SENT", "DELETED"),
    ],
)
def test_a_deletion_is_seen_where_only_some_statuses_are_synced(
    stage: Stage, object: str, chosen: str, status: str
) -> None:
    ids = stage.xero.add_many(object, 4)
    first = chosen.split(",")[0]
    for id in ids[:3]:
        stage.xero.edit(object, id, Status=first)
    stage.xero.edit(object, ids[3], Status="SUBMITTED")
    stage.connects(objects=[object])
    stage.platform.set_filters("acme-xero", object, {"status": chosen})
    stage.sync(object)
    assert stage.rows(object).keys() == {*ids[:3]}
    stage.xero.edit(object, ids[0], Status=status)
    stage.xero.edit(object, ids[3], Note="is of no concern")
    assert stage.sync(object).counts.deleted == 1
    gone = {id: row["_deleted_at"] is not None for id, row in stage.rows(object).items()}
    assert gone == {ids[0]: True, ids[1]: False, ids[2]: False}


def _accounts(stage: Stage) -> list[str]:
    return list(stage.xero.records("accounts"))[1:]


def test_an_archived_contact_stays_and_one_after_a_privacy_request_is_gone(stage: Stage) -> None:
    archived, forgotten = stage.xero.add_many("contacts", 2)
    stage.connects()
    stage.sync("contacts")
    stage.xero.edit("contacts", archived, ContactStatus="ARCHIVED")
    stage.xero.edit("contacts", forgotten, ContactStatus="GDPRREQUEST")
    assert stage.sync("contacts").counts.deleted == 1
    rows = stage.rows("contacts")
    assert (rows[archived]["contact_status"], rows[archived]["_deleted_at"]) == ("ARCHIVED", None)
    assert rows[forgotten]["_deleted_at"]


def test_a_deleted_item_is_found_by_a_full_sync(stage: Stage) -> None:
    ids = stage.xero.add_many("items", 5)
    stage.connects()
    stage.sync("items")
    _age(stage, "items")
    stage.xero.remove("items", ids[0])
    assert stage.sync("items").counts.deleted == 0
    assert stage.sync("items", SyncMode.FULL).counts.deleted == 1
    assert stage.differences("items") == []


def _age(stage: Stage, object: str) -> None:
    """Make the rows look as old as rows of yesterday: a reconcile spares very new ones."""
    older = f"UPDATE acme_xero.{object} SET _synced_at = _synced_at - interval '1 day'"
    with psycopg.connect(stage.platform.database_url) as postgres:
        postgres.execute(older)


def test_a_from_date_sync_reads_its_window(stage: Stage) -> None:
    for day in range(5):
        moment = JAN_1 + timedelta(days=day, milliseconds=500)
        stamp = written(int(moment.timestamp() * 1000))
        stage.xero.add("invoices", InvoiceID=f"i-{day}", UpdatedDateUTC=stamp, Status="DRAFT")
    stage.connects()
    window = SyncWindow(JAN_1 + timedelta(days=1), JAN_1 + timedelta(days=3))
    assert stage.sync(mode=SyncMode.FROM_DATE, window=window).counts.fetched == 2
    assert sorted(stage.rows()) == ["i-1", "i-2"]


@pytest.mark.parametrize(
    ("object", "key"), [("purchase_orders", "PurchaseOrderID"), ("credit_notes", "CreditNoteID")]
)
def test_documents_are_filtered_by_statuses_and_days(stage: Stage, object: str, key: str) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for id, status, days in (
        ("p-1", "DRAFT", 1),
        ("p-2", "AUTHORISED", 1),
        ("p-3", "SUBMITTED", 1),
        ("p-4", "DRAFT", 40),
    ):
        date = written(int((today - timedelta(days=days)).timestamp() * 1000))
        stage.xero.add(object, Status=status, Date=date, **{key: id})
    stage.connects(objects=[object])
    for chosen, there in (("DRAFT", {"p-1"}), ("DRAFT,SUBMITTED", {"p-1", "p-3"})):
        filters = {"status": chosen, "issued_within": "30"}
        stage.platform.set_filters("acme-xero", object, filters)
        stage.sync(object)
        assert stage.rows(object).keys() == there


def test_tax_rates_tell_no_changes_so_only_full_syncs_read_them(stage: Stage) -> None:
    stage.connects()
    assert stage.sync("tax_rates").mode is SyncMode.FULL
    with pytest.raises(Refused, match="only be synced in full"):
        stage.sync("tax_rates", SyncMode.FROM_DATE)


@pytest.mark.parametrize("kind", ["reset", "cut", "malformed"])
def test_a_spoilt_answer_is_asked_for_again(stage: Stage, kind: Any) -> None:
    stage.xero.add_many("invoices", 20)
    stage.connects()
    stage.xero.fail(kind=kind, path="*/Invoices")
    assert stage.sync().counts.created == 20
    assert stage.differences("invoices") == []


# -- limits ---------------------------------------------------------------------------------------


def test_the_minutes_limit_is_waited_for(stage: Stage) -> None:
    org = stage.xero.organisation()
    for _ in range(350):
        org.post("ACCREC", "i-1", 10.0)
    stage.connects()
    stage.xero.fail("status", status=429, retry_after=1, path="*/Journals")
    assert stage.sync("journals").counts.created == 350
    assert stage.xero.statuses[429] == 1


def test_the_days_limit_stops_until_it_is_over(stage: Stage) -> None:
    stage.connects(known={"rate_limit.minute": "unlimited"})
    stage.xero.set_limits({"day": 0})
    with pytest.raises(RateLimited) as told:
        stage.sync("contacts")
    assert (told.value.retry_after or 0) > 80_000
    calls = stage.xero.calls.total()
    with pytest.raises(RateLimited, match=r"goes on by itself in 1,\d\d\d minutes"):
        stage.sync("contacts")
    assert stage.xero.calls.total() == calls  # nothing is called that would be refused
