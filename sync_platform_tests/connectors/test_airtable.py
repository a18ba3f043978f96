"""What the Airtable connector says and asks, in values."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions as deletions
from sync_platform.connectors._airtable_names import names
from sync_platform.connectors.airtable import connector, discovered, field, means, row
from sync_platform.errors import NotPermitted
from sync_platform.spec import Json

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)
MODIFIED = {
    "id": "fldM",
    "name": "Last Modified",
    "type": "lastModifiedTime",
    "options": {"isValid": True, "referencedFieldIds": []},
}
NAME = {"id": "fldN", "name": "Name", "type": "singleLineText"}
HOOK = {
    "id": "ach1",
    "specification": deletions.SPECIFICATION,
    "notificationUrl": None,
    "isHookEnabled": True,
    "cursorForNextPayload": 1,
}


class Answers:
    """An Api that has an answer for each path, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, Any], **settings: str) -> None:
        self.answers, self.settings = answers, settings
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent: list[spec.Request] = []

    def get(self, path: str, **params: str) -> Json:
        self.asked.append((path, params))
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer(**params) if callable(answer) else answer

    def send(self, request: spec.Request, asked: object = None) -> Json:
        self.sent.append(request)
        return {}

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        raise AssertionError("not asked")

    def pause(self, seconds: float) -> None:
        raise AssertionError("not asked")


def table(modified: str | None = "fldM", deletions: bool = True) -> spec.ConnectorObject:
    about = {"base": "appB", "modified": modified, "deletions": deletions, "description": ""}
    return discovered(spec.Discovered(name="tasks", label="Tasks (B)", id="tblT", about=about))


def params(**asked: Any) -> dict[str, Any]:
    read = table().read
    assert isinstance(read, spec.Request)
    assert callable(read.params)
    return dict(read.params(spec.Read(**asked)))


# -- discovery ------------------------------------------------------------------------------------


def account(**settings: str) -> Answers:
    """Two bases, whose tables People share their name; webhooks may be managed in the first."""
    tables = [{"id": "tbl1", "name": "People", "fields": [NAME, MODIFIED]}]
    more = [*tables, {"id": "tbl2", "name": "Größe & Maß!", "fields": [NAME], "description": "?"}]
    return Answers(
        {
            "/v0/meta/bases": {
                "bases": [
                    {"id": "app1", "name": "CRM", "permissionLevel": "create"},
                    {"id": "app2", "name": "Old CRM", "permissionLevel": "edit"},
                    {"id": "app3", "name": "Private", "permissionLevel": "create"},
                ]
            },
            "/v0/meta/bases/app1/tables": {"tables": more},
            "/v0/meta/bases/app2/tables": {"tables": [tables[0] | {"id": "tbl3"}]},
            "/v0/bases/app1/webhooks": {"webhooks": []},
        },
        **settings,
    )


def found_in(api: Answers) -> list[spec.Discovered]:
    assert connector.discover is not None
    return list(connector.discover(api))


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []


def test_its_tables_have_no_faults() -> None:
    every = [table(), table(None), table(deletions=False)]
    for it in every:
        made = spec.Connector(
            name="airtable",
            label="Airtable",
            base_url="https://x",
            auth=connector.auth,
            objects=[it],
            check=spec.get("/"),
        )
        assert spec.faults(made) == []


def test_the_tables_of_the_chosen_bases_are_found() -> None:
    found = found_in(account(bases="app1,app2"))
    assert [(it.name, it.id, it.label) for it in found] == [
        ("crm_people", "tbl1", "People (CRM)"),
        ("grosse_mass", "tbl2", "Größe & Maß! (CRM)"),
        ("old_crm_people", "tbl3", "People (Old CRM)"),
    ]


def test_a_single_base_does_not_stand_in_its_tables_names() -> None:
    assert [it.name for it in found_in(account(bases="app1"))] == ["people", "grosse_mass"]


def test_what_must_be_known_of_a_table_is_kept_with_it() -> None:
    people, sizes = found_in(account(bases="app1"))
    assert people.about == {
        "base": "app1", "modified": "fldM", "deletions": True, "description": "",
    }  # fmt: skip
    assert (sizes.about["modified"], sizes.about["description"]) == (None, "?")


