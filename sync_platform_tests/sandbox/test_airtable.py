"""The fake Airtable does what Airtable does, most of all where that is inconvenient."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_bases import iso
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform_tests.consenting import allowed
from sync_platform_tests.sandbox.asking import Clock

SIGNED = {"Authorization": "Bearer sandbox-token"}
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
ALL = {"options": {"filters": {"dataTypes": ["tableData"]}}}
Json = dict[str, Any]


@pytest.fixture
def airtable(clock: Clock) -> Iterator[Airtable]:
    """A base CRM with Teams and People."""
    with serve(Airtable(clock=clock)) as vendor:
        base = vendor.add_base("CRM")
        vendor.add_table(base, "Teams", Name="singleLineText")
        vendor.add_table(
            base,
            "People",
            Name="singleLineText",
            Done="checkbox",
            Stars=("rating", {"max": 5}),
            Due="date",
            Stage=("singleSelect", {"choices": ["Lead", "Customer"]}),
            Boss="singleCollaborator",
            Files="multipleAttachments",
            Team=("multipleRecordLinks", {"to": "Teams"}),
            Loud=("formula", {"formula": "UPPER({Name})"}),
            Number="autoNumber",
            Modified=("lastModifiedTime", MODIFIED),
        )
        yield vendor


@pytest.fixture
def client(airtable: Airtable) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=airtable.url, headers=SIGNED) as client:
        yield client


@pytest.fixture
def path(airtable: Airtable) -> str:
    """Of the table People."""
    base = airtable.base("CRM")
    return f"/v0/{base.id}/{base.tables[1].id}"


Listing = Callable[..., Json]


@pytest.fixture
def listing(client: httpx.Client, path: str) -> Listing:
    def listing(**asked: Any) -> Json:
        found: Json = client.get(path, params=asked).raise_for_status().json()
        return found

    return listing


def names(found: Json) -> list[str]:
    return [each["fields"]["Name"] for each in found["records"]]


def refused(response: httpx.Response) -> tuple[int, str]:
    said = response.json()["error"]
    return response.status_code, said if isinstance(said, str) else said["type"]


# -- lists ----------------------------------------------------------------------------------------


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


# -- what is computed -----------------------------------------------------------------------------


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


# -- writes ---------------------------------------------------------------------------------------


def test_ten_records_are_written_at_once_and_no_more(client: httpx.Client, path: str) -> None:
    new = [{"fields": {"Name": f"N{number}"}} for number in range(11)]
    assert client.post(path, json={"records": new}).status_code == 422
    made = client.post(path, json={"records": new[:10]}).json()["records"]
    changed = [{"id": each["id"], "fields": {"Stars": 2}} for each in made[:2]]
    assert client.patch(path, json={"records": changed}).status_code == 200
    ids = [each["id"] for each in made[2:4]]
    gone = client.delete(path, params={"records[]": ids}).json()
    assert gone == {"records": [{"id": id, "deleted": True} for id in ids]}
    assert client.delete(f"{path}/{ids[0]}").status_code == 404


def test_nothing_of_a_refused_call_is_written(client: httpx.Client, path: str) -> None:
    new = [{"fields": {"Name": "Ada"}}, {"fields": {"Stars": 9}}]
    assert refused(client.post(path, json={"records": new})) == (422, "INVALID_VALUE_FOR_COLUMN")
    assert client.get(path).json() == {"records": []}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"Gone": 1}, "UNKNOWN_FIELD_NAME"),
        ({"Loud": "ADA"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Name": 5}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Due": "soon"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Stage": "Nowhere"}, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
        ({"Team": ["recNowhere"]}, "ROW_DOES_NOT_EXIST"),
        ({"Boss": {"email": "nobody@example.com"}}, "INVALID_VALUE_FOR_COLUMN"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: httpx.Client, path: str, fields: Json, why: str
) -> None:
    assert refused(client.post(path, json={"fields": fields})) == (422, why)


def test_typecast_makes_it_fit(client: httpx.Client, path: str) -> None:
    fields = {"Name": 5, "Stage": "Nowhere"}
    made = client.post(path, json={"fields": fields, "typecast": True}).json()["fields"]
    assert (made["Name"], made["Stage"]) == ("5", "Nowhere")


def test_put_empties_what_is_not_named(airtable: Airtable, client: httpx.Client, path: str) -> None:
    id = airtable.add("People", Name="Ada", Stars=3)
    client.put(f"{path}/{id}", json={"fields": {"Name": "Grace"}})
    assert "Stars" not in airtable.records("People")[id]


def test_an_upsert_creates_or_updates(airtable: Airtable, client: httpx.Client, path: str) -> None:
    id = airtable.add("People", Name="Ada")
    both = [{"fields": {"Name": "Ada", "Stars": 3}}, {"fields": {"Name": "Bob"}}]
    asked = {"performUpsert": {"fieldsToMergeOn": ["Name"]}, "records": both}
    told = client.patch(path, json=asked).json()
    assert told["updatedRecords"] == [id]
    assert len(told["createdRecords"]) == 1


# -- webhooks -------------------------------------------------------------------------------------


@pytest.fixture
def hooks(airtable: Airtable) -> str:
    """Where the webhooks of the base are."""
    return f"/v0/bases/{airtable.base('CRM').id}/webhooks"


def made(client: httpx.Client, hooks: str, specification: Json = ALL) -> str:
    answer = client.post(hooks, json={"specification": specification}).raise_for_status()
    return f"{hooks}/{answer.json()['id']}/payloads"


def test_payloads_tell_what_came_changed_and_went(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    payloads = made(client, hooks)
    table = airtable.workspace.find("People")[1]
    ada = airtable.add("People", Name="Ada")
    airtable.edit("People", ada, Name="Grace")
    airtable.delete("People", ada)
    told = client.get(payloads).json()
    came, changed, went = (each["changedTablesById"][table.id] for each in told["payloads"])
    assert list(came["createdRecordsById"]) == list(changed["changedRecordsById"]) == [ada]
    assert went == {"destroyedRecordIds": [ada]}
    assert (told["cursor"], told["mightHaveMore"]) == (4, False)


def test_only_the_wanted_kinds_of_changes_and_tables_are_told(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    filters = {
        "dataTypes": ["tableData"],
        "changeTypes": ["remove"],
        "recordChangeScope": airtable.workspace.find("People")[1].id,
    }
    payloads = made(client, hooks, {"options": {"filters": filters}})
    team, ada = airtable.add("Teams", Name="Red"), airtable.add("People", Name="Ada")
    airtable.delete("Teams", team)
    airtable.delete("People", ada)
    (only,) = client.get(payloads).json()["payloads"]
    assert str(only["changedTablesById"]).count("rec") == 1


def test_payloads_come_from_a_cursor_on(
    airtable: Airtable, client: httpx.Client, hooks: str
) -> None:
    payloads = made(client, hooks)
    airtable.add("People", Name="Ada")
    airtable.add("People", Name="Bob")
    first = client.get(payloads, params={"limit": 1}).json()
    assert (len(first["payloads"]), first["cursor"], first["mightHaveMore"]) == (1, 2, True)
    rest = client.get(payloads, params={"cursor": first["cursor"]}).json()
    assert (len(rest["payloads"]), rest["mightHaveMore"]) == (1, False)
    assert client.get(payloads, params={"cursor": 9}).status_code == 422
    assert client.get(payloads, params={"limit": 51}).status_code == 422


def test_payloads_are_kept_for_a_week_and_so_long_a_webhook_lives(
    airtable: Airtable, client: httpx.Client, hooks: str, clock: Clock
) -> None:
    payloads = made(client, hooks)
    airtable.add("People", Name="Ada")
    clock.now += 6 * 86_400
    assert len(client.get(payloads).json()["payloads"]) == 1  # and it lives for another week
    clock.now += 6 * 86_400
    airtable.add("People", Name="Bob")
    told = client.get(payloads).json()
    assert (len(told["payloads"]), told["cursor"]) == (1, 3)
    clock.now += 8 * 86_400
    airtable.add("People", Name="Cyd")
    (shown,) = client.get(hooks).json()["webhooks"]
    assert (shown["isHookEnabled"], shown["cursorForNextPayload"]) == (False, 3)


def test_a_base_has_ten_webhooks_at_most(client: httpx.Client, hooks: str) -> None:
    for _ in range(10):
        made(client, hooks)
    assert client.post(hooks, json={"specification": ALL}).status_code == 422
    (first, *_) = client.get(hooks).json()["webhooks"]
    assert client.delete(f"{hooks}/{first['id']}").status_code == 204
    made(client, hooks)


def test_who_may_only_edit_may_not_make_webhooks(airtable: Airtable, client: httpx.Client) -> None:
    base = airtable.add_base("Others", permission="edit")
    response = client.get(f"/v0/bases/{base}/webhooks")
    assert refused(response) == (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")


# -- limits and sign-ins --------------------------------------------------------------------------


def test_who_calls_a_base_too_often_waits_for_half_a_minute(
    airtable: Airtable, client: httpx.Client, path: str, clock: Clock
) -> None:
    airtable.per_base = 5
    assert [client.get(path).status_code for _ in range(6)] == [200] * 5 + [429]
    clock.now += 29
    assert client.get(path).status_code == 429
    assert client.get("/v0/meta/bases").status_code == 200  # of no base
    clock.now += 1
    assert client.get(path).status_code == 200


def test_a_token_has_its_scopes(airtable: Airtable, path: str) -> None:
    airtable.tokens |= Airtable(tokens={"reader": ["data.records:read"]}).tokens
    with httpx.Client(base_url=airtable.url, headers={"Authorization": "Bearer reader"}) as client:
        assert client.get(path).status_code == 200
        assert client.post(path, json={"fields": {}}).status_code == 403
        assert client.get("/v0/meta/bases").status_code == 403
        me = client.get("/v0/meta/whoami").json()
        assert (me["scopes"], "email" in me) == (["data.records:read"], False)
    assert httpx.get(f"{airtable.url}{path}").status_code == 401


def test_a_person_lets_us_into_some_bases(airtable: Airtable, path: str, clock: Clock) -> None:
    office = airtable.add_base("Office")
    asked = {
        "response_type": "code",
        "client_id": "sandbox-client",
        "redirect_uri": "http://127.0.0.1:8000/callback",
        "scope": "data.records:read schema.bases:read",
        "state": "s",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    url = str(httpx.URL(f"{airtable.url}/oauth2/v1/authorize", params=asked))
    form = {
        "grant_type": "authorization_code",
        "code": allowed(url, office)["code"],
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": VERIFIER,
    }
    token = f"{airtable.url}/oauth2/v1/token"
    in_body = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    assert httpx.post(token, data=form | in_body).status_code == 401  # it belongs in the header
    client = ("sandbox-client", "sandbox-secret")
    given = httpx.post(token, data=form, auth=client).json()
    with httpx.Client(
        base_url=airtable.url, headers={"Authorization": f"Bearer {given['access_token']}"}
    ) as ours:
        assert [it["id"] for it in ours.get("/v0/meta/bases").json()["bases"]] == [office]
        assert ours.get(path).status_code == 403
        clock.now += 3600
        assert ours.get("/v0/meta/bases").status_code == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    renewed = httpx.post(token, data=renewal, auth=client).json()
    assert renewed["refresh_token"] != given["refresh_token"]
    assert httpx.post(token, data=renewal, auth=client).status_code == 400


# -- the account ----------------------------------------------------------------------------------


def test_a_furnished_account_lives_and_outlives_a_restart(clock: Clock) -> None:
    first = Airtable(records=120, clock=clock)
    tasks = len(first.records("Tasks"))
    assert tasks == 120
    before = first.version()
    for _ in range(5):
        clock.now += 1
        first.live()
    assert first.version() > before
    second = Airtable(clock=clock)
    second.resume(first.state())
    assert second.state() == first.state()
    assert second.add("Tasks", Name="New") not in first.records("Tasks")


def test_the_truth_is_told_by_tables_names_as_words(
    airtable: Airtable, client: httpx.Client
) -> None:
    airtable.add("People", Name="Ada")
    for name in ("People", "people", "crm_people"):
        found = client.get(f"/_sandbox/records/{name}").json()["results"]
        assert len(found) == 1, name
    assert client.get("/_sandbox/records/nothing").status_code == 404
