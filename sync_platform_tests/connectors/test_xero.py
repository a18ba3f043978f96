from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import xero
from sync_platform.connectors._xero_calls import in_iso
from sync_platform.connectors.xero import connector

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)
WITH_PAGES = {
    *("bank_transactions", "contacts", "credit_notes", "invoices", "linked_transactions"),
    *("manual_journals", "overpayments", "payments", "prepayments", "purchase_orders", "quotes"),
}


def reading(name: str) -> spec.Request:
    read = connector[name].read
    assert isinstance(read, spec.Request)
    return read


def params(name: str, **asked: Any) -> Mapping[str, Any]:
    made = reading(name).params
    assert callable(made)
    return made(spec.Read(**asked))


def headers(name: str, **asked: Any) -> Mapping[str, str]:
    made = reading(name).headers
    return made(spec.Read(**asked)) if callable(made) else made


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []
    assert len(connector.objects) == 24


# -- reads ----------------------------------------------------------------------------------------


def test_changes_are_asked_for_by_a_header_in_whole_seconds_of_utc_one_early() -> None:
    vienna = datetime(2024, 1, 1, 1, 0, 0, 987654, timezone(timedelta(hours=1)))
    asked = headers("invoices", since=vienna)
    assert asked == {"If-Modified-Since": "2023-12-31T23:59:59Z"}
    assert headers("invoices") == {}


def test_a_windows_bounds_are_a_condition_that_leaves_nothing_out() -> None:
    assert params("invoices", since=JAN_1, until=FEB_1)["where"] == (
        "UpdatedDateUTC>=DateTime(2024,1,1,0,0,0) && UpdatedDateUTC<DateTime(2024,2,1,0,0,0)"
    )
    later = FEB_1 + timedelta(microseconds=1)
    assert params("contacts", until=later)["where"] == "UpdatedDateUTC<DateTime(2024,2,1,0,0,1)"
    assert "where" not in params("invoices")


@pytest.mark.parametrize("name", ["purchase_orders", "quotes", "journals", "bank_transfers"])
def test_what_takes_no_such_condition_reads_to_the_present(name: str) -> None:
    assert "where" not in params(name, since=JAN_1, until=FEB_1)
    assert headers(name, since=JAN_1)


def test_lists_with_pages_are_asked_for_the_first_one_since_else_they_have_no_lines() -> None:
    asked = {obj.name for obj in connector.objects if params(obj.name).get("page") == 1}
    assert asked == WITH_PAGES


def test_the_next_page_is_told_by_the_total() -> None:
    pages = reading("invoices").pages
    body = {"pagination": {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 1001}}
    following = pages(body, [{}] * 1000, None)
    assert following == spec.NextPage(params={"page": 2}, resumable=False)
    assert pages(body, [{}], following) is None


def test_quotes_and_linked_transactions_come_by_hundreds() -> None:
    for name in ("quotes", "linked_transactions"):
        pages = reading(name).pages
        assert "pageSize" not in params(name)
        assert pages({}, [{}] * 100, None) == spec.NextPage(params={"page": 2}, resumable=False)
        assert pages({}, [{}] * 99, None) is None


def test_pages_are_in_the_order_of_ids() -> None:
    assert params("invoices")["order"] == "InvoiceID ASC"
    assert params("quotes")["order"] == "QuoteID ASC"


def test_journals_are_walked_by_their_number() -> None:
    assert params("journals") == {"offset": 0}
    assert params("journals", after="200") == {"offset": "200"}
    page = [{"JournalNumber": number} for number in range(101, 201)]
    assert reading("journals").pages({}, page, None) == spec.NextPage(after="200")
    assert reading("journals").pages({}, page[:99], None) is None


def test_archived_and_deleted_records_are_asked_for_where_they_would_be_hidden() -> None:
    for name in ("contacts", "invoices", "tracking_categories"):
        assert params(name)["includeArchived"] == "true"
    assert params("bank_transfers")["includeDeleted"] == "true"


def test_unit_prices_are_asked_for_with_four_decimals() -> None:
    exact = {obj.name for obj in connector.objects if params(obj.name).get("unitdp") == 4}
    assert exact == {
        *("bank_transactions", "credit_notes", "invoices", "items", "overpayments", "prepayments"),
    }


