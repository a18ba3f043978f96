"""How the Airtable connector asks which records were deleted, in values."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions as deletions
from sync_platform.errors import NotPermitted, UnexpectedResponse
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


def test_a_window_is_known_where_the_last_sync_read_the_same_webhook() -> None:
    def end(payloads: Sequence[Json], since: datetime | None) -> spec.Page:
        until = started = FEB_1 + timedelta(hours=3)
        read = {"since": since, "until": until, "started_at": started}
        return list(_deletions(_with_payloads(payloads), **read))[-1]

    behind = FEB_1 + timedelta(hours=2) - timedelta(seconds=1)
    (mark,) = {each.microsecond for it in ([], [payload(JAN_1)]) if (each := end(it, None).reached)}
    assert mark % 1000 > 0  # no value of a record is such a moment
    last = FEB_1.replace(microsecond=mark)
    assert end([], last) == spec.Page(reached=behind.replace(microsecond=mark))
    assert end([], FEB_1) == spec.Page(forgotten=True, reached=behind)
    error = {"timestamp": spec.iso(FEB_1 + timedelta(hours=1)), "error": True}
    assert end([error], last) == spec.Page(forgotten=True, reached=behind)
    assert not end([error | {"timestamp": spec.iso(JAN_1)}], last).forgotten
    assert not end([error | {"timestamp": None}, payload(JAN_1)], last).forgotten
    assert end([payload(JAN_1), error | {"timestamp": None}], last).forgotten


def test_of_two_webhooks_of_ours_the_one_that_was_read_before_is_read() -> None:
    younger = HOOK | {"id": "ach0", "cursorForNextPayload": 9}
    since = JAN_1.replace(microsecond=deletions.mark("ach1"))
    read = {"since": since, "until": FEB_1, "started_at": FEB_1}
    *_, end = _deletions(api := _with_payloads([payload(JAN_1, ["rec1"])], [younger]), **read)
    assert not end.forgotten
    assert "/v0/bases/appB/webhooks/ach1/payloads" in [path for path, _ in api.asked]


def test_without_the_right_to_manage_webhooks_reading_goes_on() -> None:
    hooks = "/v0/bases/appB/webhooks"
    for listed in (NotPermitted(), {"webhooks": list[Json]()}):
        api = Answers({hooks: listed})
        api.refusal = NotPermitted()
        deletions.begin("appB")(api)
        assert list(_deletions(api)) == [spec.Page(forgotten=True)]
    payloads = Answers({hooks: {"webhooks": [HOOK]}, f"{hooks}/ach1/payloads": NotPermitted()})
    assert list(_deletions(payloads)) == [spec.Page(forgotten=True)]


def test_a_month_that_is_used_up_is_no_right_that_is_lost() -> None:
    api = Answers({"/v0/bases/appB/webhooks": NotPermitted(evidence={"status": 429})})
    with pytest.raises(NotPermitted):
        deletions.begin("appB")(api)
    with pytest.raises(NotPermitted):
        list(_deletions(api))


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
