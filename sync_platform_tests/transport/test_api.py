import gzip
from datetime import UTC, datetime

import pytest

from sync_platform import spec
from sync_platform.engine.results import Usage
from sync_platform.errors import ConfigurationError, Refused, UnexpectedResponse
from sync_platform.transport.api import HttpApi
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.transport.conftest import TOKEN, Open
from sync_platform_tests.transport.wire import Wire, listening

EVERYTHING = spec.Read()


def test_a_get_brings_decoded_json_and_is_signed(api: HttpApi, wire: Wire) -> None:
    wire.say({"results": [1]})
    assert api.get("/things", archived="true") == {"results": [1]}
    assert wire.paths == ["/things?archived=true"]
    assert wire.heard[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert wire.heard[0].headers["Accept"] == "application/json"
    assert wire.heard[0].headers["User-Agent"].startswith("sync-platform/")


def test_late_slots_are_functions_of_what_is_asked(api: HttpApi, wire: Wire) -> None:
    request = spec.post(
        "/search",
        params=lambda read: {"since": read.since},
        json=lambda read: {"after": read.after},
        headers=lambda read: {"X-Fields": ",".join(read.fields)},
    )
    since = datetime(2026, 1, 1, tzinfo=UTC)
    api.send(request, spec.Read(since=since, after="7", fields=("id", "name")))
    assert wire.paths == ["/search?since=2026-01-01T00%3A00%3A00.000Z"]
    assert wire.heard[0].json == {"after": "7"}
    assert wire.heard[0].headers["X-Fields"] == "id,name"
    assert wire.heard[0].headers["Content-Type"] == "application/json"


def test_params_without_a_value_are_left_out_and_lists_repeat(api: HttpApi, wire: Wire) -> None:
    params = {"a": None, "b": ["x", "y", None], "c": True, "d": 3}
    api.send(spec.get("/things?z=1", params=params))
    assert wire.paths == ["/things?z=1&b=x&b=y&c=true&d=3"]


def test_half_of_a_character_is_refused_before_anything_is_called(api: HttpApi, wire: Wire) -> None:
    with pytest.raises(Refused, match="half of a character"):
        api.get("/things", name="\ud800")
    assert wire.heard == []


def test_who_wants_to_know_is_told_before_each_wait(api: HttpApi, wire: Wire) -> None:
    api.get("/things")
    told: list[str] = []
    with api.telling(lambda: told.append("told")):
        api.get("/things")
        assert len(told) == 1  # it has gone out
        wire.say({}, 503)
        api.get("/things")
        assert len(told) == 4  # twice out, and a pause between
    api.get("/things")
    assert len(told) == 4


def test_a_key_is_quoted_whole(api: HttpApi, wire: Wire) -> None:
    change = spec.OutboundChange(kind="delete", key="a/b?c#d%41 é")
    api.send(spec.delete("/things/{key}"), change)
    assert wire.paths == ["/things/a%2Fb%3Fc%23d%2541%20%C3%A9"]


@pytest.mark.parametrize("key", ["", " ", ".", "..", None])
def test_a_key_that_would_name_another_resource_is_refused(
    api: HttpApi, wire: Wire, key: str | None
) -> None:
    with pytest.raises(Refused, match="cannot be the key in a call to Acme, so nothing was done"):
        api.send(spec.delete("/things/{key}"), spec.OutboundChange(kind="delete", key=key))
    assert wire.heard == []


def test_settings_fill_a_path_those_of_the_read_first(open_api: Open, wire: Wire) -> None:
    api = open_api(settings={"base": "one", "view": "v/1"})
    api.send(spec.get("/{base}/{view}"), spec.Read(settings={"base": "two"}))
    assert wire.paths == ["/two/v%2F1"]


def test_a_missing_setting_is_named(api: HttpApi) -> None:
    with pytest.raises(ConfigurationError, match="acme-main lacks the setting 'base'"):
        api.get("/{base}")


def test_a_base_url_may_have_a_path(open_api: Open, wire: Wire) -> None:
    open_api(base_url=f"{wire.url}/v2/").get("/things")
    assert wire.paths == ["/v2/things"]


@pytest.mark.parametrize("status", [200, 204])
def test_an_answer_without_a_body_is_none(api: HttpApi, wire: Wire, status: int) -> None:
    wire.say(b"", status)
    assert api.get("/things") is None


def test_compressed_answers_are_counted_decompressed(api: HttpApi, wire: Wire) -> None:
    body = b"[" + b" " * 5_000 + b"]"
    wire.say(gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert api.send(spec.get("/things"), EVERYTHING) == []
    assert api.usage == Usage(calls=1, bytes=len(body), pages=1)


def test_every_try_is_a_call_and_only_reads_are_pages(api: HttpApi, wire: Wire) -> None:
    wire.say({}, status=503)
    api.send(spec.get("/things"), EVERYTHING)
    api.get("/fields")
    assert (api.usage.calls, api.usage.pages) == (3, 1)


def test_changes_may_use_the_share_that_is_kept_for_them(api: HttpApi, clock: FakeClock) -> None:
    for _ in range(9):
        api.get("/things")
    api.send(spec.post("/things", json={}), spec.OutboundChange(kind="create"))
    assert clock.slept == 0
    api.get("/things")
    assert clock.slept > 0


def test_connections_are_kept_alive(api: HttpApi, wire: Wire) -> None:
    for _ in range(5):
        api.get("/things")
    assert len(wire.heard) == 5
    assert wire.connections == 1


def test_integers_of_any_size_are_sent_whole(api: HttpApi, wire: Wire) -> None:
    wire.say({"id": 2**70})
    assert api.send(spec.post("/things", json={"id": 2**65})) == {"id": 2**70}
    assert wire.heard[0].json == {"id": 2**65}


def test_a_value_that_is_no_json_is_refused(api: HttpApi, wire: Wire) -> None:
    with pytest.raises(Refused, match="A value cannot be sent to Acme"):
        api.send(spec.post("/things", json={"id": object()}))
    assert wire.heard == []


def test_an_answer_that_is_too_large_is_not_read_on(open_api: Open, wire: Wire) -> None:
    wire.say(b"[" + b" " * 2**20 + b"]")
    api = open_api(largest_answer=2**19)
    with pytest.raises(UnexpectedResponse, match=r"GET /things with more than 0\.5 MiB"):
        api.get("/things")
    assert len(wire.heard) == 1
    assert api.usage.bytes < 2**20


# -- links and redirects ----------------------------------------------------------------------


def test_a_link_to_the_vendor_itself_is_followed(api: HttpApi, wire: Wire) -> None:
    api.send(spec.get(f"{wire.url}/things?page=%7B2%7D"), EVERYTHING)
    assert wire.paths == ["/things?page=%7B2%7D"]
    assert wire.heard[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "link",
    ["{}/things", "//{host}/things", "HTTP://{host}/", "\\\\{host}/", "ftp://{host}/"],
)
def test_a_link_to_another_host_is_not_called(api: HttpApi, wire: Wire, link: str) -> None:
    with listening() as other:
        host = other.url.removeprefix("http://")
        with pytest.raises(UnexpectedResponse):
            api.get(link.format(other.url, host=host))
        assert (wire.heard, other.heard) == ([], [])


def test_a_path_cannot_smuggle_in_another_host(api: HttpApi, wire: Wire) -> None:
    api.get("@evil.test/things")
    assert wire.paths == ["/@evil.test/things"]


def test_a_get_follows_redirects_that_stay_with_the_vendor(api: HttpApi, wire: Wire) -> None:
    wire.say({}, status=302, headers={"Location": "/moved?x=1"})
    wire.say([1])
    assert api.get("/things") == [1]
    assert wire.paths == ["/things", "/moved?x=1"]


def test_a_redirect_to_another_host_is_not_followed(api: HttpApi, wire: Wire) -> None:
    with listening() as other:
        wire.say({}, status=307, headers={"Location": f"{other.url}/things"})
        with pytest.raises(UnexpectedResponse, match="points to another host"):
            api.get("/things")
        assert other.heard == []


def test_redirects_in_a_circle_end(api: HttpApi, wire: Wire) -> None:
    wire.say({}, status=302, headers={"Location": "/things"}, times=20)
    with pytest.raises(UnexpectedResponse, match="more than 5 times"):
        api.get("/things")
    assert len(wire.heard) == 6


def test_a_write_follows_no_redirect(api: HttpApi, wire: Wire) -> None:
    wire.say({}, status=307, headers={"Location": "/moved"})
    with pytest.raises(UnexpectedResponse, match="HTTP 307 to POST /things"):
        api.send(spec.post("/things", json={}))
    assert wire.paths == ["/things"]


# -- base urls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("http://api.acme.test", "http://api.acme.test is not encrypted, so anyone on the way"),
        ("http://me:pass@api.acme.test:80", "hold no user"),
        ("api.acme.test", "must start with https"),
        ("ftp://api.acme.test", "must start with https"),
        ("https://", "must start with https"),
        ("https://me:pass@api.acme.test", "hold no user"),
        ("https://api.acme.test?x=1", "hold no user"),
        ("https://api.acme.test:port", "it is no URL"),
    ],
)
def test_an_unsafe_base_url_is_refused(open_api: Open, base_url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        open_api(base_url=base_url)
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_very_machine_may_be_called_without_encryption(open_api: Open, host: str) -> None:
    open_api(base_url=f"http://{host}:1")
