"""The proxy that the environment names is used, but never between us and this very machine."""

from base64 import b64decode, b64encode

import pytest

from sync_platform import spec
from sync_platform.errors import ConfigurationError, VendorUnavailable
from sync_platform.transport.network import proxy_to, way_to
from sync_platform.transport.url import parsed
from sync_platform_tests.elsewhere import own_address
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.wire import Wire, listening

ELSEWHERE = "http://erp.example:8080"
TRIES = 6


@pytest.fixture(autouse=True)
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_calls_go_through_the_proxy_of_the_environment(
    open_api: Open, wire: Wire, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, wire.url.removeprefix("http://"))
    wire.say({"id": 1})
    api = open_api(base_url=ELSEWHERE, allow_http={"erp.example"})
    assert api.get("/things") == {"id": 1}
    assert wire.paths == [f"{ELSEWHERE}/things"]


def test_this_machine_and_the_hosts_that_need_no_proxy_are_called_themselves(
    open_api: Open, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert open_api().get("/things") == {}
    assert wire.paths == ["/things"]
    with listening(own_address()) as away:
        host = parsed(away.url).host
        monkeypatch.setenv("no_proxy", host)
        assert open_api(base_url=away.url, allow_http={host}).get("/things") == {}
        assert away.paths == ["/things"]


@pytest.mark.parametrize(
    ("proxy", "error"),
    [
        ("gopher://ann:hushhush@proxy.example", "ValueError"),
        ("http://ann:hushhush/more@proxy.example:3128", "ValueError"),
        ("http://ann:hushhush%00@proxy.example:3128", "ValueError"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    open_api: Open, monkeypatch: pytest.MonkeyPatch, proxy: str, error: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    api = open_api(base_url=ELSEWHERE, allow_http={"erp.example"})
    with pytest.raises(ConfigurationError, match=f"cannot be used: {error}") as told:
        api.get("/things")
    assert "hushhush" not in repr((told.value, told.value.__cause__))
    api.close()


def test_a_proxys_password_may_be_in_any_letters(
    open_api: Open, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", wire.url.replace("//", "//ann:h%C3%BCsh@"))
    open_api(base_url=ELSEWHERE, allow_http={"erp.example"}).get("/things")
    told = wire.heard[0].headers["Proxy-Authorization"].removeprefix("Basic ")
    assert b64decode(told).decode() == "ann:hüsh"


def test_names_are_looked_up_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://ann:hush%40@proxy.example:1080")
    proxy = way_to(parsed(ELSEWHERE)).proxy
    assert proxy is not None
    assert (proxy.url, proxy.user) == ("socks5h://proxy.example:1080", "ann")
    assert proxy.password == "hush@"


@pytest.mark.parametrize(
    ("url", "listed", "by_proxy"),
    [
        ("http://[2001:db8::7]:8080", "2001:db8::7", False),
        ("http://[2001:db8::7]:8080", "2001:db8::8", True),
        ("http://erp.example:8080", ".example", False),
        ("http://erp.example:8080", "erp.example:8080", False),
        ("http://erp.example:8080", "erp.example:8081", True),
        ("http://erp.example:8080", "p.example", True),
        ("http://erp.example:8080", "*", False),
    ],
)
def test_no_proxy_names_hosts_however_they_are_written(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, url: str, listed: str, by_proxy: bool
) -> None:
    monkeypatch.setenv("http_proxy", wire.url)
    monkeypatch.setenv("no_proxy", f"intranet, {listed}")
    assert proxy_to(parsed(url)) == (wire.url if by_proxy else None)


def test_a_proxy_passes_encrypted_calls_on_and_is_shown_its_own_sign_in_alone(
    open_api: Open, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", wire.url.replace("http://", "http://ann:hushhush@"))
    wire.say({}, 407, times=TRIES)
    api = open_api(base_url="https://erp.example")
    with pytest.raises(
        VendorUnavailable, match="Acme could not be reached: the proxy that the environment names"
    ) as told:
        api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert "may have been made" not in str(told.value)  # it never left
    assert "hushhush" not in repr((told.value, told.value.evidence))
    assert {(it.method, it.path) for it in wire.heard} == {("CONNECT", "erp.example:443")}
    headers = wire.heard[0].headers
    assert headers["Proxy-Authorization"] == f"Basic {b64encode(b'ann:hushhush').decode()}"
    assert "Authorization" not in headers
