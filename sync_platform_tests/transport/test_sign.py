import base64
from collections.abc import Sequence
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.engine.ports import Secret
from sync_platform.errors import NeedsReauth
from sync_platform.transport.sign import Signing
from sync_platform_tests.transport.conftest import Open
from sync_platform_tests.transport.wire import Wire

OAUTH = spec.OAuth2(authorize_url="", token_url="")
BEARER = spec.BearerToken()
HEADER = spec.ApiKey(name="X-Key", prefix="Key ")
QUERY = spec.ApiKey(name="key", sent_in="query")
BASIC = spec.BasicAuth()
STRIPE_LIKE = spec.BasicAuth(username="")


def connector(*ways: spec.Auth) -> spec.Connector:
    return spec.Connector(
        name="acme", label="Acme", base_url="", auth=ways, check=spec.get("/"), objects=[]
    )


def signed(ways: Sequence[spec.Auth], **secret: Any) -> tuple[dict[str, str], str]:
    """The headers and the target that a call ends with."""
    signing = Signing(connector(*ways), "acme-main", lambda: Secret(secret))
    headers: dict[str, str] = {}
    return headers, signing.proof(signing.secret()).sign(headers, "/things?a=1")


def header(ways: Sequence[spec.Auth], name: str, **secret: Any) -> str:
    return signed(ways, **secret)[0][name]


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_tokens_are_borne() -> None:
    assert header([BEARER], "authorization", token=" abc\n") == "Bearer abc"
    assert header([OAUTH], "authorization", access_token="abc") == "Bearer abc"


def test_keys_go_into_a_header_or_the_query() -> None:
    assert header([HEADER], "x-key", token="abc") == "Key abc"
    assert signed([QUERY], token="a&b") == ({}, "/things?a=1&key=a%26b")


def test_basic_has_its_own_username_or_the_secrets() -> None:
    said = header([BASIC], "authorization", username="ada", token="pässword")
    assert said == basic("ada:pässword")
    assert header([STRIPE_LIKE], "authorization", token="sk") == basic(":sk")


def test_the_first_way_that_the_secret_fits_is_taken() -> None:
    assert header([OAUTH, BEARER], "authorization", token="abc") == "Bearer abc"
    assert header([BASIC, HEADER], "x-key", token="abc") == "Key abc"


def test_the_secret_may_name_its_way() -> None:
    assert "x-key" in signed([BEARER, HEADER], token="abc", auth="ApiKey")[0]


@pytest.mark.parametrize(
    "secret",
    [{}, {"token": ""}, {"access_token": "x"}, {"token": "x", "auth": "OAuth2"}],
)
def test_a_secret_that_fits_no_way_needs_a_person(secret: dict[str, str]) -> None:
    with pytest.raises(
        NeedsReauth, match=r"fit no sign-in of Acme \(BearerToken\)\. Reconnect acme-main\."
    ):
        signed([BEARER], **secret)


def test_a_token_that_http_cannot_carry_needs_a_person() -> None:
    with pytest.raises(NeedsReauth, match="Copy them again, whole") as told:
        signed([BEARER], token="tökén")
    assert "tökén" not in str(told.value)


def test_other_parts_of_a_secret_may_hold_anything() -> None:
    assert header([BEARER], "authorization", token="abc", owner="Zoë") == "Bearer abc"


def test_words_that_are_no_secret_stay_in_messages() -> None:
    secret = Secret({"auth": "OAuth2", "access_token": "abcdef", "token_type": "bearer"})
    signing = Signing(connector(OAUTH), "acme-main", lambda: secret)
    signing.secret()
    assert signing.scrub("OAuth2 bearer abcdef") == "OAuth2 bearer …"


def test_a_secret_that_begins_like_another_is_taken_out_whole() -> None:
    secret = Secret({"token": "abcdef", "refresh_token": "abcdef-and-more"})
    signing = Signing(connector(BEARER), "acme-main", lambda: secret)
    signing.secret()
    assert signing.scrub("abcdef-and-more, abcdef") == "…, …"


# -- refreshing -----------------------------------------------------------------------------------


class Tokens:
    """Hands out a token, and fresh ones."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = [Secret({"token": token}) for token in tokens]
        self.reads = 0
        self.refused: list[Secret] = []

    def read(self) -> Secret:
        self.reads += 1
        return self.tokens[0]

    def refresh(self, refused: Secret) -> Secret:
        self.refused.append(refused)
        return self.tokens.pop(1) if len(self.tokens) > 1 else self.tokens[0]


def bearers(wire: Wire) -> list[str]:
    return [it.headers["Authorization"] for it in wire.heard]


def test_a_401_is_answered_with_a_fresh_token_once(open_api: Open, wire: Wire) -> None:
    tokens = Tokens("old-token", "new-token", "newer-token")
    api = open_api(secret=tokens.read, refresh=tokens.refresh)
    wire.say({}, 401)
    api.get("/things")
    api.get("/things")
    assert bearers(wire) == ["Bearer old-token", "Bearer new-token", "Bearer new-token"]
    assert [it["token"] for it in tokens.refused] == ["old-token"]
    assert tokens.reads == 1
    assert api.usage.calls == 3


def test_a_fresh_token_that_is_refused_too_needs_a_person(open_api: Open, wire: Wire) -> None:
    tokens = Tokens("old-token", "new-token")
    api = open_api(secret=tokens.read, refresh=tokens.refresh)
    wire.say({"message": "no old-token, no new-token"}, 401, times=9)
    with pytest.raises(NeedsReauth) as told:
        api.get("/things")
    assert len(wire.heard) == 2
    assert told.value.evidence["body"] == '{"message": "no …, no …"}'


def test_without_refresh_the_secret_is_read_once_more(open_api: Open, wire: Wire) -> None:
    given = iter([Secret({"token": "old-token"}), Secret({"token": "new-token"})])
    api = open_api(secret=lambda: next(given))
    wire.say({}, 401)
    api.get("/things")
    assert bearers(wire) == ["Bearer old-token", "Bearer new-token"]


def test_the_same_secret_is_not_tried_twice(open_api: Open, wire: Wire) -> None:
    wire.say({}, 401, times=9)
    with pytest.raises(NeedsReauth):
        open_api().get("/things")
    assert len(wire.heard) == 1


def test_a_token_that_another_thread_renewed_is_taken(open_api: Open) -> None:
    tokens = Tokens("old-token", "new-token", "newer-token")
    signing = Signing(connector(BEARER), "acme-main", tokens.read, tokens.refresh)
    refused = signing.secret()
    first, second = signing.renewed(refused), signing.renewed(refused)
    assert first is second
    assert len(tokens.refused) == 1


def test_a_token_that_is_about_to_end_is_read_anew_before_it_is_used(
    open_api: Open, wire: Wire
) -> None:
    given = iter([Secret({"token": "old-token"}), Secret({"token": "new-token"})])
    ending: list[Secret] = []
    api = open_api(secret=lambda: next(given), due=lambda secret: secret in ending)
    api.get("/things")
    ending.append(Secret({"token": "old-token"}))
    api.get("/things")
    api.get("/things")
    assert bearers(wire) == ["Bearer old-token", "Bearer new-token", "Bearer new-token"]
