"""The web face, served, and callers of it."""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Protocol

import httpx
import pytest

from sync_platform.engine.access import checked_scopes
from sync_platform.platform import Platform
from sync_platform_tests.web.serving import PASSWORD, Visitor, served, sign_in


@pytest.fixture
def web(platform: Platform) -> Iterator[str]:
    """The address of the web face of a fresh platform (the fixture `platform`)."""
    with served(platform) as url:
        yield url


@pytest.fixture
def ann(platform: Platform) -> str:
    """The address of an admin with that password, whom `signed_in` then is, too."""
    link = platform.access.admin_link("ann@example.com")
    platform.access.choose_password(link.rpartition("/")[2], PASSWORD)
    return "ann@example.com"


@pytest.fixture
def signed_in(web: str, platform: Platform) -> Iterator[Visitor]:
    """A browser with an admin's session. It sends the CSRF token with every request."""
    with closing(sign_in(web, platform)) as browser:
        yield browser


class MakeKey(Protocol):
    """Makes an API key; an HTTP client that sends it."""

    def __call__(self, *scopes: str, schemas: Collection[str] | None = None) -> httpx.Client: ...


@pytest.fixture
def api_key(web: str, platform: Platform) -> Iterator[MakeKey]:
    """`api_key("read", "sync", schemas=["acme"])`: a client of a new API key with these scopes."""
    clients: list[httpx.Client] = []

    def make(*scopes: str, schemas: Collection[str] | None = None) -> httpx.Client:
        _, text = platform.access.make_key("test", checked_scopes(scopes), schemas, by="a test")
        headers = {"Authorization": f"Bearer {text}"}
        clients.append(httpx.Client(base_url=web, headers=headers, timeout=30))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