def test_filters_become_parameters_and_conditions() -> None:
    chosen = {"status": "PAID,AUTHORISED", "type": "ACCREC", "issued_within": "2024-01-01T10:00Z"}
    asked = params("invoices", until=FEB_1, filters=chosen)
    assert asked["Statuses"] == "PAID,AUTHORISED"
    assert asked["where"] == (
        'Date>=DateTime(2024,1,1,10,0,0) && Type=="ACCREC" && '
        "UpdatedDateUTC<DateTime(2024,2,1,0,0,0)"
    )
    assert "where" not in params("invoices", filters={"type": "ACCREC,ACCPAY"})  # there are no more


@pytest.mark.parametrize("name", ["purchase_orders", "quotes"])
def test_lists_without_conditions_take_a_status_and_a_day(name: str) -> None:
    chosen = {"status": "DRAFT", "issued_within": "2024-01-01T10:00Z"}
    asked = params(name, filters=chosen)
    assert (asked["Status"], asked["DateFrom"]) == ("DRAFT", "2023-12-31")
    assert "where" not in asked
    assert "Status" not in params(name, filters={"status": "DRAFT,DELETED"})
    assert {"Status", "DateFrom"}.isdisjoint(params(name))


@pytest.mark.parametrize("name", ["credit_notes", "manual_journals", "overpayments", "prepayments"])
def test_one_status_is_a_condition_and_of_several_the_rows_are_looked_at(name: str) -> None:
    status, _ = connector[name].filters
    (chosen, *others) = status.values
    assert params(name, filters={"status": chosen})["where"] == f'Status=="{chosen}"'
    assert "where" not in params(name, filters={"status": ",".join(status.values)})
    assert "Statuses" not in params(name, filters={"status": chosen})
    assert status.keeps is not None
    assert status.keeps({"Status": chosen}, f"{chosen},X")
    assert not status.keeps({"Status": others[0]}, f"{chosen},X")


def test_rows_of_such_lists_are_looked_at_again() -> None:
    status, lately = connector["quotes"].filters
    assert status.keeps
    assert lately.keeps
    assert [status.keeps({"Status": it}, "SENT,DRAFT") for it in ("SENT", "ACCEPTED")] == [
        True,
        False,
    ]
    dates = ["2024-01-02T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-01-01", None]
    kept = [lately.keeps({"Date": it}, "2024-01-01T10:00:00Z") for it in dates]
    assert kept == [True, False, False, False]
    assert lately.keeps({"Date": "2024-01-01"}, "2024-01-01T00:00:00Z")


# -- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("/Date(1573755038314+0000)/", "2019-11-14T18:10:38.314Z"),
        ("/Date(1573755038314)/", "2019-11-14T18:10:38.314Z"),
        ("/Date(1573755038314+1300)/", "2019-11-14T18:10:38.314Z"),
        ("/Date(-86400000+0000)/", "1969-12-31T00:00:00.000Z"),
        ("/Date(-62135596800000)/", "0001-01-01T00:00:00.000Z"),
        ("/Date(99999999999999999)/", "/Date(99999999999999999)/"),
        ("See /Date(1573755038314)/", "See /Date(1573755038314)/"),
        ("", ""),
        (None, None),
        (1573755038314, 1573755038314),
        (False, False),
    ],
)
def test_moments_are_written_in_iso_8601(theirs: Any, ours: Any) -> None:
    assert connector["invoices"].row({"Date": theirs}) == {"Date": ours}
    assert in_iso([{"a": [theirs]}]) == [{"a": [ours]}]


@pytest.mark.parametrize(
    ("name", "field", "gone", "kept"),
    [
        ("invoices", "Status", ["DELETED", "VOIDED"], ["DRAFT", "PAID"]),
        ("credit_notes", "Status", ["DELETED", "VOIDED"], ["AUTHORISED"]),
        ("bank_transactions", "Status", ["DELETED", "VOIDED"], ["AUTHORISED"]),
        ("manual_journals", "Status", ["DELETED", "VOIDED"], ["POSTED", "ARCHIVED"]),
        ("payments", "Status", ["DELETED"], ["AUTHORISED"]),
        ("accounts", "Status", ["DELETED"], ["ACTIVE", "ARCHIVED"]),
        ("tracking_categories", "Status", ["DELETED"], ["ACTIVE", "ARCHIVED"]),
        ("contacts", "ContactStatus", ["GDPRREQUEST"], ["ACTIVE", "ARCHIVED"]),
        ("users", "OrganisationRole", ["REMOVED"], ["STANDARD"]),
        ("overpayments", "Status", ["VOIDED"], ["PAID"]),
    ],
)
def test_which_statuses_mean_that_a_record_is_gone(
    name: str, field: str, gone: list[str], kept: list[str]
) -> None:
    says = connector[name].gone_when
    assert says
    assert all(says({field: each}) for each in gone)
    assert not any(says({field: each}) for each in [*kept, None])


