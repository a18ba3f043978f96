"""How the Airtable connector asks which records were deleted, in values."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions as deletions
from sync_platform.errors import UnexpectedResponse
from sync_platform.spec import Json
from sync_platform_tests.connectors.answers_by_path import Answers

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)
HOOK = {
    "id": "ach1",
    "specification": deletions.SPECIFICATION,
    "notificationUrl": None,
    "isHookEnabled": True,
    "cursorForNextPayload": 1,
}


def payload(moment: datetime, gone: Sequence[str] = (), back: Sequence[str] = ()) -> Json:
    told: Json = {}
    if gone:
        told["destroyedRecordIds"] = list(gone)
    if back:
        told["createdRecordsById"] = {id: {} for id in back}
    return {"timestamp": spec.iso(moment), "changedTablesById": {"tblT": told, "tblX": {}}}


def keys(payloads: Sequence[Json], hooks: Sequence[Json] = (), **read: Any) -> list[str]:
    """What is told to be gone by a webhook with these payloads."""
    api = _with_payloads(payloads, hooks)
    return [key for page in _deletions(api, **read) for (key,) in page.gone]


def _with_payloads(payloads: Sequence[Json], hooks: Sequence[Json] = (), most: int = 50) -> Answers:
    def listed(cursor: str, limit: str) -> Json:
        start = int(cursor) - 1
        page = payloads[start : start + min(int(limit), most)]
        return {"payloads": page, "cursor": start + len(page) + 1, "mightHaveMore": True}

    ours = HOOK | {"cursorForNextPayload": len(payloads) + 1}
    return Answers(
        {
            "/v0/bases/appB/webhooks": {"webhooks": [*hooks, ours]},
            "/v0/bases/appB/webhooks/ach1/payloads": listed,
        }
    )


def _deletions(api: Answers, **read: Any) -> Iterator[spec.Page]:
    return deletions.of("appB", "tblT")(api, spec.Read(**read))


def test_destroyed_records_are_gone() -> None:
    assert keys([payload(JAN_1, ["rec1", "rec2"]), payload(FEB_1, ["rec3"])]) == [
        "rec3", "rec1", "rec2",
    ]  # fmt: skip


def test_a_record_that_came_back_is_not_gone() -> None:
    assert keys([payload(JAN_1, ["rec1"]), payload(FEB_1, [], ["rec1"])]) == []
    assert keys([payload(JAN_1, [], ["rec1"]), payload(FEB_1, ["rec1"])]) == ["rec1"]


def test_answers_may_bring_fewer_payloads_than_were_asked_for() -> None:
    moments = [JAN_1 + timedelta(minutes=each) for each in range(70)]
    api = _with_payloads([payload(it, [f"rec{n}"]) for n, it in enumerate(moments)], most=20)
    found = [key for page in _deletions(api, since=JAN_1) for (key,) in page.gone]
    assert sorted(found) == sorted(f"rec{n}" for n in range(70))


def test_payloads_are_read_from_the_newest_back_to_the_windows_start() -> None:
    moments = [JAN_1 + timedelta(minutes=each) for each in range(120)]
    api = _with_payloads([payload(each, [f"rec{n}"]) for n, each in enumerate(moments)])
    since, started = moments[100], moments[-1] + timedelta(minutes=1)
    found = [key for page in _deletions(api, since=since, started_at=started) for key in page.gone]
    assert ("rec119",) in found
    assert ("rec99",) in found  # it came in one answer with those of the window
    cursors = [asked["cursor"] for path, asked in api.asked if path.endswith("/payloads")]
    assert cursors == ["71"]


def test_a_full_read_looks_an_hour_back() -> None:
    """It finds by itself what was deleted before; but rows so new it does not take for deleted."""
    old = [payload(JAN_1 + timedelta(seconds=each)) for each in range(150)]
    api = _with_payloads([*old, *[payload(FEB_1, ["rec1"])] * 10])
    list(_deletions(api, started_at=FEB_1 + timedelta(minutes=30)))
    assert len([path for path, _ in api.asked if path.endswith("/payloads")]) == 1


def test_payloads_that_were_dropped_end_the_reading() -> None:
    def listed(cursor: str, limit: str) -> Json:
        first = max(int(cursor), 90)
        end = min(first + int(limit), 101)
        kept = [payload(FEB_1, [f"rec{number}"]) for number in range(first, end)]
        return {"payloads": kept, "cursor": end}

    api = _with_payloads([])
    hook = HOOK | {"cursorForNextPayload": 101}
    api.answers = {
        "/v0/bases/appB/webhooks": {"webhooks": [hook]},
        "/v0/bases/appB/webhooks/ach1/payloads": listed,
    }
    assert len([key for page in _deletions(api) for key in page.gone]) == 11
    assert len(api.asked) == 3


def test_what_is_left_of_payloads_that_were_dropped_in_part_is_read() -> None:
    def listed(cursor: str, limit: str) -> Json:
        first = max(int(cursor), 21)  # 1 to 20 were dropped
        end = min(first + int(limit), 101)
        return {
            "payloads": [payload(FEB_1, [f"rec{it}"]) for it in range(first, end)],
            "cursor": end,
        }

    api = Answers(
        {
            "/v0/bases/appB/webhooks": {"webhooks": [HOOK | {"cursorForNextPayload": 101}]},
            "/v0/bases/appB/webhooks/ach1/payloads": listed,
        }
    )
    found = [key for page in _deletions(api, since=JAN_1) for (key,) in page.gone]
    assert sorted(found) == sorted(f"rec{number}" for number in range(21, 101))


def test_of_two_webhooks_of_ours_the_one_with_more_to_tell_is_read() -> None:
    younger = HOOK | {"id": "ach0", "cursorForNextPayload": 1}
    assert keys([payload(JAN_1, ["rec1"])], [younger]) == ["rec1"]


OTHERS = [
    HOOK | {"id": "ach0", "notificationUrl": "https://example.com"},
    HOOK | {"id": "ach0", "isHookEnabled": False},
    HOOK | {"id": "ach0", "specification": {"options": {"filters": {"dataTypes": ["tableData"]}}}},
    HOOK
    | {
        "id": "ach0",
        "specification": {
            "options": {"filters": {**deletions.FILTERS, "recordChangeScope": "tblX"}}
        },
    },
]


@pytest.mark.parametrize("other", OTHERS)
def test_webhooks_of_others_are_left_alone(other: Json) -> None:
    assert keys([payload(JAN_1, ["rec1"])], [other]) == ["rec1"]


def test_where_there_is_no_webhook_of_ours_deletions_are_forgotten() -> None:
    api = Answers({"/v0/bases/appB/webhooks": {"webhooks": OTHERS}})
    assert list(_deletions(api)) == [spec.Page(forgotten=True)]
    assert api.sent == []


def test_a_webhook_of_ours_is_made_once() -> None:
    deletions.begin("appB")(there := _with_payloads([]))
    assert there.sent == []
    deletions.begin("appB")(api := Answers({"/v0/bases/appB/webhooks": {"webhooks": OTHERS}}))
    (made,) = api.sent
    assert (made.method, made.path) == ("POST", "/v0/bases/appB/webhooks")
    assert made.json == {"specification": deletions.SPECIFICATION}


def test_where_a_base_takes_no_more_webhooks_reading_goes_on() -> None:
    def refusing(status: int) -> Answers:
        api = Answers({"/v0/bases/appB/webhooks": {"webhooks": OTHERS}})
        api.refusal = UnexpectedResponse("No.", evidence={"status": status})
        return api

    deletions.begin("appB")(refusing(422))
    with pytest.raises(UnexpectedResponse):
        deletions.begin("appB")(refusing(400))
