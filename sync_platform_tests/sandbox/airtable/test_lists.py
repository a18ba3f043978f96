"""The fake Airtable lists records as Airtable does, most of all where that is inconvenient."""

import httpx
import pytest

from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_bases import iso
from sync_platform_tests.sandbox.airtable.asking import Listing, names, refused
from sync_platform_tests.sandbox.asking import Clock


def test_empty_cells_are_missing_and_computed_ones_are_there(
    airtable: Airtable, listing: Listing
) -> None:
    airtable.add("People", Name="Ada", Done=False)
    (record,) = listing()["records"]
    assert record["fields"].keys() == {"Name", "Loud", "Number", "Modified"}
    assert record["createdTime"] == record["fields"]["Modified"]


def test_cells_may_be_asked_for_by_ids(airtable: Airtable, listing: Listing) -> None:
    airtable.add("People", Name="Ada")
    (record,) = listing(returnFieldsByFieldId="true")["records"]
    assert all(each.startswith("fld") for each in record["fields"])


def test_fields_may_be_chosen_by_names_or_ids(
    airtable: Airtable, client: httpx.Client, path: str, listing: Listing
) -> None:
    airtable.add("People", Name="Ada", Stars=3)
    stars = airtable.workspace.find("People")[1].named()["Stars"]
    found = listing(**{"fields[]": ["Name", stars]})
    assert found["records"][0]["fields"] == {"Name": "Ada", "Stars": 3}
    gone = client.get(path, params={"fields[]": "Gone"})
    assert refused(gone) == (422, "UNKNOWN_FIELD_NAME")


def test_pages_follow_each_other_to_the_end(airtable: Airtable, listing: Listing) -> None:
    airtable.add_many("People", 25)
    seen, offset = [], ""
    while True:
        page = listing(pageSize=10, **({"offset": offset} if offset else {}))
        seen += [each["id"] for each in page["records"]]
        if "offset" not in page:
            break
        offset = page["offset"]
    assert seen == list(airtable.records("People"))


def test_pages_have_a_hundred_records_at_most(client: httpx.Client, path: str) -> None:
    assert client.get(path, params={"pageSize": 101}).status_code == 422
    assert client.get(path, params={"pagesize": 10}).status_code == 422


def test_an_offset_expires(
    airtable: Airtable, client: httpx.Client, path: str, listing: Listing, clock: Clock
) -> None:
    airtable.add_many("People", 3)
    offset = listing(pageSize=1)["offset"]
    clock.now += 301
    late = client.get(path, params={"offset": offset})
    assert refused(late) == (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")


def test_an_offset_dies_with_the_record_it_stands_at(
    airtable: Airtable, client: httpx.Client, path: str, listing: Listing
) -> None:
    airtable.add_many("People", 3)
    page = listing(pageSize=1)
    airtable.delete("People", list(airtable.records("People"))[1])
    later = client.get(path, params={"offset": page["offset"]})
    assert refused(later) == (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE")


def test_long_questions_may_be_posted(airtable: Airtable, client: httpx.Client, path: str) -> None:
    for name in ("Ada", "Bob"):
        airtable.add("People", Name=name)
    asked = {"filterByFormula": "{Name} = 'Bob'", "fields": ["Name"]}
    assert names(client.post(f"{path}/listRecords", json=asked).json()) == ["Bob"]


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("{Stars} > 2", ["Bob"]),
        ("NOT({Done})", ["Bob"]),
        ("AND({Done}, NO_SUCH())", None),
        ("AND({Done}, {Stars} <= 1)", ["Ada"]),
        ("LOWER({Loud}) & '!' = 'ada!'", ["Ada"]),
        ("IF({Stage} = 'Lead', 1, 0)", ["Ada"]),
        ("IS_AFTER({Due}, '2024-01-15')", ["Bob"]),
        ("IS_BEFORE({Due}, DATETIME_PARSE('2024-01-15T00:00:00.000Z'))", ["Ada"]),
        ("RECORD_ID() = ''", []),
        ("1 / 0", []),
        ("{Gone} = 1", None),
        ("AND(", None),
        ("NO_SUCH(1)", None),
    ],
)
def test_formulas_filter(
    airtable: Airtable, client: httpx.Client, path: str, formula: str, found: list[str] | None
) -> None:
    airtable.add("People", Name="Ada", Stars=1, Done=True, Stage="Lead", Due="2024-01-01")
    airtable.add("People", Name="Bob", Stars=3, Stage="Customer", Due="2024-02-01")
    response = client.get(path, params={"filterByFormula": formula})
    if found is None:
        assert refused(response) == (422, "INVALID_FILTER_BY_FORMULA")
    else:
        assert names(response.json()) == found


