"""The proxy that the environment names is used, but never between us and this very machine."""

import httpx
import pytest

from sync_platform.errors import ConfigurationError
from sync_platform_tests.elsewhere import own_address
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.wire import Wire, listening

ELSEWHERE = "http://erp.example:8080"


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
        host = httpx.URL(away.url).host
        monkeypatch.setenv("no_proxy", host)
        assert open_api(base_url=away.url, allow_http={host}).get("/things") == {}
        assert away.paths == ["/things"]


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "gopher://ann:hushhush@proxy.example")
    api = open_api(base_url=ELSEWHERE, allow_http={"erp.example"})
    with pytest.raises(ConfigurationError, match="cannot be used: ValueError") as told:
        api.get("/things")
    assert "hushhush" not in repr((told.value, told.value.__cause__))
    api.close()
