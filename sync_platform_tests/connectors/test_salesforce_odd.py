"""Odd records and cut answers of Salesforce's, in values: none is skipped, and none ends a read
that could go on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors._salesforce_bulk import in_bulk
from sync_platform.connectors._salesforce_gone import gone
from sync_platform.connectors._salesforce_reads import FEW, LONGEST, Reader, parts, rows
from sync_platform.errors import IncompleteRead, UnexpectedResponse
from sync_platform.transport.answers import decoded
from sync_platform_tests.connectors.answers_in_turn import Answers

V = "/services/data/v62.0"
FIELDS = ("Id", "Name", "IsDeleted", "SystemModstamp")
WIDE = (*FIELDS, *(f"AVeryLongNameOfAField_{n:03d}__c" for n in range(600)))
ENDED = "ended after (2 of 3 records|a page that does not say)"
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def pages(reader: Reader, answers: list[Any], **asked: Any) -> list[spec.Page]:
    return list(reader(Answers(answers), spec.Read(**{"fields": FIELDS, **asked})))


def keys(page: spec.Page) -> list[Any]:
    """The ids of a page's rows; what cannot be read stands in a list."""
    return [[it.get("Id")] if isinstance(it, spec.Unreadable) else it["Id"] for it in page.rows]


# -- records --------------------------------------------------------------------------------------

ODD = [None, "text", [1], {}, {"Id": None}, {"Id": "", "Name": "No id"}, {"Id": [1]}]


@pytest.mark.parametrize("odd", ODD)
def test_a_record_that_cannot_be_read_is_rejected_alone(odd: Any) -> None:
    answer = {"records": [{"Id": "1"}, odd]}
    (page,) = pages(rows("Account"), [answer])
    shown = [odd.get("Id") if isinstance(odd, dict) else None]
    assert keys(page) == ["1", shown]
    (page,) = pages(rows("Account"), [answer, [{"Id": "1", "Name": "One"}]], fields=WIDE)
    assert keys(page) == [shown, "1"]


@pytest.mark.parametrize("odd", ODD[:5])
def test_of_what_is_asked_for_by_its_ids_odd_ones_are_rejected_alone(odd: Any) -> None:
    ids = {"records": [{"Id": "1"}, {"Id": "2"}]}
    first = [{"Id": "1"}, odd] if odd is not None else [{"Id": "1"}, 7]
    (page,) = pages(rows("Account"), [ids, first], fields=WIDE)
    assert keys(page) == ["1", [None]]


@pytest.mark.parametrize("answer", [None, {}, [], [{"Id": "1"}], "text"])
def test_what_is_asked_for_by_its_ids_must_all_be_answered(answer: Any) -> None:
    ids = {"records": [{"Id": "1"}, {"Id": "2"}]}
    with pytest.raises(UnexpectedResponse, match="other records of Account than it was asked"):
        pages(rows("Account"), [ids, answer], fields=WIDE)


@pytest.mark.parametrize("moment", [None, "soon", [1], {}, True])
def test_a_record_whose_moment_cannot_be_read_does_not_say_how_far_a_page_goes(
    moment: Any,
) -> None:
    known = {"Id": "1", "CreatedDate": "2026-01-03T04:05:06.000+0000"}
    fields = ("Id", "CreatedDate")
    answer = {"records": [dict(known), {"Id": "2", "CreatedDate": moment}, {"Id": "3"}, None]}
    (page,) = pages(rows("AccountHistory"), [answer], fields=fields)
    assert keys(page) == ["1", "2", "3", [None]]
    assert page.reached == datetime(2026, 1, 3, 4, 5, 6, tzinfo=UTC)
    (page,) = pages(rows("AccountHistory"), [{"records": [{"Id": "2"}]}], fields=fields)
    assert page.reached is None


# -- what is archived -----------------------------------------------------------------------------


