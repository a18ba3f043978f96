"""What the Airtable connector says and asks, in values."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions as deletions
from sync_platform.connectors._airtable_names import names
from sync_platform.connectors.airtable import connector, field, row
from sync_platform.errors import NotPermitted
from sync_platform.spec import Json
from sync_platform_tests.connectors.airtable_table import MODIFIED, NAME, table
from sync_platform_tests.connectors.answers_by_path import Answers

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)


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
    used_up = NotPermitted(evidence={"status": 429})  # of webhooks it says nothing
    api.answers = {**api.answers, "/v0/bases/app1/webhooks": used_up}
    with pytest.raises(NotPermitted):
        found_in(api)


def test_a_base_with_ten_webhooks_of_others_tells_no_deletions() -> None:
    others = [{"id": f"ach{number}", "specification": {}} for number in range(10)]
    ours = {"id": "ach0", "specification": deletions.SPECIFICATION}
    for hooks, told in ((others, False), (others[1:], True), ([ours, *others[1:]], True)):
        api = account(bases="app1")
        api.answers = {**api.answers, "/v0/bases/app1/webhooks": {"webhooks": hooks}}
        assert {it.about["deletions"] for it in found_in(api)} == {told}


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
