"""An account of a vendor that speaks http only, on a host of one's own network."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform_tests.books_vendor import CLIENT, FOLDER, Books
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.elsewhere import own_address
from sync_platform_tests.person import Person

HERE = "http://127.0.0.1:8000/connect/callback"
BROWSER = "a-cookie-that-nobody-else-has"
REFUSED = r"is not encrypted, .* to SYNC_PLATFORM_ALLOW_HTTP and restart what runs"


@dataclass
class Stage:
    platform: Platform
    books: Books

    def allow(self, *hosts: str) -> None:
        """As if the platform had been started with that setting."""
        settings = {"SYNC_PLATFORM_ALLOW_HTTP": ",".join(hosts)}
        allowed = Settings.from_env(settings).allow_http
        self.platform.settings = replace(self.platform.settings, allow_http=allowed)

    def connect(self) -> None:
        """A person signs in at the vendor."""
        connecting = self.platform.connecting
        begun = connecting.begin(
            "books", redirect_uri=HERE, browser=BROWSER, settings={"login": self.books.url}
        )
        sign_in = connecting.finish(Person().allows(begun.url, "ann"), browser=BROWSER)
        connecting.answer(sign_in.id, {"organisation": "o1"}, browser=BROWSER)
        connecting.complete(sign_in.id, browser=BROWSER, name="acme")

    def connect_by(self, secret: dict[str, str]) -> None:
        """Nobody is there."""
        known = {"login": self.books.url, "organisation": "o1"}
        self.platform.connect("books", "acme", Secret(secret), settings=known)

    def sync(self) -> int:
        request = SyncRequest(target=Target("acme", "invoices"), mode=SyncMode.FULL)
        return self.platform.sync(request).run(into=self.platform.destination).counts.fetched


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    clients = {"books": CLIENT}
    platform = Platform(
        replace(settings, oauth_clients=clients, connector_folders=(FOLDER,)), clock=HastyClock()
    )
    with serve(Books(), host=own_address()) as books:
        yield Stage(platform, books)
    platform.close()


def test_nobody_is_sent_to_it_unless_it_is_listed(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match=REFUSED):
        stage.connect()
    with pytest.raises(ConfigurationError, match=REFUSED):
        stage.connect_by({"client_id": "service-1", "client_secret": "service-secret"})
    assert not stage.books.calls


def test_where_it_is_listed_an_account_is_connected_synced_renewed_and_disconnected(
    stage: Stage,
) -> None:
    stage.allow("erp.internal", urlsplit(stage.books.url).netloc)
    stage.connect()
    assert stage.sync() == 1
    stage.books.oauth.issued.clear()  # access tokens end
    assert stage.sync() == 1
    stage.platform.disconnect("acme")
    assert not stage.books.oauth.refresh_tokens


@pytest.mark.parametrize("way", ["client", "robot"])
def test_a_client_and_a_service_account_are_told_where_their_data_is(
    stage: Stage, way: str
) -> None:
    """As a person is: the setting comes with the token, and nobody types it."""
    file = {"key": stage.books.private_key, "email": "robot@books"}
    stage.allow(own_address())
    stage.connect_by(
        {"client_id": "service-1", "client_secret": "service-secret"}
        if way == "client"
        else {"key_file": json.dumps(file)}
    )
    assert stage.platform.connection("acme").settings["instance_url"] == stage.books.url
    assert stage.sync() == 1


def test_what_is_not_listed_any_more_is_not_called_any_more(stage: Stage) -> None:
    """Neither for data, nor with a refresh token, nor to say that it is over."""
    stage.allow(own_address())
    stage.connect()
    stage.allow()
    calls = dict(stage.books.calls)
    with pytest.raises(ConfigurationError, match=REFUSED):
        stage.sync()
    stage.platform.disconnect("acme")
    assert dict(stage.books.calls) == calls