def test_what_comes_back_as_nothing_is_asked_for_by_parts_of_its_fields() -> None:
    ids = {"records": [{"Id": str(n)} for n in range(3)]}
    lists = list(parts(WIDE[1:2] + WIDE[3:], 60))
    assert [name for some in lists for name in some] == [*WIDE[1:2], *WIDE[3:]]
    halves = [
        {"records": [{"Id": id, "IsDeleted": False, names[0]: names[0]} for id in found]}
        for names, found in zip(lists, (("1", "2"), ("1",)), strict=True)
    ]
    api = Answers([ids, [{"Id": "0"}, None, None], *halves])
    (page,) = list(rows("Task")(api, spec.Read(fields=WIDE)))
    whole = {"Id": "1", "IsDeleted": False} | {names[0]: names[0] for names in lists}
    assert page.rows == [{"Id": "0"}, whole]  # 2 went meanwhile
    for asked in api.asked[2:]:
        assert asked.path == f"{V}/queryAll"
        assert isinstance(asked.params, dict)
        assert asked.params["q"].endswith("FROM Task WHERE Id IN ('1','2')")
        assert len(asked.params["q"]) < LONGEST


def test_many_that_come_back_as_nothing_are_asked_for_some_at_a_time() -> None:
    known = [str(n) for n in range(FEW + 1)]
    api = Answers([{"records": [{"Id": it} for it in known]}, [None] * len(known),
                   *[{"records": []}] * 4])  # fmt: skip
    (page,) = list(rows("Task")(api, spec.Read(fields=WIDE)))
    assert (page.rows, api.said) == ([], [])


# -- reads that are cut short ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "last",
    [
        {"done": False},
        {"done": True, "totalSize": 3},
        {"totalSize": 3},
        {"done": False, "totalSize": 2},
    ],
)
def test_a_query_that_ends_too_early_is_an_incomplete_read(last: dict[str, Any]) -> None:
    first = {"done": False, "totalSize": 3, "nextRecordsUrl": f"{V}/query/1"}
    records = {"records": [{"Id": "1"}]}
    with pytest.raises(IncompleteRead, match=ENDED):
        pages(rows("Account"), [first | records, last | records])
    going_on = {"next": f"{V}/query/1", "seen": 1}
    with pytest.raises(IncompleteRead, match=ENDED):
        pages(rows("Account"), [last | records], resume=going_on)


@pytest.mark.parametrize("odd", [[1], {"a": 1}, 7, True])
def test_a_next_page_that_is_no_address_is_an_error(odd: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="next page"):
        pages(rows("Account"), [{"done": False, "nextRecordsUrl": odd, "records": []}])


def test_how_many_were_seen_is_not_known_of_a_read_that_began_long_ago() -> None:
    answer = {"done": True, "totalSize": 3, "records": [{"Id": "1"}]}
    (page,) = pages(rows("Account"), [answer], resume={"next": f"{V}/query/1"})
    assert keys(page) == ["1"]


DESCRIBED = {"fields": [{"name": "Id", "type": "id"}, {"name": "Shape", "type": "complexvalue"}]}
BEGUN = {"id": "750X"}


def done(count: Any) -> dict[str, Any]:
    return {"state": "JobComplete", "numberRecordsProcessed": count}


def results(*ids: str, **headers: str) -> spec.Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return spec.Answer([{"Id": id, "Shape": "", "IsDeleted": "false"} for id in ids], told)


@pytest.mark.parametrize(
    ("count", "headers"),
    [(3, {}), (3, {"sforce_locator": "null"}), (3, {"sforce_locator": ""}), (None, {})],
)
def test_a_bulk_read_that_ends_too_early_is_an_incomplete_read(
    count: Any, headers: dict[str, str]
) -> None:
    before = results("1", sforce_locator="MTAw")
    with pytest.raises(IncompleteRead, match=ENDED):
        pages(in_bulk("Account"), [DESCRIBED, BEGUN, done(count), before, results("2", **headers)])
    place = {"job": "750X", "locator": "MTAw", "seen": 1}
    answers = [DESCRIBED, done(count), results("2", **headers)]
    with pytest.raises(IncompleteRead, match=ENDED):
        pages(in_bulk("Account"), answers, resume=place)


def test_a_bulk_read_is_whole_where_its_records_are_or_it_says_so() -> None:
    for count, headers in ((1, {}), (None, {"sforce_locator": "null"})):
        answers = [DESCRIBED, BEGUN, done(count), results("1", **headers)]
        assert [keys(page) for page in pages(in_bulk("Account"), answers)] == [["1"]]


