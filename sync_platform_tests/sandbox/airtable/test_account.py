"""The fake Airtable's limits, sign-ins, and its account."""

import httpx

from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform_tests.consenting import allowed
from sync_platform_tests.sandbox.asking import Clock

VERIFIER = "a-verifier-of-forty-three-characters-or-more"


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
