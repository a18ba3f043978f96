"""Connections stay signed in: in the middle of a sync, by twenty processes, killed, and idle."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest

from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError, NeedsReauth
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.sandbox.calls import Call
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.journeys.signed_in import (
    NAME,
    Caller,
    call,
    forget_calls,
    signed_in,
    with_client,
)

TOKENS = ("POST", "/oauth/v1/token")
ENDED = (
    "HubSpot no longer accepts this sign-in: it was revoked there, was not used for too long, or a "
    f"renewal was cut off before its answer could be kept. Reconnect {NAME}."
)


class Expiring(HubSpot):
    """Ends all access tokens in the middle: at its third search."""

    searches = 0

    def check_token(self, call: Call) -> None:
        if call.path.endswith("/search"):
            self.searches += 1
            if self.searches == 3:
                self.expire_tokens()
        super().check_token(call)


@pytest.fixture
def hubspot() -> Iterator[Expiring]:
    """Rotates refresh tokens, and ends the chain of one that is used again."""
    vendor = Expiring(tokens=(), contacts=900, burst=None, search_per_second=None)
    vendor.oauth.rotates = True
    with serve(vendor) as hubspot:
        yield hubspot


@pytest.fixture
def settings(settings: Settings, hubspot: Expiring) -> Settings:
    return with_client(settings, "hubspot", hubspot.oauth)


def sync(platform: Platform, mode: SyncMode = SyncMode.FULL) -> SyncResult:
    request = SyncRequest(target=Target(NAME, "contacts"), mode=mode)
    return platform.sync(request).run(into=platform.destination)


# -- a sync ---------------------------------------------------------------------------------------


def test_a_full_sync_goes_on_when_its_access_token_ends_in_the_middle(
    platform: Platform, hubspot: Expiring
) -> None:
    signed_in(platform, "hubspot", hubspot.url, objects=("contacts",))
    forget_calls(hubspot.url)
    result = sync(platform)
    assert (result.status, result.counts.created) == (SyncStatus.SUCCEEDED, 900)
    assert not list(differences(platform, hubspot.url, Target(NAME, "contacts")))
    assert (hubspot.calls[TOKENS], hubspot.statuses[401], hubspot.oauth.reused) == (1, 1, 0)


def test_a_revoked_sign_in_needs_a_person_and_says_so(
    platform: Platform, hubspot: Expiring
) -> None:
    signed_in(platform, "hubspot", hubspot.url, objects=("contacts",))
    hubspot.revoke()
    with pytest.raises(NeedsReauth):
        sync(platform)
    connection = platform.connection(NAME)
    assert connection.status is ConnectionStatus.NEEDS_REAUTH
    assert connection.status_reason == ENDED
    assert platform.history(NAME)[0].error == ENDED


@contextmanager
def proxy(target: str) -> Iterator[tuple[str, list[str]]]:
    """Something between us and the vendor, which hands everything on; its url and what it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            seen.append(f"{self.command} {self.path.partition('?')[0]}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: it for name, it in self.headers.items() if name.lower() != "host"}
            answer = client.request(self.command, target + self.path, content=body, headers=headers)
            self.send_response(answer.status_code)
            for name in ("content-type", "location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = respond

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with httpx.Client() as client, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            server.shutdown()
            thread.join()


def test_behind_a_proxy_signing_in_syncing_and_renewing_go_through_it(
    platform: Platform, hubspot: Expiring
) -> None:
    with proxy(hubspot.url) as (url, seen):
        signed_in(platform, "hubspot", url, objects=("contacts",))
        assert sync(platform).counts.created == 900
        assert seen[:3] == ["GET /oauth/authorize", "POST /oauth/authorize", "POST /oauth/v1/token"]
        assert seen.count("POST /oauth/v1/token") == 2
        reached = sum(hubspot.calls.values())
        assert reached == len(seen)


def test_without_our_app_a_renewal_says_what_is_missing(
    settings: Settings, platform: Platform, hubspot: Expiring
) -> None:
    signed_in(platform, "hubspot", hubspot.url, objects=("contacts",))
    hubspot.expire_tokens()
    bare = Platform(replace(settings, oauth_clients={}), clock=HastyClock())
    with pytest.raises(ConfigurationError, match="Set SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_ID"):
        call(bare)
    bare.close()


# -- many processes -------------------------------------------------------------------------------


@contextmanager
def callers(settings: Settings, count: int) -> Iterator[list[Caller]]:
    """Other processes, ready to call."""
    with ExitStack() as stack:
        made = [Caller(settings) for _ in range(count)]
        for each in made:
            stack.callback(each.kill)
        assert {each.hear() for each in made} == {"ready"}
        yield made


def test_twenty_processes_renew_a_rotating_sign_in_together_once(
    platform: Platform, settings: Settings, hubspot: Expiring
) -> None:
    signed_in(platform, "hubspot", hubspot.url)
    with callers(settings, 20) as processes:
        for turn in range(1, 4):
            hubspot.expire_tokens()
            forget_calls(hubspot.url)
            hubspot.fail("slow", path="/oauth/v1/token", seconds=0.3)
            for each in processes:
                each.call()
            assert [each.hear() for each in processes] == ["done"] * 20
            assert hubspot.calls[TOKENS] == 1, f"at turn {turn}"
    assert hubspot.oauth.reused == 0
    assert len(hubspot.oauth.refresh_tokens) == 1
    assert platform.credentials.read(NAME)["refresh_token"] in hubspot.oauth.refresh_tokens


def test_a_ctrl_c_in_the_middle_of_a_renewal_waits_until_the_answer_is_kept(
    platform: Platform, settings: Settings, hubspot: Expiring
) -> None:
    signed_in(platform, "hubspot", hubspot.url)
    before = platform.credentials.read(NAME)["refresh_token"]
    hubspot.expire_tokens()
    forget_calls(hubspot.url)
    with callers(settings, 1) as (process,):
        hubspot.fail("slow", path="/oauth/v1/token", seconds=0.5)
        process.call()
        until = time.monotonic() + 30
        while not hubspot.calls[TOKENS]:
            assert time.monotonic() < until, "nobody renews"
            time.sleep(0.01)
        process.interrupt()
    assert platform.credentials.read(NAME)["refresh_token"] != before
    call(platform)


@pytest.mark.parametrize("rotates", [True, False])
def test_a_kill_between_the_vendors_answer_and_our_commit_at_worst_needs_a_person(
    platform: Platform, settings: Settings, hubspot: Expiring, rotates: bool
) -> None:
    hubspot.oauth.rotates = rotates
    signed_in(platform, "hubspot", hubspot.url, objects=("contacts",))
    hubspot.expire_tokens()
    forget_calls(hubspot.url)
    with callers(settings, 1) as (process,), psycopg.connect(platform.database_url) as other:
        # Lets the process lock its row and call the vendor, but not write.
        other.execute("LOCK TABLE sync_platform.credentials IN SHARE MODE")
        process.call()
        wait_for_the_update(platform.database_url)
        assert hubspot.statuses[200] == 1  # the vendor has answered
        process.kill()
        other.rollback()
        if rotates:
            with pytest.raises(NeedsReauth):
                sync(platform)
            connection = platform.connection(NAME)
            assert connection.status is ConnectionStatus.NEEDS_REAUTH
            assert connection.status_reason == ENDED
        else:
            assert sync(platform).counts.created == 900


def wait_for_the_update(database_url: str) -> None:
    """Until someone waits to write the new secret."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND query LIKE '%UPDATE sync_platform.credentials%'"
    )
    until = time.monotonic() + 30
    with psycopg.connect(database_url, autocommit=True) as watching:
        while watching.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < until, "nobody writes the secret"
            time.sleep(0.01)
