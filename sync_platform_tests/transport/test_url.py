"""A plain address is read at a glance exactly as httpx reads it."""

from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.transport.url import PLAIN, PORTS, Url, is_bare, parsed

names = ["api.acme.test", "localhost", "a-b.example", "xn--bcher-kva.example", "EXAMPLE.com", "db"]
others = ["127.0.0.1", "10.0.0.1", "1.2.3", "[::1]", "bücher.example", "a_b.example"]
hosts = st.sampled_from([*names, *others])
ports = st.sampled_from(["", ":80", ":443", ":8080", ":65535", ":65536", ":0", ":08", ":"])
segments = st.one_of(
    st.text("abcXYZ019-._~:@=%$&'()*+,;!", max_size=6),
    st.text(max_size=4).map(lambda text: quote(text, safe="")),
    st.sampled_from(["..", ".", "%2e%2e", "a%zz", "ü", " ", ""]),
)
paths = st.lists(segments, max_size=4).map(lambda parts: "".join(f"/{it}" for it in parts))
params = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
queries = st.one_of(
    st.just(""),
    params.map(lambda given: f"?{urlencode(given)}"),
    st.text("ab%&=+ '/?", max_size=6).map(lambda text: f"?{text}"),
)
urls = st.builds(
    lambda scheme, host, port, path, query: f"{scheme}://{host}{port}{path}{query}",
    st.sampled_from(["http", "https"]),
    hosts,
    ports,
    paths,
    queries,
)


def as_httpx_reads_it(text: str, params: Any = None) -> Url | None:
    try:
        url = httpx.URL(text)
        url = url.copy_merge_params(params) if params else url
    except httpx.InvalidURL:
        return None
    return Url(
        scheme=url.scheme,
        host=url.raw_host.decode(),
        port=None if url.port == PORTS[url.scheme] else url.port,
        target=url.raw_path.decode(),
    )


def as_we_read_it(text: str, params: Any = None) -> Url | None:
    try:
        return parsed(text, params)
    except ValueError:
        return None


@given(urls)
def test_any_address_is_read_as_httpx_reads_it(text: str) -> None:
    assert as_we_read_it(text) == as_httpx_reads_it(text)


@given(urls, params)
def test_params_are_set_as_httpx_sets_them(text: str, params: dict[str, str]) -> None:
    assert as_we_read_it(text, params) == as_httpx_reads_it(text, params)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.hubapi.com",
        "https://api.hubapi.com/crm/v3/objects/contacts?limit=100&after=MTIz%3D",
        "https://na1.example-crm.com:8443/services/data/v62.0/query?q=SELECT+Id+FROM+Account",
        "http://127.0.0.1:45123/records?cursor=1000",
        "https://api.acme.test/a%20b/%C3%BC/",
    ],
)
def test_what_vendors_call_their_apis_is_plain(text: str) -> None:
    assert PLAIN.fullmatch(text)
    assert as_we_read_it(text) == as_httpx_reads_it(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.acme.test@evil.test/",
        "https://api.acme.test\\@evil.test/",
        "https://api.acme.test/a/../../b",
        "https://api.acme.test/./b",
        "https://api.acme.test//b",
        "https://api.acme.test:99999/",
        "https://api.acme.test/a b",
        "https://api.acme.test/a\n",
        "https://-api.acme.test/",
        "https://0x7f.1/",
        "https://①②.example/",
    ],
)
def test_what_could_mean_something_else_is_never_plain(text: str) -> None:
    assert not PLAIN.fullmatch(text) or as_we_read_it(text) == as_httpx_reads_it(text)
    assert as_we_read_it(text) == as_httpx_reads_it(text)


def test_it_is_written_as_it_goes_over_the_wire() -> None:
    url = parsed("HTTPS://BÜCHER.example:443/ü?q=1#here")
    assert str(url) == "https://xn--bcher-kva.example/%C3%BC?q=1"
    assert (url.origin, url.path, url.query) == (
        "https://xn--bcher-kva.example",
        "/%C3%BC",
        "q=1",
    )
    assert parsed("http://[2001:db8::7]:8080").netloc == "[2001:db8::7]:8080"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("https://api.acme.test/v3", True),
        ("https://api.acme.test/a b", True),
        ("https://api.acme.test?q=1", False),
        ("https://ann@api.acme.test", False),
        ("https://api.acme.test/#x", False),
        ("https://ann:x@api.acme.test/a b", False),
    ],
)
def test_a_base_names_no_user_query_or_fragment(text: str, bare: bool) -> None:
    assert is_bare(text) is bare


def test_what_is_no_url_is_told() -> None:
    for text in ("https://[::1", "https://a:b:c", "http://\x00"):
        with pytest.raises(ValueError, match=r"\w"):
            parsed(text)
        with pytest.raises(ValueError, match=r"\w"):
            is_bare(text)
    with pytest.raises(ValueError, match=r"\w"):
        parsed("https://api.acme.test/a").joined("https://[::1")
