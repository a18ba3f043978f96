"""What is kept of an OpenID provider, and for how long."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sync_platform.engine.access import Vouched
from sync_platform.errors import NotSignedIn, UnexpectedResponse, VendorUnavailable
from sync_platform.sandbox.openid import OpenId, User
from sync_platform.sandbox.serving import serve
from sync_platform.transport.openid import OpenIdProvider
from sync_platform_tests.fakes import FakeClock

ANN = User(subject="1", email="ann@example.com", name="Ann")
VERIFIER = "v" * 43


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[OpenId]:
    with serve(OpenId([ANN], clock=lambda: clock.now().timestamp())) as it:
        yield it


@pytest.fixture
def provider(sandbox: OpenId, clock: FakeClock) -> OpenIdProvider:
    return OpenIdProvider(
        sandbox.url, sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri, clock
    )


def sign_in(provider: OpenIdProvider) -> Vouched:
    """Ann clicks on her name."""
    address = provider.address(state="s", nonce="n", verifier=VERIFIER)
    asked = dict(parse_qsl(urlsplit(address).query))
    back = httpx.post(address.partition("?")[0], data={**asked, "email": ANN.email})
    params = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    return provider.vouched(params, nonce="n", verifier=VERIFIER)


def test_discovery_and_keys_are_asked_for_once_an_hour(
    provider: OpenIdProvider, sandbox: OpenId, clock: FakeClock
) -> None:
    about = ("GET", "/.well-known/openid-configuration")
    for _ in range(3):
        told = sign_in(provider)
        assert told == Vouched(subject=f"{sandbox.url} 1", email=ANN.email, name="Ann")
    assert (sandbox.calls[about], sandbox.calls["GET", "/keys"]) == (1, 1)
    clock.pass_by(timedelta(hours=1))
    sign_in(provider)
    assert (sandbox.calls[about], sandbox.calls["GET", "/keys"]) == (2, 2)


def test_a_new_key_is_found_within_a_minute(
    provider: OpenIdProvider, sandbox: OpenId, clock: FakeClock
) -> None:
    sign_in(provider)
    clock.pass_by(timedelta(minutes=2))
    sandbox.roll_key()
    assert sign_in(provider).email == ANN.email
    sandbox.roll_key()
    with pytest.raises(NotSignedIn):  # keys are not asked for at every wrong signature
        sign_in(provider)
    clock.pass_by(timedelta(minutes=1))
    assert sign_in(provider).email == ANN.email


def test_a_code_needs_the_verifier_of_its_challenge(provider: OpenIdProvider) -> None:
    address = provider.address(state="s", nonce="n", verifier=VERIFIER)
    asked = dict(parse_qsl(urlsplit(address).query))
    assert VERIFIER not in address
    back = httpx.post(address.partition("?")[0], data={**asked, "email": ANN.email})
    params = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    with pytest.raises(NotSignedIn, match="code"):
        provider.vouched(params, nonce="n", verifier="w" * 43)


def test_a_provider_that_cannot_be_reached_is_told(clock: FakeClock) -> None:
    away = OpenIdProvider("http://127.0.0.1:1", "id", "hush-hush", "http://127.0.0.1/x", clock)
    with pytest.raises(VendorUnavailable) as told:
        away.address(state="s", nonce="n", verifier=VERIFIER)
    assert "hush" not in f"{told.value}{told.value.evidence}{away!r}"


def test_a_website_that_is_no_provider_is_told(sandbox: OpenId, clock: FakeClock) -> None:
    wrong = OpenIdProvider(f"{sandbox.url}/keys", "id", None, "http://127.0.0.1/x", clock)
    with pytest.raises(UnexpectedResponse, match="sign-in provider"):
        wrong.address(state="s", nonce="n", verifier=VERIFIER)
