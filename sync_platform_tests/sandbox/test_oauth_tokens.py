"""The tokens of sandbox vendors end, rotate and are revoked as those of vendors do."""

import base64
from typing import Any

import httpx

from sync_platform.sandbox import HubSpot, serve
from sync_platform_tests.sandbox.acme import Acme, key_pair
from sync_platform_tests.sandbox.asking import (
    APP,
    Clock,
    Serve,
    ask,
    me,
    refresh,
    signed_in,
)

# -- tokens ---------------------------------------------------------------------------------------


def test_access_tokens_end(serving: Serve, clock: Clock) -> None:
    vendor = serving(lasts=100.0)
    given = signed_in(vendor)
    assert given["expires_in"] == 100
    assert me(vendor, given["access_token"]).status_code == 200
    clock.now += 100
    assert me(vendor, given["access_token"]).status_code == 401


def test_refresh_tokens_stay_where_they_do_not_rotate(serving: Serve) -> None:
    vendor = serving()
    token = signed_in(vendor)["refresh_token"]
    assert [refresh(vendor, token).json()["refresh_token"] for _ in range(2)] == [token, token]


def test_a_rotated_refresh_token_that_comes_again_ends_the_whole_chain(serving: Serve) -> None:
    vendor = serving(rotates=True)
    first = signed_in(vendor)
    second = refresh(vendor, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert refresh(vendor, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(vendor, second["refresh_token"]).json()["error"] == "invalid_grant"
    assert me(vendor, second["access_token"]).status_code == 401
    assert vendor.oauth.reused == 1


def test_one_chain_ends_without_the_others(serving: Serve) -> None:
    vendor = serving(rotates=True)
    first, other = signed_in(vendor), signed_in(vendor)
    refresh(vendor, first["refresh_token"])
    refresh(vendor, first["refresh_token"])
    assert me(vendor, other["access_token"]).status_code == 200


def test_an_idle_refresh_token_dies_and_a_used_one_does_not(serving: Serve, clock: Clock) -> None:
    vendor = serving(refresh_lasts=1000.0)
    token = signed_in(vendor)["refresh_token"]
    for _ in range(3):
        clock.now += 900
        assert refresh(vendor, token).status_code == 200
    clock.now += 1001
    assert refresh(vendor, token).json()["error"] == "invalid_grant"


def test_answers_come_in_the_vendors_shape(serving: Serve) -> None:
    vendor = serving(expires_in="text", told=lambda grant: {"instance_url": "https://x.test"})
    given = signed_in(vendor)
    assert (given["expires_in"], given["instance_url"]) == ("1800", "https://x.test")
    assert "expires_in" not in signed_in(serving(expires_in="missing"))


def test_the_client_is_known_by_body_or_header(serving: Serve) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "none"}
    basic = "Basic " + base64.b64encode(b"our-app:our-app-secret").decode()

    def error(vendor: Acme, *, header: bool) -> str:
        url = f"{vendor.url}/oauth/token"
        signed = {"Authorization": basic} if header else {}
        answered = httpx.post(url, data=form if header else {**form, **APP}, headers=signed)
        return str(answered.json()["error"])

    either, body, header = (
        serving(),
        serving(client_sent_in=["body"]),
        serving(client_sent_in=["header"]),
    )
    assert error(either, header=True) == error(either, header=False) == "invalid_grant"
    assert error(body, header=True) == error(header, header=False) == "invalid_client"
    assert error(body, header=False) == error(header, header=True) == "invalid_grant"
    assert ask(either, client_secret="wrong").json()["error"] == "invalid_client"


def test_revoking_ends_a_token_and_what_belongs_to_it(serving: Serve) -> None:
    vendor = serving()
    given = signed_in(vendor)
    for token in (given["refresh_token"], "unknown"):
        answered = httpx.post(f"{vendor.url}/oauth/revoke", data={"token": token})
        assert answered.status_code == 200
    assert me(vendor, given["access_token"]).status_code == 401


def test_services_get_tokens_without_a_person(serving: Serve) -> None:
    vendor = serving(services={"robot": "robot-secret"})
    robot = {"grant_type": "client_credentials", "client_id": "robot", "scope": "read"}
    given = ask(vendor, **robot, client_secret="robot-secret").json()
    assert "refresh_token" not in given
    assert me(vendor, given["access_token"]).json()["scopes"] == ["read"]
    assert ask(vendor, **robot, client_secret="wrong").status_code == 401


def test_assertions_are_really_checked(serving: Serve, clock: Clock) -> None:
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    (private, public), (stranger, _) = key_pair(), key_pair()
    vendor = serving(service_accounts={"robot@acme": public})
    claims = {"iss": "robot@acme", "aud": f"{vendor.url}/oauth/token", "scope": "read"}
    times = {"iat": int(clock.now), "exp": int(clock.now) + 300}

    def answered(key: str = private, **wrong: Any) -> httpx.Response:
        signed = jwt.encode({"alg": "RS256"}, claims | times | wrong, RSAKey.import_key(key))
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return ask(vendor, grant_type=grant, assertion=signed)

    assert me(vendor, answered().json()["access_token"]).json()["scopes"] == ["read"]
    for refused in (
        answered(stranger),
        answered(iss="other"),
        answered(aud="https://elsewhere.test"),
        answered(exp=int(clock.now)),
        answered(exp=int(clock.now) + 7200),
        answered(iat=int(clock.now) + 600, exp=int(clock.now) + 900),
        ask(vendor, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion="a.b.c"),
    ):
        assert refused.json()["error"] == "invalid_grant"


# -- in HubSpot's words, and from outside ---------------------------------------------------------


def test_a_code_goes_back_to_loopback_where_no_address_is_registered() -> None:
    with serve(HubSpot()) as hubspot:
        asked = {"client_id": "sandbox-client", "response_type": "code", "code_challenge": "x"}
        asked |= {"code_challenge_method": "S256"}
        for uri, status in (("http://127.0.0.1:4711/cb", 200), ("http://evil.test/cb", 400)):
            url = f"{hubspot.url}/oauth/authorize"
            assert httpx.get(url, params=asked | {"redirect_uri": uri}).status_code == status


def test_from_outside_the_server_can_be_made_stricter_and_tokens_ended(serving: Serve) -> None:
    vendor = serving()
    given = signed_in(vendor)
    admin = f"{vendor.url}/_sandbox/oauth"
    assert httpx.post(admin, json={"rotates": True, "lasts": 5}).json()["rotates"] is True
    fresh = refresh(vendor, given["refresh_token"]).json()
    assert (fresh["expires_in"], fresh["refresh_token"] == given["refresh_token"]) == (5, False)
    httpx.post(admin, json={"revoke": True})
    assert refresh(vendor, fresh["refresh_token"]).status_code == 400
    assert httpx.post(admin, json={"colour": "red"}).status_code == 400


def test_a_fault_may_be_a_page(serving: Serve) -> None:
    vendor = serving()
    vendor.fail("html", path="/oauth/token", status=503)
    answered = ask(vendor)
    assert (answered.status_code, answered.text) == (503, "<html><h1>503</h1></html>")


def test_tokens_outlive_a_restart() -> None:
    before = HubSpot()
    code = before.consent(["oauth"])
    before.oauth.rotates = True
    form = {
        "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        "grant_type": "authorization_code", "code": code,
    }  # fmt: skip
    given = before.oauth.grant(form, "", "")
    after = HubSpot()
    after.resume(before.state())
    assert after.oauth.state() == before.oauth.state()
    assert after.oauth.token(f"Bearer {given['access_token']}") is not None
