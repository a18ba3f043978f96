"""What is called without encryption: this machine, and the hosts that the setting names. The vendor
here really listens at an address that is not loopback, so that what is sent would be heard."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from sync_platform import spec
from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.errors import ConfigurationError, UnexpectedResponse
from sync_platform.sandbox.openid import OpenId, User
from sync_platform.sandbox.serving import serve
from sync_platform.transport import oauth
from sync_platform.transport.address import Address
from sync_platform.transport.openid import OpenIdProvider
from sync_platform.transport.url import parsed
from sync_platform_tests.elsewhere import own_address
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.sandbox.acme import key_pair
from sync_platform_tests.transport.conftest import TOKEN, Open
from sync_platform_tests.transport.wire import Wire, listening

HOST = own_address()
CLIENT = OAuthClient("our-app", "hidden-client")
CODE = spec.OAuth2(
    authorize_url="https://acme.test/authorize",
    token_url="https://acme.test/token",
    revoke_url="https://acme.test/revoke",
)
OWN_CLIENT = spec.ClientCredentials(token_url="https://acme.test/token")
ROBOT = spec.JwtBearer(token_url="https://acme.test/token", claims=lambda secret, settings: {})
ROBOTS = Secret({"private_key": key_pair()[0]})
KEPT = Secret({"refresh_token": "hidden-refresh", "access_token": "hidden-access"})
OWN = Secret({"client_id": "robot", "client_secret": "hidden-robot"})


@pytest.fixture
def away() -> Iterator[Wire]:
    """A wire at another address than loopback."""
    with listening(HOST) as wire:
        yield wire


def port_of(wire: Wire) -> int:
    return urlsplit(wire.url).port or 0


# -- calls ----------------------------------------------------------------------------------------


def test_a_vendor_elsewhere_is_not_called_without_encryption(open_api: Open, away: Wire) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_api(base_url=away.url)
    here = f"{HOST}:{port_of(away)}"
    assert str(refused.value) == (
        f"The address of acme-main cannot be used: http://{here} is not encrypted, so anyone on "
        "the way could read the sign-in. Use https://; or, where that way is trusted, add "
        f"{here} to SYNC_PLATFORM_ALLOW_HTTP and restart what runs."
    )
    assert away.connections == 0


def test_a_listed_host_is_called(open_api: Open, away: Wire) -> None:
    for listed in (HOST, f"{HOST}:{port_of(away)}"):
        assert open_api(base_url=away.url, allow_http={listed}).get("/things") == {}
    assert [it.headers["Authorization"] for it in away.heard] == [f"Bearer {TOKEN}"] * 2


def test_another_host_or_port_being_listed_says_nothing(open_api: Open, away: Wire) -> None:
    for listed in (f"{HOST}:{port_of(away) + 1}", f"{HOST}:80", f"x{HOST}", "erp.internal"):
        with pytest.raises(ConfigurationError, match="SYNC_PLATFORM_ALLOW_HTTP"):
            open_api(base_url=away.url, allow_http={listed})
    assert away.connections == 0


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://Erp.Internal/api", "erp.internal"),
        ("http://erp.internal", "erp.internal:80"),
        ("http://[FD00:0::5]:8080", "[fd00::5]:8080"),
        ("http://bücher.internal", "xn--bcher-kva.internal"),
    ],
)
def test_a_host_is_found_however_it_is_written(url: str, listed: str) -> None:
    Address(url, label="Acme", connection="acme-main", allow_http={listed})


def test_a_listed_host_may_redirect_within_itself_and_nowhere_else(
    open_api: Open, away: Wire, wire: Wire
) -> None:
    """Not even to another that is listed, or to this machine."""
    listed = {HOST, "127.0.0.1"}
    away.say({}, 302, {"Location": "/moved"})
    away.say([1])
    assert open_api(base_url=away.url, allow_http=listed).get("/things") == [1]
    away.say({}, 307, {"Location": f"{wire.url}/things"})
    with pytest.raises(UnexpectedResponse, match="points to another host"):
        open_api(base_url=away.url, allow_http=listed).get("/things")
    wire.say({}, 307, {"Location": f"{away.url}/things"})
    with pytest.raises(UnexpectedResponse, match="points to another host"):
        open_api(allow_http=listed).get("/things")
    assert [it.path for it in away.heard] == ["/things", "/moved", "/things"]
    assert wire.paths == ["/things"]


def test_a_redirect_never_gives_encryption_up() -> None:
    """Also where the host is listed: its owner chose https for this connection."""
    address = Address(
        "https://erp.internal", label="Acme", connection="acme-main", allow_http={"erp.internal"}
    )
    for elsewhere in ("http://erp.internal/x", "http://erp.internal:443/x", "//evil.internal/x"):
        with pytest.raises(UnexpectedResponse, match="points to another host"):
            address.redirected(parsed("https://erp.internal/a"), elsewhere)


# -- tokens ---------------------------------------------------------------------------------------


def endpoints(wire: Wire, *listed: str) -> oauth.Endpoints:
    return oauth.Endpoints(label="Acme", base_url=wire.url, allow_http=listed)


def consent(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.authorization_url(
        CODE, CLIENT, where, scopes=[], redirect_uri="http://127.0.0.1/", state="s", verifier="v"
    )


def code(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.exchange(
        CODE, CLIENT, where, clock, code="hidden-code", redirect_uri="/", verifier="hidden-verifier"
    )


def refresh(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.renew(CODE, KEPT, where, clock, CLIENT)


def own_client(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.renew(OWN_CLIENT, OWN, where, clock)


def robot(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.renew(ROBOT, ROBOTS, where, clock)


def end(where: oauth.Endpoints, clock: FakeClock) -> object:
    return oauth.revoke(CODE, CLIENT, KEPT, where, clock)


Step = Callable[[oauth.Endpoints, FakeClock], object]
STEPS = [code, refresh, own_client, robot, end]


@pytest.mark.parametrize("step", [consent, *STEPS])
def test_no_token_is_asked_for_without_encryption(away: Wire, clock: FakeClock, step: Step) -> None:
    with pytest.raises(ConfigurationError) as refused:
        step(endpoints(away, "erp.internal"), clock)
    assert str(refused.value).startswith("The address of Acme's sign-in cannot be used: http://")
    assert f"add {HOST}:{port_of(away)} to SYNC_PLATFORM_ALLOW_HTTP" in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert away.connections == 0


@pytest.mark.parametrize("step", STEPS)
def test_a_listed_host_gives_tokens(away: Wire, clock: FakeClock, step: Step) -> None:
    away.say({"access_token": "hidden-new"})
    assert step(endpoints(away, HOST), clock)
    assert away.paths == ["/revoke" if step is end else "/token"]


@pytest.mark.parametrize("step", STEPS)
def test_no_token_call_follows_a_redirect(
    away: Wire, wire: Wire, clock: FakeClock, step: Step
) -> None:
    away.say({}, 307, {"Location": f"{wire.url}/token"})
    if step is end:
        assert not step(endpoints(away, HOST), clock)
    else:
        with pytest.raises(UnexpectedResponse, match="HTTP 307 without a token"):
            step(endpoints(away, HOST), clock)
    assert (len(away.heard), wire.heard) == (1, [])


# -- people ---------------------------------------------------------------------------------------


@pytest.fixture
def openid(clock: FakeClock) -> Iterator[OpenId]:
    ann = User(subject="1", email="ann@example.com", name="Ann")
    with serve(OpenId([ann], clock=lambda: clock.now().timestamp()), host=HOST) as it:
        yield it


def provider(at: OpenId, clock: FakeClock, *listed: str) -> OpenIdProvider:
    return OpenIdProvider(
        at.url, at.client_id, at.client_secret, at.redirect_uri, clock, allow_http=listed
    )


def test_people_sign_in_through_a_provider_on_a_listed_host(
    openid: OpenId, clock: FakeClock
) -> None:
    it = provider(openid, clock, HOST)
    address = it.address(state="s", nonce="n", verifier="v" * 43)
    asked = dict(parse_qsl(urlsplit(address).query))
    back = httpx.post(address.partition("?")[0], data={**asked, "email": "ann@example.com"})
    params = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    assert it.vouched(params, nonce="n", verifier="v" * 43).email == "ann@example.com"


def test_a_provider_elsewhere_is_not_asked_without_encryption(
    openid: OpenId, clock: FakeClock
) -> None:
    with pytest.raises(ConfigurationError, match=r"is not encrypted, .*SYNC_PLATFORM_ALLOW_HTTP"):
        provider(openid, clock).address(state="s", nonce="n", verifier="v" * 43)
    assert not openid.calls


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "jwks_uri"])
def test_no_endpoint_of_a_provider_is_without_encryption(
    away: Wire, clock: FakeClock, endpoint: str
) -> None:
    about = {
        "issuer": away.url,
        "authorization_endpoint": f"{away.url}/authorize",
        "jwks_uri": f"{away.url}/keys",
        endpoint: "http://elsewhere.internal/x",
    }
    away.say(about)
    away.say({"keys": [{"kty": "oct", "k": "A" * 43}]})
    it = OpenIdProvider(away.url, "id", "hidden", "http://127.0.0.1/x", clock, allow_http={HOST})
    with pytest.raises(ConfigurationError, match=f"The {endpoint} .* add elsewhere.internal to"):
        it.address(state="s", nonce="n", verifier="v" * 43)