def test_the_time_of_the_last_change_filters_exactly(
    airtable: Airtable, listing: Listing, clock: Clock
) -> None:
    for name in ("Ada", "Bob", "Cyd"):
        clock.now += 0.25
        airtable.add("People", Name=name)
    at = "LAST_MODIFIED_TIME()"
    bob = iso(airtable.workspace.now() - 250)
    assert names(listing(filterByFormula=f"IS_SAME({at}, '{bob}')")) == ["Bob"]
    assert names(listing(filterByFormula=f"NOT(IS_BEFORE({at}, '{bob}'))")) == ["Bob", "Cyd"]
    assert names(listing(filterByFormula=f"IS_AFTER({at}, '{bob}')")) == ["Cyd"]


def test_filters_are_behind_by_the_lag(airtable: Airtable, listing: Listing, clock: Clock) -> None:
    airtable.listing.lag = 10.0
    since = iso(airtable.workspace.now() - 1)
    airtable.add("People", Name="Ada")
    changed = f"IS_AFTER(LAST_MODIFIED_TIME(), '{since}')"
    assert names(listing(filterByFormula=changed)) == []
    assert names(listing()) == ["Ada"]
    clock.now += 10
    assert names(listing(filterByFormula=changed)) == ["Ada"]


def test_records_come_in_the_order_that_is_asked_for(airtable: Airtable, listing: Listing) -> None:
    for name, stars in (("Ada", 1), ("Bob", 3), ("Cyd", 2)):
        airtable.add("People", Name=name, Stars=stars)
    by_stars = {"sort[0][field]": "Stars", "sort[0][direction]": "desc"}
    assert names(listing(**by_stars)) == ["Bob", "Cyd", "Ada"]


def test_views_leave_records_out(airtable: Airtable, listing: Listing) -> None:
    ada = airtable.add("People", Name="Ada")
    airtable.add("People", Name="Bob")
    airtable.hide("People", "Not Ada", ada)
    assert names(listing(view="Not Ada")) == ["Bob"]


def test_computed_cells_change_in_silence(
    airtable: Airtable, listing: Listing, clock: Clock
) -> None:
    airtable.add("People", Name="Ada")
    (before,) = listing()["records"]
    clock.now += 60
    airtable.edit_formula("People", "Loud", "LEN({Name}) / 0")
    (after,) = listing()["records"]
    assert after["fields"] == before["fields"] | {"Loud": {"error": "#ERROR!"}}


def test_links_have_two_sides_and_end_with_their_record(airtable: Airtable, clock: Clock) -> None:
    team = airtable.add("Teams", Name="Red")
    clock.now += 1
    ada = airtable.add("People", Name="Ada", Team=[team])
    assert airtable.records("Teams")[team]["People"] == [ada]
    airtable.delete("People", ada)
    assert "People" not in airtable.records("Teams")[team]
    airtable.restore("People", ada)
    assert airtable.records("Teams")[team]["People"] == [ada]


def test_addresses_of_attachments_last_two_hours(airtable: Airtable, clock: Clock) -> None:
    id = airtable.add("People", Name="Ada", Files=[{"url": "https://example.com/a.pdf"}])
    (before,) = airtable.records("People")[id]["Files"]
    clock.now += 7200
    (after,) = airtable.records("People")[id]["Files"]
    assert before["filename"] == "a.pdf"
    assert before["url"] != after["url"]
