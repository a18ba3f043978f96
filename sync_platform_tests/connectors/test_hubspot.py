from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors.hubspot import OBJECTS, connector, left_today, where
from sync_platform.errors import IncompleteRead
from sync_platform_tests.connectors.answers_by_path import Answers

JAN_1 = datetime(2024, 1, 1, tzinfo=UTC)
FEB_1 = datetime(2024, 2, 1, tzinfo=UTC)


def request_of(reading: Any) -> spec.Request:
    assert isinstance(reading, spec.Request)
    return reading


def search(name: str, **asked: Any) -> Any:
    json = request_of(connector[name].read).json
    assert callable(json)
    return json(spec.Read(**asked))


def filters(name: str, **asked: Any) -> Any:
    (group,) = search(name, **asked)["filterGroups"]
    return group["filters"]


def fields(name: str, *found: dict[str, Any]) -> list[spec.Field]:
    discover = connector[name].fields
    assert callable(discover)
    api = Answers({f"/crm/v3/properties/{name}": {"results": found}})
    answered: Iterable[spec.Field] = discover(api)
    return list(answered)


@pytest.mark.parametrize("odd", [None, "text", [1], {}, {"name": None}, {"name": ["a"]}])
def test_a_property_without_a_name_is_left_out(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    good = {"name": "email", "type": "string", "label": "Email"}
    assert fields("contacts", odd, good) == [spec.Field("email", label="Email")]
    assert "a property of contacts without a name: left out." in caplog.text


@pytest.mark.parametrize("odd", [None, 10**30, [1], {"a": 1}])
def test_what_a_property_says_in_an_odd_form_it_does_not_say(odd: Any) -> None:
    found = fields("contacts", {"name": "a", "type": odd, "label": odd, "description": odd})
    assert found == [spec.Field("a", empty=True)]  # its column keeps the type that it has
    meta = {"name": "b", "type": "date", "modificationMetadata": odd}
    assert fields("contacts", meta) == [spec.Field("b", "date", epoch="ms")]


def test_it_has_no_faults() -> None:
    assert spec.faults(connector) == []
    assert [obj.name for obj in connector.objects] == [*OBJECTS, "owners"]


def test_an_incremental_read_asks_for_what_changed_and_walks_by_id() -> None:
    asked = filters("contacts", since=JAN_1, fields=("email",), after="200")
    assert where("lastmodifieddate", "GTE", 1704067200000) in asked
    assert where("hs_object_id", "GT", "200") in asked


def test_a_window_is_closed_above_by_what_is_not_in_it() -> None:
    asked = filters("deals", since=JAN_1, until=FEB_1)
    assert where("hs_lastmodifieddate", "GTE", 1704067200000) in asked
    assert where("hs_lastmodifieddate", "LT", 1706745600000) in asked


def test_days_are_asked_for_in_milliseconds_as_everywhere() -> None:
    asked = filters("deals", filters={"created_within": "2024-01-01T00:00:00.000Z"})
    assert where("createdate", "GTE", 1704067200000) in asked


def test_a_full_read_asks_for_everything() -> None:
    (only,) = filters("contacts")
    assert (only["propertyName"], only["operator"]) == ("hs_object_id", "GT")
    assert int(only["value"]) == 0


@pytest.mark.parametrize("name", OBJECTS)
def test_every_search_is_in_the_order_of_its_walk(name: str) -> None:
    body = search(name, fields=("email", "phone"))
    assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert list(body["properties"]) == ["email", "phone"]
    assert body["limit"] == 200
    assert "after" not in body  # the walk is by id: HubSpot's own paging ends at 10,000


def test_a_full_page_goes_on_after_its_last_id_and_a_short_one_is_the_last() -> None:
    read = request_of(connector["contacts"].read)
    page = [{"id": str(number)} for number in range(200)]
    assert read.pages({}, page, None) == spec.NextPage(after="199")
    assert read.pages({}, page[:199], None) is None
    assert read.repeatable


def test_a_search_ends_where_its_answer_says_so_however_full_the_page_is() -> None:
    read = request_of(connector["deals"].read)
    page = [{"id": str(number)} for number in range(200)]
    more = {"total": 600, "paging": {"next": {"after": "200"}}}
    assert read.pages(more, page[:199], None) == spec.NextPage(after="198")
    with pytest.raises(IncompleteRead, match="holds no records and says that there are more"):
        read.pages(more, [], None)
    assert read.pages({"total": 200}, page, None) is None


@pytest.mark.parametrize(
    ("name", "cursor"),
    [("contacts", "lastmodifieddate"), ("companies", "hs_lastmodifieddate"), ("owners", None)],
)
def test_each_object_has_the_cursor_that_moves_when_a_record_changes(
    name: str, cursor: str | None
) -> None:
    assert connector[name].cursor == cursor


def test_a_row_is_the_records_properties() -> None:
    record = {"id": "1", "properties": {"hs_object_id": "1", "email": None}, "archived": False}
    assert connector["contacts"].row(record) == {"hs_object_id": "1", "email": None}
    assert connector["contacts"].keys == ("hs_object_id",)


def test_what_is_archived_is_gone() -> None:
    deletes = request_of(connector["contacts"].deletes)
    assert deletes.path == "/crm/v3/objects/contacts"
    assert deletes.params == {"archived": "true", "limit": 100}
    body = {"results": [], "paging": {"next": {"after": "7"}}}
    assert deletes.pages(body, [], None) == spec.NextPage(params={"after": "7"})
    assert deletes.pages({"results": []}, [], None) is None
    with pytest.raises(IncompleteRead, match="says that there is more, and not where"):
        deletes.pages({"results": [], "paging": {"next": {"link": "?after=7"}}}, [], None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("string", "text"),
        ("number", "number"),
        ("bool", "boolean"),
        ("date", "date"),
        ("datetime", "timestamp"),
        ("enumeration", "text"),
        ("object_coordinates", "text"),
    ],
)
def test_properties_become_fields_of_our_types(theirs: str, ours: str) -> None:
    found = {"name": "p", "type": theirs, "label": "P", "description": ""}
    (field,) = fields("deals", found)
    assert (field.name, field.type, field.label) == ("p", ours, "P")
    assert field.epoch == ("ms" if ours in ("date", "timestamp") else None)


