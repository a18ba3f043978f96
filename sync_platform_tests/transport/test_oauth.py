"""OAuth over the wire: what is sent, and what comes of it with a vendor."""

import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    VendorUnavailable,
)
from sync_platform.sandbox import serve
from sync_platform.sandbox.oauth_words import challenge_of
from sync_platform.transport import oauth
from sync_platform_tests.consenting import allowed
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.sandbox.acme import REDIRECT_URI, Acme, key_pair
from sync_platform_tests.transport.tokens import CLIENT, NOW, VERIFIER, WAY, at
from sync_platform_tests.transport.wire import Wire, cut

# -- sending a person to the vendor ---------------------------------------------------------------


def asked(way: spec.OAuth2 = WAY, **endpoints: Any) -> httpx.URL:
    url = oauth.authorization_url(
        way,
        CLIENT,
        oauth.Endpoints(**endpoints),
        scopes=["read", "write all"],
        redirect_uri=REDIRECT_URI,
        state="s",
        verifier=VERIFIER,
    )
    return httpx.URL(url)


def test_the_address_asks_for_a_code_with_a_challenge() -> None:
    url = asked()
    assert (url.host, url.path) == ("acme.test", "/authorize")
    assert dict(url.params) == {
        "response_type": "code",
        "client_id": "our-app",
        "redirect_uri": REDIRECT_URI,
        "scope": "read write all",
        "state": "s",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    assert VERIFIER not in str(url)


def test_the_address_follows_the_declaration() -> None:
    way = spec.OAuth2(
        authorize_url=lambda settings: f"https://{settings['shop']}.acme.test/a?owner=user",
        token_url="",
        authorize_params={"access_type": "offline"},
        scope_separator=",",
        pkce=False,
    )
    url = asked(way, settings={"shop": "blue"})
    assert url.host == "blue.acme.test"
    assert (url.params["owner"], url.params["access_type"]) == ("user", "offline")
    assert url.params["scope"] == "read,write all"
    assert "code_challenge" not in url.params
    with pytest.raises(ConfigurationError, match="needs the setting 'shop' to sign in"):
        asked(way)


def test_the_origin_of_an_overridden_address_takes_the_vendors_place() -> None:
    url = asked(base_url="http://127.0.0.1:4711/deep/path")
    assert str(url).startswith("http://127.0.0.1:4711/authorize?")


@pytest.mark.parametrize("url", ["http://acme.test/a", "ftp://acme.test", "https://u:p@acme.test"])
def test_nobody_is_sent_where_others_listen(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        asked(spec.OAuth2(authorize_url=url, token_url=""))


# -- with a vendor --------------------------------------------------------------------------------


@pytest.fixture
def vendor() -> Iterator[Acme]:
    made = Acme(client_secret=CLIENT.client_secret, rotates=True, lasts=600.0)
    with serve(made) as vendor:
        yield vendor


def exchanged(
    endpoints: oauth.Endpoints, clock: FakeClock, way: spec.OAuth2 = WAY, code: str = "c"
) -> oauth.Exchanged:
    return oauth.exchange(
        way, CLIENT, endpoints, clock, code=code, redirect_uri=REDIRECT_URI, verifier=VERIFIER
    )


@pytest.mark.parametrize("sent_in", ["body", "header", "secret"])
def test_a_code_becomes_tokens_which_are_renewed(
    vendor: Acme, clock: FakeClock, sent_in: Any
) -> None:
    vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test", "id_token": "no"}
    vendor.oauth.client_sent_in = [sent_in]
    way = spec.OAuth2(
        authorize_url="https://acme.test/oauth/authorize",
        token_url="https://acme.test/oauth/token",
        client_sent_in=sent_in,
    )
    back = allowed(str(asked(way, base_url=vendor.url)))
    got = exchanged(at(vendor.url), clock, way, back["code"])
    assert got.told == {
        "token_type": "bearer",
        "expires_in": 600,
        "instance_url": "https://eu.acme.test",
    }
    assert got.secret["auth"] == "OAuth2"
    assert (got.secret["renewed_at"], got.secret["expires_at"]) == (NOW, NOW + 600)
    fresh = oauth.renew(way, got.secret, at(vendor.url), clock, CLIENT).secret
    assert fresh["refresh_token"] != got.secret["refresh_token"]
    me = httpx.get(f"{vendor.url}/me", headers={"Authorization": f"Bearer {fresh['access_token']}"})
    assert me.status_code == 200


def test_a_code_is_not_sent_twice(wire: Wire, clock: FakeClock) -> None:
    """A vendor would take the second for a thief's, and end what the first gave."""
    wire.do(cut)
    with pytest.raises(VendorUnavailable, match="Acme broke the connection off"):
        exchanged(at(wire.url), clock)
    assert len(wire.heard) == 1


def test_a_code_that_is_refused_means_to_begin_again(vendor: Acme, clock: FakeClock) -> None:
    with pytest.raises(NeedsReauth, match=r"was used already or has expired\. Begin again\."):
        exchanged(at(vendor.url), clock, code="unknown")


def test_a_client_of_the_accounts_own_gets_tokens_without_a_person(clock: FakeClock) -> None:
    way = spec.ClientCredentials(token_url="https://acme.test/oauth/token", scopes=["read"])
    secret = Secret({"client_id": "robot", "client_secret": "hidden-robot"})
    with serve(Acme(services={"robot": "hidden-robot"})) as vendor:
        vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test"}
        given = oauth.renew(way, secret, at(vendor.url), clock)
        assert given.secret["client_secret"] == "hidden-robot"
        assert given.secret["access_token"] in vendor.oauth.issued
        assert given.told["instance_url"] == "https://eu.acme.test"
        wrong = Secret({**secret, "client_secret": "hidden-wrong"})
        with pytest.raises(NeedsReauth, match="does not accept this client id and secret"):
            oauth.renew(way, wrong, at(vendor.url), clock)


def claims(secret: Any, settings: Any) -> dict[str, Any]:
    return {"iss": secret["client_email"], "aud": settings["audience"]}


def test_a_service_account_signs_for_its_tokens() -> None:
    clock = FakeClock()
    way = spec.JwtBearer(
        token_url="https://acme.test/oauth/token", claims=claims, scopes=["read", "write"]
    )
    (private, public), (stranger, _) = key_pair(), key_pair()
    secret = Secret({"client_email": "robot@acme", "private_key": private})
    acme = Acme(service_accounts={"robot@acme": public})
    acme.clock = lambda: clock.now().timestamp()
    with serve(acme) as vendor:
        vendor.oauth.told = lambda grant: {"instance_url": "https://eu.acme.test"}
        endpoints = at(vendor.url, settings={"audience": f"{vendor.url}/oauth/token"})
        given = oauth.renew(way, secret, endpoints, clock)
        issued = vendor.oauth.issued[given.secret["access_token"]]
        assert issued.scopes == frozenset({"read", "write"})
        assert given.told["instance_url"] == "https://eu.acme.test"
        with pytest.raises(NeedsReauth, match="does not accept this service account"):
            oauth.renew(way, Secret({**secret, "private_key": stranger}), endpoints, clock)
        with pytest.raises(NeedsReauth, match="must be a whole PEM") as told:
            oauth.renew(way, Secret({**secret, "private_key": private[:300]}), endpoints, clock)
        assert private[100:200] not in "".join(traceback.format_exception(told.value))
        with pytest.raises(NeedsReauth, match="lack 'client_email'"):
            oauth.renew(way, Secret({"private_key": private}), endpoints, clock)


def test_tokens_are_revoked_where_the_vendor_lets_one(vendor: Acme, clock: FakeClock) -> None:
    way = spec.OAuth2(authorize_url="", token_url="", revoke_url="https://acme.test/oauth/revoke")
    vendor.oauth.consent()
    form = {"grant_type": "authorization_code", "code": next(iter(vendor.oauth.codes))}
    app = {"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret}
    given = Secret(vendor.oauth.grant(form | app, "", ""))
    assert oauth.revoke(way, CLIENT, given, at(vendor.url), clock)
    assert vendor.oauth.refresh_tokens == {}
    assert not oauth.revoke(WAY, CLIENT, given, at(vendor.url), clock)
