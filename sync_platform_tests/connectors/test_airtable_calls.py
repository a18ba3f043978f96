"""What the Airtable connector asks and sends, in values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors.airtable import means
from sync_platform.spec import Json
from sync_platform_tests.connectors.airtable_table import table

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)


def params(**asked: Any) -> dict[str, Any]:
    read = table().read
    assert isinstance(read, spec.Request)
    assert callable(read.params)
    return dict(read.params(spec.Read(**asked)))


# -- reading --------------------------------------------------------------------------------------


def test_a_full_read_asks_for_everything_by_ids() -> None:
    asked = {name: value for name, value in params().items() if value is not None}
    assert asked == {"pageSize": 100, "returnFieldsByFieldId": "true"}


def test_a_window_is_a_formula_half_open() -> None:
    assert params(since=JAN_1, until=FEB_1)["filterByFormula"] == (
        "AND(NOT(IS_BEFORE(LAST_MODIFIED_TIME(), DATETIME_PARSE('2024-01-01T00:00:00.000Z'))), "
        "IS_BEFORE(LAST_MODIFIED_TIME(), DATETIME_PARSE('2024-02-01T00:00:00.000Z')))"
    )


def test_filters_go_with_the_window() -> None:
    filters = {"view": "Open", "formula": "{Stars} > 3", "created_within": spec.iso(JAN_1)}
    asked = params(until=FEB_1, filters=filters)
    assert asked["view"] == "Open"
    assert asked["filterByFormula"] == (
        "AND(IS_BEFORE(LAST_MODIFIED_TIME(), DATETIME_PARSE('2024-02-01T00:00:00.000Z')), "
        "NOT(IS_BEFORE(CREATED_TIME(), DATETIME_PARSE('2024-01-01T00:00:00.000Z'))), {Stars} > 3)"
    )


def test_pages_follow_the_offset() -> None:
    read = table().read
    assert isinstance(read, spec.Request)
    assert read.path == "/v0/appB/tblT"
    goes_on = read.pages({"records": [], "offset": "itr1/rec1"}, [], None)
    assert goes_on == spec.NextPage(params={"offset": "itr1/rec1"})
    assert read.pages({"records": []}, [], None) is None


def test_a_table_that_tells_no_changes_is_read_in_full() -> None:
    silent = table(None)
    assert (silent.incremental, silent.sees_deletes, silent.computed_every) == (False, False, None)


def test_a_table_with_a_time_of_its_last_change_is_read_by_it() -> None:
    told = table()
    assert (told.cursor, told.lookback) == ("fldM", timedelta(minutes=10))
    assert table(deletions=False).lookback == timedelta(hours=1)
    assert told.computed_every == timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (422, {"error": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}, "page_forgotten"),
        (422, {"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}, "page_forgotten"),
        (422, {"error": {"type": "INVALID_FILTER_BY_FORMULA"}}, "query_refused"),
        (422, {"error": {"type": "VIEW_NAME_NOT_FOUND"}}, "query_refused"),
        (404, {"error": {"type": "VIEW_ID_NOT_FOUND"}}, "query_refused"),
        (404, {"error": {"type": "TABLE_NOT_FOUND"}}, "not_permitted"),
        (422, {"error": {"type": "INVALID_REQUEST_UNKNOWN"}}, None),
        (404, {"error": "NOT_FOUND"}, None),
        (500, None, None),
        (429, {"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED"}]}, "not_permitted"),
        (429, {"errors": [{"error": "RATE_LIMIT_REACHED", "message": "Wait"}]}, None),
        (429, {"errors": []}, None),
        (429, "Too many", None),
        (429, None, None),
    ],
)
def test_an_offset_that_expired_a_filter_and_a_month_that_is_used_up_are_told_apart(
    status: int, body: Json, meaning: str | None
) -> None:
    assert means(status, body) == meaning


# -- writing --------------------------------------------------------------------------------------


def test_ten_changes_are_one_call() -> None:
    changes = [
        spec.OutboundChange(kind="update", key=f"rec{each}", values={"Name": f"N{each}"})
        for each in (1, 2)
    ]
    create, update, delete = table().create, table().update, table().delete
    assert isinstance(create, spec.Request)
    assert isinstance(update, spec.Request)
    assert isinstance(delete, spec.Request)
    assert {create.at_once, update.at_once, delete.at_once} == {10}
    assert callable(create.json)
    assert callable(update.json)
    assert callable(delete.params)
    assert create.json(changes) == {
        "records": [{"fields": {"Name": "N1"}}, {"fields": {"Name": "N2"}}]
    }
    assert update.json(changes) == {
        "records": [
            {"id": "rec1", "fields": {"Name": "N1"}},
            {"id": "rec2", "fields": {"Name": "N2"}},
        ]
    }
    assert delete.params(changes) == {"records[]": ["rec1", "rec2"]}
    assert update.repeatable
    assert not create.repeatable


@pytest.mark.parametrize("name", ["id", "createdTime"])
def test_a_field_whose_column_has_another_name_is_written_by_its_own(name: str) -> None:
    change = spec.OutboundChange(kind="create", key="rec1", values={f"{name} (field)": 5})
    for write in (table().create, table().update):
        assert isinstance(write, spec.Request)
        assert callable(write.json)
        assert write.json([change])["records"][0]["fields"] == {name: 5}
