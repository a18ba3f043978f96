"""A connection that is signed in anew while it is being read."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, SignedInAnew, SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.sandbox.calls import Call
from sync_platform.sandbox.oauth import tokens_from
from sync_platform_tests.journeys.tables import sql

ACME = "acme-hubspot"
LIVE = "SELECT email FROM acme_hubspot.contacts WHERE _deleted_at IS NULL ORDER BY 1"


class Guarded(HubSpot):
    """Has one key at a time, remembers all that came, and lets a test in while contacts are read:
    before the call of each number."""

    def __init__(self, key: str, id: int) -> None:
        super().__init__(id=id, tokens=(key,), burst=None, search_per_second=None)
        self.key = key
        self.offered: list[str] = []
        self.before: dict[int, Callable[[], object]] = {}
        self.read = 0

    def check_token(self, call: Call) -> None:
        if "/objects/contacts" in call.path:
            self.read += 1
            self.before.pop(self.read, lambda: None)()
        self.offered.append(call.headers["authorization"].removeprefix("Bearer "))
        self.tokens = tokens_from((self.key,))
        super().check_token(call)


@pytest.fixture
def ours() -> Iterator[Guarded]:
    with serve(Guarded("our-key", 1)) as it:
        for number in range(250):
            it.add("contacts", email=f"{number:03}@a.example")
        yield it


@pytest.fixture
def others() -> Iterator[Guarded]:
    with serve(Guarded("their-key", 2)) as it:
        it.add("contacts", email="zoe@b.example")
        yield it


@pytest.fixture(autouse=True)
def connected(platform: Platform, ours: Guarded) -> None:
    platform.connect("hubspot", ACME, Secret({"token": "our-key"}), base_url=ours.url)
    platform.choose_objects(ACME, ["contacts"])
    ours.read = 0


def sync(platform: Platform, mode: str = "full") -> SyncResult:
    request = SyncRequest(target=Target(ACME, "contacts"), mode=SyncMode(mode), accept_deletes=True)
    return platform.sync(request).run(into=platform.destination)


def test_a_key_for_another_address_never_goes_to_the_one_before(
    platform: Platform, ours: Guarded, others: Guarded
) -> None:
    def move() -> None:
        theirs = Secret({"token": "their-key"})
        platform.reconnect(ACME, theirs, base_url=others.url, confirmed=True)
        ours.key = "none any more"

    ours.before[2] = move
    with pytest.raises(SignedInAnew, match="the next sync goes by the new sign-in"):
        sync(platform)
    assert set(ours.offered) == {"our-key"}
    assert platform.connection(ACME).status is ConnectionStatus.ACTIVE
    sync(platform)
    assert sql(platform, LIVE) == [("zoe@b.example",)]


def test_a_read_of_one_account_does_not_go_on_with_the_key_of_another(
    platform: Platform, ours: Guarded, others: Guarded
) -> None:
    """Also where the first account is back before that read would have ended."""
    sync(platform)
    before = sql(platform, LIVE)

    def be_another() -> None:
        theirs = Secret({"token": "their-key"})
        platform.reconnect(ACME, theirs, base_url=others.url, confirmed=True)
        ours.key = "our-next-key"

    ours.before[ours.read + 2] = be_another
    with pytest.raises(SignedInAnew):
        sync(platform)
    platform.reconnect(ACME, Secret({"token": "our-next-key"}), base_url=ours.url, confirmed=True)
    sync(platform, "incremental")
    assert sql(platform, LIVE) == before


def test_a_key_that_was_rolled_is_used_as_soon_as_somebody_gives_the_next(
    platform: Platform, ours: Guarded
) -> None:
    def roll() -> None:
        ours.key = "our-next-key"
        platform.credentials.save(ACME, Secret({"token": "our-next-key"}))

    ours.before[2] = roll
    assert sync(platform).counts.created == 250


def test_a_sync_whose_key_is_refused_does_not_flag_a_connection_that_has_got_the_next_one(
    platform: Platform, ours: Guarded
) -> None:
    ours.key = "our-next-key"
    planned = platform.sync(SyncRequest(target=Target(ACME, "contacts")))
    flag = planned.on_error

    def be_late(error: SyncPlatformError) -> None:
        platform.reconnect(ACME, Secret({"token": "our-next-key"}), base_url=ours.url)
        flag(error)

    planned.on_error = be_late
    with pytest.raises(NeedsReauth):
        planned.run(into=platform.destination)
    connection = platform.connection(ACME)
    assert (connection.status, connection.status_reason) == (ConnectionStatus.ACTIVE, None)
    assert platform.nothing_to_do(replace(planned.request, automatic=True)) is None
    assert sync(platform).counts.created == 250


def test_the_first_sync_after_it_was_resumed_tells_that_its_key_is_refused(
    platform: Platform, ours: Guarded
) -> None:
    """Also one that was planned before."""
    ours.key = "our-next-key"
    planned = platform.sync(SyncRequest(target=Target(ACME, "contacts")))
    for resumed in (planned, platform.sync(SyncRequest(target=Target(ACME, "contacts")))):
        platform.resume(ACME)
        with pytest.raises(NeedsReauth):
            resumed.run(into=platform.destination)
        assert platform.connection(ACME).status is ConnectionStatus.NEEDS_REAUTH