def test_deletions_are_told_where_webhooks_may_be_managed_only() -> None:
    assert [it.about["deletions"] for it in found_in(account(bases="app2"))] == [False]
    api = account(bases="app1")
    api.answers = {**api.answers, "/v0/bases/app1/webhooks": NotPermitted()}
    assert [it.about["deletions"] for it in found_in(api)] == [False, False]


@pytest.mark.parametrize(
    ("tables", "called"),
    [
        ([("a", "B", "T")], ["t"]),
        ([("a", "B", "2024 plan")], ["table_2024_plan"]),
        ([("a", "B", "顧客")], ["table_0"]),
        ([("a", "B", "T"), ("a", "B", "t!")], ["t", "t"]),  # told apart by a number, when kept
        ([("a", "B", "T"), ("b", "B", "T")], ["b_t", "b_t"]),
        ([("a", "", "T"), ("b", "2", "T")], ["t", "table_2_t"]),
        ([("a", "B", "x" * 80)], ["x" * 55]),
    ],
)
def test_names_are_words(tables: Sequence[tuple[str, str, str]], called: list[str]) -> None:
    given: list[tuple[Json, Json]] = [
        ({"id": base, "name": name}, {"id": f"tbl{place}", "name": table})
        for place, (base, name, table) in enumerate(tables)
    ]
    assert names(given) == called


def test_bases_to_choose_from_come_page_by_page() -> None:
    def pages(offset: str = "") -> Json:
        if offset:
            return {"bases": [{"id": "app2", "name": "Two"}]}
        return {"bases": [{"id": "app1", "name": "One"}], "offset": "itr/1"}

    (setting,) = connector.settings
    assert setting.options is not None
    assert setting.many
    found = list(setting.options(Answers({"/v0/meta/bases": pages})))
    assert [(it.value, it.label) for it in found] == [("app1", "One"), ("app2", "Two")]


# -- fields and rows ------------------------------------------------------------------------------


def test_a_field_keeps_its_id_and_description() -> None:
    found = field(NAME | {"description": "Who it is"})
    assert (found.name, found.id, found.description) == ("Name", "fldN", "Who it is")
    assert (found.read_only, found.computed) == (False, False)


@pytest.mark.parametrize("name", ["id", "createdTime"])
def test_a_field_that_is_called_as_what_every_record_has_gets_another_name(name: str) -> None:
    assert field(NAME | {"name": name}).name == f"{name} (field)"


def test_the_fields_are_those_of_the_table_and_what_every_record_has() -> None:
    tables = [{"id": "tblX", "fields": [MODIFIED]}, {"id": "tblT", "fields": [NAME]}]
    discover = table().fields
    assert callable(discover)
    found = list(discover(Answers({"/v0/meta/bases/appB/tables": {"tables": tables}})))
    assert [it.name for it in found] == ["id", "createdTime", "Name"]
    assert table().by_id


@pytest.mark.parametrize(
    ("result", "ours"),
    [("number", "number"), ("date", "date"), ("checkbox", "boolean"), (None, "text")],
)
def test_a_formula_is_of_the_type_of_its_result(result: str | None, ours: str) -> None:
    options = {"result": {"type": result}} if result else {"isValid": False}
    found = field({"id": "fldF", "name": "F", "type": "formula", "options": options})
    assert (found.type, found.computed, found.read_only) == (ours, True, True)


def test_a_row_holds_cells_by_ids_and_no_errors() -> None:
    cells = {
        "fldA": "x",
        "fldB": {"error": "#ERROR!"},
        "fldC": {"specialValue": "NaN"},
        "fldD": {"id": "usr1", "email": "a@b.c", "name": "A"},
        "fldE": [{"error": "#ERROR!"}],
    }
    record = {"id": "rec1", "createdTime": "2024-01-01T00:00:00.000Z", "fields": cells}
    assert row(record) == {
        "id": "rec1",
        "createdTime": "2024-01-01T00:00:00.000Z",
        **cells,
        "fldB": None,
        "fldC": None,
    }


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
    assert (told.cursor, told.lookback) == ("fldM", timedelta(hours=1))
    assert told.computed_every == timedelta(days=1)