def test_cursors_and_what_only_full_syncs_read() -> None:
    cursors = {obj.name: obj.cursor for obj in connector.objects}
    assert {name for name, cursor in cursors.items() if cursor is None} == {
        *("branding_themes", "contact_groups", "currencies", "linked_transactions"),
        *("organisations", "repeating_invoices", "tax_rates", "tracking_categories"),
    }
    creations = {name for name, cursor in cursors.items() if cursor == "CreatedDateUTC"}
    assert creations == {"journals", "bank_transfers"}
    assert all(obj.lookback >= timedelta(seconds=1) for obj in connector.objects if obj.cursor)


def test_keys_of_xero_itself_are_in_no_table() -> None:
    assert not {"APIKey", "XeroNetworkKey"} & {
        field.name
        for obj in connector.objects
        for field in obj.fields  # type: ignore[union-attr]
    }


# -- the connection -------------------------------------------------------------------------------


class Listing:
    """An Api that lists connections."""

    def get(self, path: str, **params: str) -> spec.Json:
        assert path == "/connections"
        return [
            {"tenantId": "t-1", "tenantType": "ORGANISATION", "tenantName": "Acme"},
            {"tenantId": "t-2", "tenantType": "PRACTICE", "tenantName": "Their accountants"},
        ]


def test_only_organisations_can_be_chosen() -> None:
    api: Any = Listing()
    assert list(xero.tenants(api)) == [spec.Option(value="t-1", label="Acme")]


def test_every_call_names_the_organisation_once_it_is_chosen() -> None:
    assert xero.of_tenant({"tenant_id": "t-1"}) == {"xero-tenant-id": "t-1"}
    assert xero.of_tenant({}) == {}


@pytest.mark.parametrize(
    ("status", "detail", "meaning"),
    [
        (401, "AuthorizationUnsuccessful", "not_permitted"),
        (401, "TokenExpired: token expired at 10/28/2020 22:42:12", None),
        (403, "AuthenticationUnsuccessful", "sign_in_refused"),
        (403, "Something else", None),
    ],
)
def test_what_xeros_refusals_mean(status: int, detail: str, meaning: str | None) -> None:
    assert connector.means(status, {"Status": status, "Detail": detail}) == meaning
    assert connector.means(status, None) is None


def test_the_sentence_is_of_the_record_that_is_wrong() -> None:
    wrong = {"ValidationErrors": [{"Message": "A Contact is required"}, {"Message": "No Date."}]}
    body = {"Message": "A validation exception occurred", "Elements": [{}, wrong]}
    assert connector.says(body) == "A Contact is required. No Date."
    assert connector.says({"Message": "Bad"}) is None
    assert connector.says(None) is None


def test_limits_are_told_by_headers() -> None:
    minute, day = connector.limits
    assert minute.told
    assert day.told
    headers = {"x-minlimit-remaining": "59", "x-daylimit-remaining": "4711"}
    assert minute.told(headers) == spec.CallsLeft(left=59)
    assert day.told(headers) == spec.CallsLeft(left=4711)
    assert minute.told({}) is None
    assert minute.penalty == 2  # where a 429 does not say: too many calls at the same time


def test_scopes_are_narrow_and_for_each_object() -> None:
    assert connector["invoices"].scopes == ["accounting.invoices.read"]
    assert connector["invoices"].write_scopes == ["accounting.invoices"]
    assert connector["bank_transfers"].scopes == ["accounting.banktransactions.read"]
    assert not connector["journals"].write_scopes
    way = connector.auth[0]
    assert isinstance(way, spec.OAuth2)
    assert "offline_access" in way.scopes
    assert way.refresh_rotates
