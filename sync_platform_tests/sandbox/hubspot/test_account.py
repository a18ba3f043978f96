"""The fake HubSpot's account: properties, owners, tokens and limits."""

import httpx

from sync_platform.sandbox import HubSpot, serve
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform_tests.consenting import decide
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.hubspot.asking import CONTACTS, SIGNED, detail


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
