"""How the Salesforce connector asks for records and for what was deleted, in values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _salesforce_bulk as bulk
from sync_platform.connectors import _salesforce_reads as reads
from sync_platform.connectors._salesforce_gone import gone
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform_tests.connectors.answers_in_turn import Answers

JAN_1 = datetime(2026, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2026, 2, 1, 10, 30, 0, 500_000, tzinfo=UTC)
FIELDS = ("Id", "Name", "IsDeleted", "SystemModstamp")
V = "/services/data/v62.0"


def query(read: spec.Read, name: str = "Account") -> str:
    return reads.soql(name, read.fields, read)


def pages(reader: reads.Reader, api: Answers, **asked: Any) -> list[spec.Page]:
    return list(reader(api, spec.Read(**{"fields": FIELDS, **asked})))


# -- queries --------------------------------------------------------------------------------------


def test_a_full_read_asks_for_everything() -> None:
    wanted = "SELECT Id, Name, IsDeleted, SystemModstamp FROM Account"
    assert query(spec.Read(fields=FIELDS)) == wanted


def test_a_window_is_in_whole_seconds_and_in_the_order_of_changes() -> None:
    asked = query(spec.Read(fields=FIELDS, since=JAN_1, until=FEB_1))
    assert asked.endswith(
        " WHERE SystemModstamp >= 2026-01-01T00:00:00Z AND SystemModstamp < 2026-02-01T10:30:01Z"
        " ORDER BY SystemModstamp"
    )


@pytest.mark.parametrize(
    ("fields", "moves"),
    [
        (("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"), "SystemModstamp"),
        (("Id", "CreatedDate", "LastModifiedDate"), "LastModifiedDate"),
        (("Id", "CreatedDate"), "CreatedDate"),
        (("Id", "Name"), None),
    ],
)
def test_records_move_by_the_first_that_they_have(fields: tuple[str, ...], moves: Any) -> None:
    assert reads.moves_by(fields) == moves
    asked = query(spec.Read(fields=fields, since=JAN_1))
    assert f"WHERE {moves} >= 2026-01-01T00:00:00Z" in asked if moves else "WHERE" not in asked


def test_what_is_deleted_or_archived_is_asked_for_where_an_object_can_tell() -> None:
    assert reads.operation(spec.Read(fields=FIELDS)) == "queryAll"
    assert reads.operation(spec.Read(fields=("Id", "Weighted__c"))) == "query"


def test_filters_join_the_window_in_parentheses() -> None:
    days = {"created_within": "2026-01-05T00:00:00.000Z", "where": "A = 1 OR B = 2"}
    asked = query(spec.Read(fields=FIELDS, since=JAN_1, filters=days))
    assert " AND CreatedDate >= 2026-01-05T00:00:00Z AND (A = 1 OR B = 2) ORDER BY" in asked


def test_counting_asks_for_no_order() -> None:
    api = Answers([{"totalSize": 7, "done": True, "records": []}])
    assert reads.count("Account")(api, spec.Read(fields=FIELDS, since=JAN_1)) == 7
    assert api.asked[0].path == f"{V}/queryAll"
    wanted = "SELECT COUNT() FROM Account WHERE SystemModstamp >= 2026-01-01T00:00:00Z"
    assert api.asked[0].params == {"q": wanted}


# -- pages ----------------------------------------------------------------------------------------


def record(id: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account", "url": "/x"}, "Id": id, **values}


def test_the_next_page_is_where_salesforce_says() -> None:
    more = f"{V}/query/01gX-2000"
    api = Answers([
        {"done": False, "nextRecordsUrl": more, "records": [record("1")]},
        {"done": True, "records": [record("2")]},
    ])  # fmt: skip
    first, last = pages(reads.rows("Account"), api)
    assert (first.rows, last.rows) == ([{"Id": "1"}], [{"Id": "2"}])
    assert (first.resume, last.resume) == ({"next": more, "seen": 1}, None)
    assert [it.path for it in api.asked] == [f"{V}/queryAll", more]


def test_a_read_goes_on_from_the_page_that_was_next() -> None:
    more = f"{V}/query/01gX-2000"
    api = Answers([{"done": True, "records": [record("2")]}])
    pages(reads.rows("Account"), api, resume={"next": more})
    assert [it.path for it in api.asked] == [more]


@pytest.mark.parametrize("answer", [None, {}, {"records": 7}, []])
def test_an_answer_without_records_is_an_error(answer: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="without a list of records"):
        pages(reads.rows("Account"), Answers([answer]))


def test_the_same_next_page_twice_is_an_error() -> None:
    page = {"nextRecordsUrl": f"{V}/query/01gX-1", "records": []}
    with pytest.raises(IncompleteRead, match="same next page of Account twice"):
        pages(reads.rows("Account"), Answers([dict(page) for _ in range(3)]))


def test_next_pages_that_lead_in_a_circle_are_an_error() -> None:
    around = [{"nextRecordsUrl": f"{V}/query/01gX-{n % 3}", "records": []} for n in range(20)]
    with pytest.raises(IncompleteRead, match="same next page of Account twice"):
        pages(reads.rows("Account"), Answers(around))


def test_where_records_have_no_system_modstamp_the_page_says_how_far_it_goes() -> None:
    api = Answers([{"records": [record("1", CreatedDate="2026-01-03T04:05:06.000+0000")]}])
    (page,) = pages(reads.rows("AccountHistory"), api, fields=("Id", "CreatedDate"))
    assert page.reached == datetime(2026, 1, 3, 4, 5, 6, tzinfo=UTC)


def test_many_fields_are_asked_for_by_post_of_ids() -> None:
    wide = (*FIELDS, *(f"AVeryLongNameOfAField_{n:03d}__c" for n in range(600)))
    there = [record("1", IsDeleted=False), record("2", IsDeleted=True), record("3")]
    api = Answers([{"records": there}, [record("1", Name="One"), record("3")]])
    (page,) = pages(reads.rows("Account"), api, fields=wide)
    few, whole = api.asked
    assert few.params == {"q": "SELECT Id, IsDeleted, SystemModstamp FROM Account"}
    assert few.headers == {"Sforce-Query-Options": "batchSize=500"}
    assert (whole.method, whole.path) == ("POST", f"{V}/composite/sobjects/Account")
    assert whole.json == {"ids": ["1", "3"], "fields": list(wide)}
    assert whole.repeatable
    assert page.rows == [{"Id": "2", "IsDeleted": True}, {"Id": "1", "Name": "One"}, {"Id": "3"}]


def test_the_longest_query_in_an_address_leaves_room_for_the_rest() -> None:
    assert reads.LONGEST + len("https://a-long-name-of-a-company--sandbox.sandbox.my.salesforce.com")\
        + len(f"{V}/queryAll?q=") < 16_384  # fmt: skip


# -- bulk -----------------------------------------------------------------------------------------


DESCRIBED = {"fields": [{"name": "Id", "type": "id"}]}


def results(*lines: dict[str, str], more: str = "null") -> spec.Answer:
    return spec.Answer(list(lines), {"sforce-locator": more, "sforce-numberofrecords": "1"})


def test_a_bulk_job_is_asked_for_awaited_and_read() -> None:
    api = Answers([
        DESCRIBED,
        {"id": "750X", "state": "UploadComplete"},
        {"state": "InProgress"},
        {"state": "InProgress"},
        {"state": "JobComplete"},
        results({"Id": "1", "Name": "", "IsDeleted": "false"}, more="MTAw"),
        results({"Id": "2", "Name": "Two", "IsDeleted": "true"}),
    ])  # fmt: skip
    first, last = pages(bulk.in_bulk("Account"), api)
    made = api.asked[1]
    assert (made.method, made.path) == ("POST", f"{V}/jobs/query")
    wanted = "SELECT Id, Name, IsDeleted, SystemModstamp FROM Account"
    assert made.json == {"operation": "queryAll", "query": wanted}
    assert api.paused == [1.0, 1.5]
    assert first.rows == [{"Id": "1", "Name": None, "IsDeleted": "false"}]
    assert first.resume == {"job": "750X", "locator": "MTAw", "seen": 1}
    assert last.resume is None
    assert [reads.is_gone(row) for row in (*first.rows, *last.rows)] == [False, True]
    asked = api.asked[-1]
    assert (asked.path, asked.answers) == (f"{V}/jobs/query/750X/results", "csv")
    assert asked.params == {"maxRecords": 62_500, "locator": "MTAw"}
    assert asked.columns == FIELDS


def test_a_bulk_read_goes_on_with_its_job() -> None:
    api = Answers([DESCRIBED, {"state": "JobComplete"}, results({"Id": "2"})])
    place = {"job": "750X", "locator": "MTAw"}
    pages(bulk.in_bulk("Account"), api, resume=place)
    assert [it.path for it in api.asked] == [
        f"{V}/sobjects/Account/describe",
        f"{V}/jobs/query/750X",
        f"{V}/jobs/query/750X/results",
    ]


def test_a_bulk_job_that_failed_is_told() -> None:
    api = Answers(
        [DESCRIBED, {"id": "750X"}, {"state": "Failed", "errorMessage": "No such column"}]
    )
    with pytest.raises(UnexpectedResponse, match="bulk query of Account: No such column"):
        pages(bulk.in_bulk("Account"), api)


def test_looking_at_a_job_becomes_rarer() -> None:
    api = Answers([*({"state": "InProgress"} for _ in range(20)), {"state": "JobComplete"}])
    bulk.await_end("Account", api, "/x")
    assert api.paused[-1] == 20.0


# -- deletions ------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def deleted(*ids: str, covered: str = "2026-03-01T12:00:00.000+0000") -> dict[str, Any]:
    told = [{"id": id, "deletedDate": "2026-03-01T11:00:00.000+0000"} for id in ids]
    return {"deletedRecords": told, "latestDateCovered": covered}


def spans(api: Answers) -> list[tuple[str, str]]:
    asked = [it.params for it in api.asked if it.path.endswith("/deleted/")]
    return [(it["start"], it["end"]) for it in asked if isinstance(it, dict)]


def test_deletions_are_asked_for_over_the_window() -> None:
    api = Answers([deleted("1", "2"), {"records": []}])
    since = NOW - timedelta(minutes=20)
    (page,) = pages(gone("Account"), api, since=since, until=NOW, started_at=NOW)
    assert (page.gone, page.reached) == ([("1",), ("2",)], None)
    assert api.asked[0].path == f"{V}/sobjects/Account/deleted/"
    assert spans(api) == [("2026-03-01T11:40:30+00:00", "2026-03-01T12:00:30+00:00")]
    wanted = "SELECT Id FROM Account WHERE Id IN ('1','2') AND IsDeleted = false"
    assert (api.asked[1].path, api.asked[1].params) == (f"{V}/queryAll", {"q": wanted})


def test_a_read_of_everything_asks_for_none() -> None:
    assert pages(gone("Account"), Answers([]), started_at=NOW) == []


def test_only_what_is_remembered_is_asked_for() -> None:
    api = Answers([deleted()])
    pages(gone("Account"), api, since=JAN_1, started_at=NOW)
    assert spans(api) == [("2026-02-16T12:00:30+00:00", "2026-03-01T12:00:30+00:00")]
    none = Answers([])
    assert pages(gone("Account"), none, since=JAN_1, until=FEB_1, started_at=NOW) == []


def test_a_short_window_is_widened_because_seconds_do_not_count() -> None:
    api = Answers([deleted()])
    since = NOW - timedelta(seconds=5)
    pages(gone("Account"), api, since=since, until=NOW, started_at=NOW)
    assert spans(api) == [("2026-03-01T11:58:30+00:00", "2026-03-01T12:00:30+00:00")]


def test_what_is_covered_later_is_told() -> None:
    api = Answers([deleted(covered="2026-03-01T11:30:00.000+0000")])
    since = NOW - timedelta(hours=2)
    (page,) = pages(gone("Account"), api, since=since, until=NOW, started_at=NOW)
    assert page.reached == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