@pytest.mark.parametrize(
    ("about", "read_only"),
    [
        ({}, False),
        ({"calculated": False, "modificationMetadata": {"readOnlyValue": False}}, False),
        ({"calculated": True}, True),
        ({"modificationMetadata": {"readOnlyValue": True}}, True),
    ],
)
def test_what_hubspot_computes_or_keeps_to_itself_is_read_only(
    about: dict[str, Any], read_only: bool
) -> None:
    (field,) = fields("contacts", {"name": "p", "type": "string"} | about)
    assert field.read_only is read_only


def test_properties_are_asked_of_their_own_object() -> None:
    for name in OBJECTS:
        assert fields(name) == []  # where another path was asked, there would be no answer


def test_changes_carry_their_values_as_properties() -> None:
    contacts = connector["contacts"]
    assert isinstance(contacts.create, spec.Request)
    assert isinstance(contacts.update, spec.Request)
    assert isinstance(contacts.delete, spec.Request)
    change = spec.OutboundChange(kind="update", key="7", values={"email": "a@b.c"})
    for request in (contacts.create, contacts.update):
        assert callable(request.json)
        assert request.json(change) == {"properties": {"email": "a@b.c"}}
    assert contacts.update.path == contacts.delete.path == "/crm/v3/objects/contacts/{key}"
    assert contacts.update.repeatable  # the same values twice are the same record
    assert not contacts.create.repeatable  # twice would be two records


def test_owners_are_a_list_to_read() -> None:
    owners = connector["owners"]
    assert not any((owners.incremental, owners.sees_deletes, owners.writable))
    assert all(field.read_only for field in owners.fields)  # type: ignore[union-attr]
    assert request_of(owners.read).params == {"limit": 100}


def test_searches_have_a_limit_of_their_own() -> None:
    assert {limit.name: limit.path for limit in connector.limits} == {
        "burst": "*",
        "search": "*/search",
        "daily": "*",
    }


@pytest.mark.parametrize(
    ("left", "of", "told"),
    [
        ("12", "650000", spec.CallsLeft(left=12, of=650_000)),
        ("0", "", spec.CallsLeft(left=0)),
        ("", "650000", None),
        ("many", "650000", None),
    ],
)
def test_answers_tell_what_is_left_of_the_day(
    left: str, of: str, told: spec.CallsLeft | None
) -> None:
    headers = {"x-hubspot-ratelimit-daily-remaining": left, "x-hubspot-ratelimit-daily": of}
    assert left_today({name: it for name, it in headers.items() if it}) == told


def test_the_account_is_the_portal() -> None:
    assert connector.account({"portalId": 12345}) == spec.Account(id="12345")