def test_a_bulk_read_that_stays_where_it_is_is_an_error() -> None:
    same = results("1", sforce_locator="MTAw")
    with pytest.raises(IncompleteRead, match="same next page of Account twice"):
        pages(in_bulk("Account"), [DESCRIBED, BEGUN, done(3), same, same])


@pytest.mark.parametrize("told", [None, {}, [], {"state": None}])
def test_a_bulk_job_that_tells_nothing_is_an_error(told: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        pages(in_bulk("Account"), [DESCRIBED, BEGUN, told])
    with pytest.raises(UnexpectedResponse, match="began no bulk query"):
        pages(in_bulk("Account"), [DESCRIBED, {}])


# -- values in CSV --------------------------------------------------------------------------------


def test_values_that_are_json_are_the_same_in_bulk_as_page_by_page() -> None:
    lines = [
        {"Id": "1", "Shape": '{"sides": [3, 4]}', "Name": '{"sides": 3}'},
        {"Id": "2", "Shape": "", "Name": ""},
        {"Id": "3", "Shape": "{", "Name": ""},
        {"Id": "", "Shape": "", "Name": ""},
    ]
    answers = [DESCRIBED, BEGUN, done(4), spec.Answer(lines, {})]
    (page,) = pages(in_bulk("Account"), answers)
    assert keys(page) == ["1", "2", ["3"], [""]]
    assert page.rows[0] == {"Id": "1", "Shape": {"sides": [3, 4]}, "Name": '{"sides": 3}'}
    assert page.rows[1] == {"Id": "2", "Shape": None, "Name": None}


@pytest.mark.parametrize(
    "number", ["0.12345678901234567890", "12345678901234567.25", "0.1", "1e400", "-2.50", "7"]
)
def test_numbers_within_such_json_keep_their_digits(number: str) -> None:
    written = f'{{"at": [{number}]}}'
    lines = [{"Id": "1", "Shape": written, "Name": ""}]
    (page,) = pages(in_bulk("Account"), [DESCRIBED, BEGUN, done(1), spec.Answer(lines, {})])
    as_paged = decoded(written.encode())
    assert page.rows[0]["Shape"] == as_paged
    assert type(page.rows[0]["Shape"]["at"][0]) is type(as_paged["at"][0])


# -- deletions ------------------------------------------------------------------------------------

COVERED = "2026-03-01T12:00:00.000+0000"
SPAN: dict[str, Any] = {"since": NOW - timedelta(minutes=20), "until": NOW, "started_at": NOW}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"deletedRecords": None, "latestDateCovered": COVERED},
        {"deletedRecords": [], "latestDateCovered": None},
        {"deletedRecords": [], "latestDateCovered": "soon"},
        *(
            {"deletedRecords": [{"id": "1"}, odd], "latestDateCovered": COVERED}
            for odd in (None, {}, "text", {"id": None}, {"id": ""}, {"id": 5}, {"id": [1]})
        ),
    ],
)
def test_deletions_that_cannot_be_read_are_not_taken_for_none(answer: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="deletions of Account in a way"):
        pages(gone("Account"), [answer], **SPAN)


def test_an_id_is_quoted_however_odd_it_is() -> None:
    told = {"deletedRecords": [{"id": "it's\\"}], "latestDateCovered": COVERED}
    api = Answers([told, {"records": []}])
    list(gone("Account")(api, spec.Read(fields=("Id",), **SPAN)))
    assert api.asked[1].params == {"q": r"SELECT Id FROM Account WHERE Id IN ('it\'s\\')"}


def test_what_came_back_is_not_gone_though_it_was_deleted() -> None:
    told = {"deletedRecords": [{"id": "1"}, {"id": "2"}], "latestDateCovered": COVERED}
    (page,) = pages(gone("Account"), [told, {"records": [{"Id": "2"}]}], **SPAN)
    assert page.gone == [("1",)]


def test_where_records_do_not_say_that_they_are_deleted_only_live_ones_are_asked_for() -> None:
    told = {"deletedRecords": [{"id": "1"}], "latestDateCovered": COVERED}
    api = Answers([told, {"records": []}])
    (page,) = list(gone("Account")(api, spec.Read(fields=("Id",), **SPAN)))
    assert page.gone == [("1",)]
    assert api.asked[1].path == f"{V}/query"
    assert api.asked[1].params == {"q": "SELECT Id FROM Account WHERE Id IN ('1')"}