@pytest.mark.parametrize(
    ("options", "cursor"),
    [
        ({"isValid": True, "referencedFieldIds": []}, True),
        ({"isValid": True}, True),
        ({"isValid": True, "referencedFieldIds": ["fldN"]}, False),
        ({"isValid": False, "referencedFieldIds": []}, False),
    ],
)
def test_only_a_time_that_watches_everything_is_a_cursor(options: Json, cursor: bool) -> None:
    tables = [{"id": "tbl1", "name": "T", "fields": [NAME, MODIFIED | {"options": options}]}]
    api = account(bases="app1")
    api.answers = {**api.answers, "/v0/meta/bases/app1/tables": {"tables": tables}}
    (found,) = found_in(api)
    assert (found.about["modified"] == "fldM") is cursor


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (422, {"error": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}, "page_forgotten"),
        (422, {"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}, "page_forgotten"),
        (422, {"error": {"type": "INVALID_FILTER_BY_FORMULA"}}, None),
        (404, {"error": "NOT_FOUND"}, None),
        (500, None, None),
    ],
)
def test_an_offset_that_expired_is_told_apart(status: int, body: Json, meaning: str | None) -> None:
    assert means(status, body) == meaning


# -- deletions ------------------------------------------------------------------------------------


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


def _with_payloads(payloads: Sequence[Json], hooks: Sequence[Json] = ()) -> Answers:
    def listed(cursor: str, limit: str) -> Json:
        start = int(cursor) - 1
        page = payloads[start : start + int(limit)]
        return {"payloads": page, "cursor": start + len(page) + 1, "mightHaveMore": False}

    ours = HOOK | {"cursorForNextPayload": len(payloads) + 1}
    return Answers(
        {
            "/v0/bases/appB/webhooks": {"webhooks": [*hooks, ours]},
            "/v0/bases/appB/webhooks/ach1/payloads": listed,
        }
    )


def _deletions(api: Answers, **read: Any) -> Iterator[spec.Page]:
    reading = table().deletes
    assert callable(reading)
    assert not isinstance(reading, spec.Request)
    return reading(api, spec.Read(**read))


def test_destroyed_records_are_gone() -> None:
    assert keys([payload(JAN_1, ["rec1", "rec2"]), payload(FEB_1, ["rec3"])]) == [
        "rec3", "rec1", "rec2",
    ]  # fmt: skip


def test_a_record_that_came_back_is_not_gone() -> None:
    assert keys([payload(JAN_1, ["rec1"]), payload(FEB_1, [], ["rec1"])]) == []
    assert keys([payload(JAN_1, [], ["rec1"]), payload(FEB_1, ["rec1"])]) == ["rec1"]


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
        kept = [payload(FEB_1, [f"rec{number}"]) for number in range(90, 101)]
        return {"payloads": kept, "cursor": 101}

    api = _with_payloads([])
    hook = HOOK | {"cursorForNextPayload": 101}
    api.answers = {
        "/v0/bases/appB/webhooks": {"webhooks": [hook]},
        "/v0/bases/appB/webhooks/ach1/payloads": listed,
    }
    assert len([key for page in _deletions(api) for key in page.gone]) == 11
    assert len(api.asked) == 3


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


def test_where_there_is_no_webhook_of_ours_one_is_made() -> None:
    api = Answers({"/v0/bases/appB/webhooks": {"webhooks": OTHERS}})
    assert list(_deletions(api)) == []
    (made,) = api.sent
    assert (made.method, made.path) == ("POST", "/v0/bases/appB/webhooks")
    assert made.json == {"specification": deletions.SPECIFICATION}


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


# -- the account ----------------------------------------------------------------------------------


def test_the_account_is_the_person() -> None:
    assert connector.account({"id": "usr1"}) == spec.Account(id="usr1")
    whole = connector.account({"id": "usr1", "email": "a@b.c"})
    assert whole == spec.Account(id="usr1", name="a@b.c")


def test_the_sign_in_rotates_and_dies_of_sixty_idle_days() -> None:
    oauth = connector.auth[0]
    assert isinstance(oauth, spec.OAuth2)
    assert (oauth.pkce, oauth.client_sent_in, oauth.refresh_rotates) == (True, "header", True)
    assert oauth.refresh_lasts == timedelta(days=60)
