"""The fake HubSpot does what HubSpot does, most of all where that is inconvenient."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import HubSpot, serve
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform_tests.consenting import decide

CONTACTS = "/crm/v3/objects/contacts"
SIGNED = {"Authorization": "Bearer sandbox-token"}
Json = dict[str, Any]


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hubspot(clock: Clock) -> Iterator[HubSpot]:
    with serve(HubSpot(clock=clock)) as vendor:
        yield vendor


@pytest.fixture
def client(hubspot: HubSpot) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hubspot.url, headers=SIGNED) as client:
        yield client


Searcher = Callable[..., Json]


@pytest.fixture
def search(client: httpx.Client) -> Searcher:
    def search(*filters: Json, object: str = "contacts", **asked: Any) -> Json:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **asked}
        response = client.post(f"/crm/v3/objects/{object}/search", json=body)
        found: Json = response.raise_for_status().json()
        return found

    return search


def where(property: str, operator: str, value: Any = None, **more: Any) -> Json:
    return {"propertyName": property, "operator": operator, "value": value, **more}


def ids(found: Json) -> list[str]:
    return [one["id"] for one in found["results"]]


def detail(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


# Lists and single records ------------------------------------------------------------------------


def test_pages_follow_each_other_to_the_end(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.add_many("contacts", 25)
    seen, url = [], f"{hubspot.url}{CONTACTS}?limit=10&properties=email&properties=city,zip"
    while url:
        page = client.get(url).json()
        seen += ids(page)
        assert set(page["results"][0]["properties"]) == {
            *("email", "city", "zip"),
            *("hs_object_id", "createdate", "lastmodifieddate"),
        }
        url = page.get("paging", {}).get("next", {}).get("link")
    assert seen == list(hubspot.records("contacts"))


def test_a_page_of_more_than_100_is_refused(client: httpx.Client) -> None:
    refused = client.get(CONTACTS, params={"limit": 101})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_values_are_text_and_missing_ones_null(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add(
        "contacts", annualrevenue=5.0, hs_email_optout=True, closedate=1_704_067_200_000
    )
    asked = {"properties": "annualrevenue,hs_email_optout,closedate,city,no_such_property"}
    properties = client.get(f"{CONTACTS}/{id}", params=asked).json()["properties"]
    assert properties == {
        "annualrevenue": "5",
        "hs_email_optout": "true",
        "closedate": "2024-01-01T00:00:00.000Z",
        "city": None,
        "hs_object_id": id,
        "createdate": "2023-11-14T22:13:20.000Z",
        "lastmodifieddate": "2023-11-14T22:13:20.000Z",
    }


def test_an_archived_record_is_only_in_the_bin(hubspot: HubSpot, client: httpx.Client) -> None:
    id, kept = hubspot.add("contacts"), hubspot.add("contacts")
    assert [client.delete(f"{CONTACTS}/{id}").status_code for _ in range(2)] == [204, 204]
    assert ids(client.get(CONTACTS).json()) == [kept]
    binned = client.get(CONTACTS, params={"archived": True}).json()["results"]
    assert [(one["id"], one["archived"]) for one in binned] == [(id, True)]
    assert binned[0]["archivedAt"] == "2023-11-14T22:13:20.000Z"
    assert client.get(f"{CONTACTS}/{id}").status_code == 404
    assert client.get(f"{CONTACTS}/{id}", params={"archived": True}).status_code == 200
    assert client.patch(f"{CONTACTS}/{id}", json={"properties": {}}).status_code == 404
    hubspot.restore("contacts", id)
    assert ids(client.get(CONTACTS).json()) == [id, kept]


def test_pages_of_the_bin_stay_in_the_bin(hubspot: HubSpot, client: httpx.Client) -> None:
    for id in hubspot.add_many("contacts", 3):
        hubspot.archive("contacts", id)
    first = client.get(CONTACTS, params={"archived": True, "limit": 2}).json()
    second = client.get(first["paging"]["next"]["link"]).json()
    assert ids(first) + ids(second) == ["151", "152", "153"]


def test_a_purged_record_is_nowhere(hubspot: HubSpot, client: httpx.Client) -> None:
    hubspot.purge("contacts", hubspot.add("contacts"))
    assert client.get(CONTACTS).json()["results"] == []
    assert client.get(CONTACTS, params={"archived": True}).json()["results"] == []


def test_a_record_is_found_by_a_unique_property(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add("contacts", email="Ada@Lovelace.example")
    by_email = {"idProperty": "email"}
    found = client.get(f"{CONTACTS}/ada@lovelace.example", params=by_email)
    assert found.json()["id"] == id
    assert client.get(f"{CONTACTS}/x", params={"idProperty": "city"}).status_code == 400


# Writes ------------------------------------------------------------------------------------------


def test_a_write_moves_the_modified_date_even_within_a_millisecond(
    hubspot: HubSpot, client: httpx.Client
) -> None:
    id = hubspot.add("contacts")
    patched = client.patch(f"{CONTACTS}/{id}", json={"properties": {"city": "Cork"}})
    assert patched.status_code == 200
    assert patched.json()["properties"]["city"] == "Cork"
    assert patched.json()["updatedAt"] == "2023-11-14T22:13:20.001Z"


def test_a_calculated_value_changes_in_silence(hubspot: HubSpot) -> None:
    id = hubspot.add("contacts")
    before = hubspot.records("contacts")[id]
    hubspot.recalculate("contacts", id, num_associated_deals=3)
    assert hubspot.records("contacts")[id] == {**before, "num_associated_deals": "3"}


@pytest.mark.parametrize(
    ("property", "value", "code"),
    [
        ("no_such_property", "x", "PROPERTY_DOESNT_EXIST"),
        ("createdate", "2024-01-01", "READ_ONLY_VALUE"),
        ("num_associated_deals", "1", "READ_ONLY_VALUE"),
        ("annualrevenue", "lots", "INVALID_DOUBLE"),
        ("closedate", "tomorrow", "INVALID_LONG"),
        ("closedate", "9" * 30, "INVALID_LONG"),
        ("date_of_birth", "1704067200001", "INVALID_DATE"),
        ("lifecyclestage", "friend", "INVALID_OPTION"),
        ("favorite_channels", "email;pigeon", "INVALID_OPTION"),
        ("hs_email_optout", "maybe", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OWNER_ID"),
        ("email", "nobody", "INVALID_EMAIL"),
        ("city", ["Cork"], "INVALID_VALUE"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    hubspot: HubSpot, client: httpx.Client, property: str, value: Any, code: str
) -> None:
    id = hubspot.add("contacts")
    wanted = {"properties": {property: value}}
    for refused in (
        client.post(CONTACTS, json=wanted),
        client.patch(f"{CONTACTS}/{id}", json=wanted),
    ):
        assert detail(refused) == (400, code)
        assert code in refused.json()["message"]
    assert len(hubspot.records("contacts")) == 1


def test_an_email_belongs_to_one_contact(hubspot: HubSpot, client: httpx.Client) -> None:
    id = hubspot.add("contacts", email="ada@lovelace.example")
    again = {"properties": {"email": "ADA@lovelace.example"}}
    refused = client.post(CONTACTS, json=again)
    assert refused.status_code == 409
    assert refused.json()["message"] == f"Contact already exists. Existing ID: {id}"
    hubspot.archive("contacts", id)
    assert client.post(CONTACTS, json=again).status_code == 201


def test_a_batch_reads_what_there_is_and_names_the_rest(
    hubspot: HubSpot, client: httpx.Client
) -> None:
    id = hubspot.add("contacts", city="Cork")
    inputs = [{"id": id}, {"id": "999999"}]
    answered = client.post(
        f"{CONTACTS}/batch/read", json={"inputs": inputs, "properties": ["city"]}
    )
    assert answered.status_code == 207
    assert answered.json()["results"][0]["properties"]["city"] == "Cork"
    assert answered.json()["errors"][0]["context"] == {"ids": ["999999"]}


def test_a_batch_of_more_than_100_is_refused(client: httpx.Client) -> None:
    inputs = [{"id": str(number)} for number in range(101)]
    assert client.post(f"{CONTACTS}/batch/read", json={"inputs": inputs}).status_code == 400


def test_one_wrong_value_refuses_a_whole_batch(hubspot: HubSpot, client: httpx.Client) -> None:
    inputs = [{"properties": {"city": "Cork"}}, {"properties": {"citty": "Cork"}}]
    refused = client.post(f"{CONTACTS}/batch/create", json={"inputs": inputs})
    assert detail(refused) == (400, "PROPERTY_DOESNT_EXIST")
    assert hubspot.records("contacts") == {}


def test_batches_create_update_and_archive(hubspot: HubSpot, client: httpx.Client) -> None:
    inputs: list[Json] = [
        {"properties": {"city": "Cork"}, "objectWriteTraceId": "a"},
        {"properties": {"city": "Rome"}, "objectWriteTraceId": "b"},
    ]
    created = client.post(f"{CONTACTS}/batch/create", json={"inputs": inputs})
    assert created.status_code == 201
    assert [one["objectWriteTraceId"] for one in created.json()["results"]] == ["a", "b"]
    first, second = ids(created.json())
    inputs = [{"id": first, "properties": {"city": "Bern"}}, {"id": "1", "properties": {}}]
    updated = client.post(f"{CONTACTS}/batch/update", json={"inputs": inputs})
    assert (updated.status_code, ids(updated.json())) == (207, [first])
    archived = client.post(f"{CONTACTS}/batch/archive", json={"inputs": [{"id": second}]})
    assert archived.status_code == 204
    assert {id: one["city"] for id, one in hubspot.records("contacts").items()} == {first: "Bern"}


# Search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (where("city", "EQ", "cork"), "a"),
        (where("city", "NEQ", "Cork"), "b"),
        (where("annualrevenue", "GT", "9"), "ab"),
        (where("annualrevenue", "GTE", 100), "b"),
        (where("annualrevenue", "LT", "100"), "a"),
        (where("annualrevenue", "BETWEEN", "10", highValue="99"), "a"),
        (where("city", "IN", values=["cork", "Rome"]), "ab"),
        (where("city", "NOT_IN", values=["cork"]), "b"),
        (where("city", "HAS_PROPERTY"), "ab"),
        (where("city", "NOT_HAS_PROPERTY"), "c"),
        (where("email", "CONTAINS_TOKEN", "*@lovelace.example"), "a"),
        (where("email", "CONTAINS_TOKEN", "hopper"), "b"),
        (where("closedate", "LT", "1704067200001"), "a"),
        (where("closedate", "GT", "2024-01-01T00:00:00Z"), "b"),
        (where("date_of_birth", "EQ", "1815-12-10"), "a"),
        (where("lifecyclestage", "EQ", "lead"), "c"),
        (where("hs_email_optout", "EQ", "true"), "c"),
    ],
)
def test_a_filter_finds_what_it_says(
    hubspot: HubSpot, search: Searcher, filter: Json, expected: str
) -> None:
    people = {
        hubspot.add(
            "contacts",
            email="ada@lovelace.example",
            city="Cork",
            annualrevenue="10",
            closedate="2024-01-01",
            date_of_birth="1815-12-10",
        ): "a",
        hubspot.add(
            "contacts",
            email="grace@hopper.example",
            city="Rome",
            annualrevenue="100",
            closedate="2024-02-01",
        ): "b",
        hubspot.add("contacts", lifecyclestage="lead", hs_email_optout=True): "c",
    }
    found = search(filter)
    assert "".join(people[id] for id in ids(found)) == expected
    assert found["total"] == len(expected)


def test_groups_widen_filters_narrow_and_a_query_looks_everywhere(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    ada = hubspot.add("contacts", firstname="Ada", city="Cork")
    bob = hubspot.add("contacts", firstname="Bob", city="Cork")
    cyd = hubspot.add("contacts", firstname="Cyd", city="Rome")
    groups = [
        {"filters": [where("city", "EQ", "Cork"), where("firstname", "EQ", "Bob")]},
        {"filters": [where("city", "EQ", "Rome")]},
    ]
    assert ids(client.post(f"{CONTACTS}/search", json={"filterGroups": groups}).json()) == [
        bob,
        cyd,
    ]
    assert ids(search(query="ADA")) == [ada]
    many = {"filterGroups": groups[:1] * 7}
    assert client.post(f"{CONTACTS}/search", json=many).status_code == 400


def test_one_sort_orders_numbers_as_numbers_and_puts_the_missing_last(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    ten, none, nine = (
        hubspot.add("contacts", annualrevenue=10),
        hubspot.add("contacts"),
        hubspot.add("contacts", annualrevenue=9),
    )
    assert ids(search(sorts=["annualrevenue"])) == [nine, ten, none]
    down = [{"propertyName": "annualrevenue", "direction": "DESCENDING"}]
    assert ids(search(sorts=down)) == [ten, nine, none]
    two = client.post(f"{CONTACTS}/search", json={"sorts": ["city", "zip"]})
    assert two.status_code == 400


def test_search_ends_at_ten_thousand(
    hubspot: HubSpot, client: httpx.Client, search: Searcher
) -> None:
    hubspot.add_many("contacts", 10_300)
    last = search(limit=200, after=9_800)
    assert (last["total"], len(last["results"])) == (10_300, 200)
    beyond = client.post(f"{CONTACTS}/search", json={"limit": 200, "after": "10000"})
    assert beyond.status_code == 400
    assert client.post(f"{CONTACTS}/search", json={"limit": 201}).status_code == 400
    after = where("hs_object_id", "GT", last["results"][-1]["id"])
    rest = search(after, limit=200, sorts=["hs_object_id"])
    assert (rest["total"], len(rest["results"])) == (300, 200)


@pytest.mark.parametrize(
    "asked",
    [
        {"filterGroups": {"filters": []}},
        {"filterGroups": ["x"]},
        {"filterGroups": [{"filters": ["x"]}]},
        {"filterGroups": [{"filters": [where("no_such_property", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "IN", "x")]}]},
        {"filterGroups": [{"filters": [where("closedate", "GT", "yesterday")]}]},
        {"filterGroups": [{"filters": [where("annualrevenue", "GT")]}]},
        {"sorts": "city"},
        {"sorts": ["no_such_property"]},
        {"sorts": [{"propertyName": "city", "direction": "UP"}]},
        {"limit": "many"},
        {"properties": "city"},
    ],
)
def test_a_search_that_makes_no_sense_is_refused(client: httpx.Client, asked: Json) -> None:
    refused = client.post(f"{CONTACTS}/search", json=asked)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_sees_the_old_until_its_index_catches_up(
    hubspot: HubSpot, clock: Clock, search: Searcher
) -> None:
    edited = hubspot.add("contacts", city="Cork")
    archived = hubspot.add("contacts", city="Cork")
    hubspot.search_lag = 5.0
    clock.now += 60
    hubspot.edit("contacts", edited, city="Rome")
    hubspot.archive("contacts", archived)
    created = hubspot.add("contacts", city="Rome")
    old = search(where("city", "EQ", "Cork"), properties=["city"])
    assert ids(old) == [edited, archived]
    assert old["results"][0]["properties"]["lastmodifieddate"] == "2023-11-14T22:13:20.000Z"
    clock.now += 4.9
    assert ids(search(where("city", "EQ", "Rome"))) == []
    clock.now += 0.1
    assert ids(search(where("city", "EQ", "Rome"))) == [edited, created]
    assert ids(search(where("city", "EQ", "Cork"))) == []


def test_paging_by_id_through_100_000_contacts_is_quick() -> None:
    hubspot = HubSpot(contacts=100_000)
    search = hubspot.portal.search("contacts")
    began, last, seen = time.monotonic(), "0", 0
    while True:
        asked = {
            "filterGroups": [{"filters": [where("hs_object_id", "GT", last)]}],
            "sorts": ["hs_object_id"],
            "limit": 200,
        }
        found = search.find(asked, hubspot.portal.properties["contacts"])
        if not found.records:
            break
        assert found.total == 100_000 - seen
        seen += len(found.records)
        last = str(found.records[-1].id)
    assert seen == 100_000
    assert time.monotonic() - began < 3.0


# Properties, owners, account ---------------------------------------------------------------------


def test_each_object_describes_its_properties(client: httpx.Client) -> None:
    for object in ("contacts", "companies", "deals", "tickets", "products", "line_items"):
        listed = client.get(f"/crm/v3/properties/{object}").json()["results"]
        by_name = {one["name"]: one for one in listed}
        modified = "lastmodifieddate" if object == "contacts" else "hs_lastmodifieddate"
        assert len(by_name) >= 12
        assert by_name[modified]["modificationMetadata"]["readOnlyValue"]
    assert client.get("/crm/v3/properties/unicorns").status_code == 400


def test_a_custom_property_comes_and_goes(hubspot: HubSpot, client: httpx.Client) -> None:
    properties = "/crm/v3/properties/contacts"
    shoe_size = {
        "name": "shoe_size",
        "label": "Shoe size",
        "type": "number",
        "fieldType": "number",
        "groupName": "contactinformation",
    }
    assert client.post(properties, json=shoe_size).status_code == 201
    assert client.post(properties, json=shoe_size).status_code == 409
    id = hubspot.add("contacts", shoe_size=41)
    assert client.delete(f"{properties}/shoe_size").status_code == 204
    assert "shoe_size" not in hubspot.records("contacts")[id]
    assert detail(client.post(CONTACTS, json={"properties": {"shoe_size": 41}}))[0] == 400
    assert client.delete(f"{properties}/email").status_code == 400
    archived = client.get(properties, params={"archived": True}).json()["results"]
    assert [one["name"] for one in archived] == ["shoe_size"]


def test_owners_come_in_pages_and_the_departed_apart(client: httpx.Client) -> None:
    first = client.get("/crm/v3/owners", params={"limit": 7}).json()
    rest = client.get(first["paging"]["next"]["link"]).json()
    gone = client.get("/crm/v3/owners", params={"archived": True}).json()
    assert [len(page["results"]) for page in (first, rest, gone)] == [7, 3, 2]
    assert "paging" not in rest


def test_the_account_says_who_it_is(client: httpx.Client) -> None:
    account = client.get("/account-info/v3/details").json()
    assert (account["portalId"], account["companyCurrency"]) == (24117733, "EUR")


# Tokens and limits -------------------------------------------------------------------------------


def test_a_stranger_is_refused(hubspot: HubSpot) -> None:
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "sandbox-token"}):
        refused = httpx.get(hubspot.url + CONTACTS, headers=headers)
        assert refused.status_code == 401
        assert refused.json()["category"] == "INVALID_AUTHENTICATION"


def test_a_token_without_the_scope_is_told_which_one() -> None:
    with serve(HubSpot(tokens={"reader": ["crm.objects.contacts.read"]})) as hubspot:
        signed = {"Authorization": "Bearer reader"}
        assert httpx.get(hubspot.url + CONTACTS, headers=signed).status_code == 200
        refused = httpx.post(hubspot.url + CONTACTS, headers=signed, json={"properties": {}})
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    wanted = refused.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert wanted == ["crm.objects.contacts.write"]


def test_oauth_tokens_end_and_are_refreshed(hubspot: HubSpot, clock: Clock) -> None:
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}

    def token(**form: str) -> httpx.Response:
        return httpx.post(f"{hubspot.url}/oauth/v1/token", data={**app, **form})

    def status(answered: httpx.Response) -> int:
        signed = {"Authorization": f"Bearer {answered.json()['access_token']}"}
        return httpx.get(hubspot.url + CONTACTS, headers=signed).status_code

    asked = {
        "response_type": "code",
        "client_id": "sandbox-client",
        "redirect_uri": "http://localhost/callback",
        "scope": "crm.objects.contacts.read",
        "state": "s",
        "code_challenge": challenge_of("verifier"),
        "code_challenge_method": "S256",
    }
    page = httpx.URL(f"{hubspot.url}/oauth/authorize", params=asked)
    back = decide(str(page))
    assert (back.path, back.params["state"]) == ("/callback", "s")
    redeem = {
        "grant_type": "authorization_code",
        "code": back.params["code"],
        "redirect_uri": "http://localhost/callback",
        "code_verifier": "verifier",
    }
    first = token(**redeem)
    assert status(first) == 200
    clock.now += first.json()["expires_in"]
    assert status(first) == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    assert status(token(**refresh)) == 200
    refresh["refresh_token"] = "made-up"
    assert token(**refresh).json()["status"] == "BAD_REFRESH_TOKEN"
    assert token(**redeem).json()["status"] == "BAD_AUTH_CODE"


def test_the_ten_second_limit_rolls(clock: Clock) -> None:
    with (
        serve(HubSpot(burst=2, daily=100, clock=clock)) as hubspot,
        httpx.Client(base_url=hubspot.url, headers=SIGNED) as client,
    ):
        allowed = client.get(CONTACTS)
        assert allowed.headers["X-HubSpot-RateLimit-Max"] == "2"
        assert allowed.headers["X-HubSpot-RateLimit-Remaining"] == "1"
        assert allowed.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
        assert allowed.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "99"
        clock.now += 6
        client.get(CONTACTS)
        refused = client.get(CONTACTS)
        assert refused.status_code == 429
        assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
        assert "Retry-After" not in refused.headers
        clock.now += 4
        assert [client.get(CONTACTS).status_code for _ in range(2)] == [200, 429]


def test_search_has_a_limit_of_its_own_and_does_not_tell(clock: Clock) -> None:
    with (
        serve(HubSpot(burst=100, search_per_second=2, clock=clock)) as hubspot,
        httpx.Client(base_url=hubspot.url, headers=SIGNED) as client,
    ):
        answers = [client.post(f"{CONTACTS}/search", json={}) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2].json()["policyName"] == "SECONDLY"
        assert "X-HubSpot-RateLimit-Remaining" not in answers[0].headers
        assert client.get(CONTACTS).status_code == 200
