"""Whether a sync may run, and what its end says about its connection."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    CircuitOpen,
    NeedsReauth,
    NotPermitted,
    SyncPlatformError,
    TooManyDeletes,
    VendorUnavailable,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.fakes import FakeClock

CONTACTS, DEALS = Target("acme-hubspot", "contacts"), Target("acme-hubspot", "deals")
BY_ITSELF = SyncRequest(target=CONTACTS, automatic=True)
BY_HAND = SyncRequest(target=CONTACTS)
pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


@pytest.fixture
def platform(settings: Settings, clock: FakeClock) -> Iterator[Platform]:
    it = Platform(settings, clock=clock)
    yield it
    it.close()


def ended(
    platform: Platform,
    clock: FakeClock,
    error: BaseException | None = None,
    target: Target = CONTACTS,
    mode: SyncMode = SyncMode.INCREMENTAL,
) -> None:
    """A sync of the target, a minute ago, as history has it."""
    clock.pass_by(timedelta(minutes=1))
    recording = platform.past.record(target, mode=mode, window=SyncWindow(), started_at=clock.now())
    with suppress(SyncPlatformError, KeyboardInterrupt), recording:
        if error is not None:
            raise error


def status(platform: Platform) -> ConnectionStatus:
    return platform.connection("acme-hubspot").status


def sync(platform: Platform, target: Target, **asked: object) -> None:
    request = SyncRequest(target=target, **asked)  # type: ignore[arg-type]
    platform.sync(request).run(into=platform.destination)


def test_an_object_that_is_due_has_something_to_do(platform: Platform) -> None:
    assert platform.nothing_to_do(BY_ITSELF) is None
    assert platform.nothing_to_do(BY_HAND) is None


@pytest.mark.parametrize("request_", [BY_ITSELF, BY_HAND], ids=["by itself", "by hand"])
def test_an_object_that_is_not_chosen_has_nothing_to_do(
    request_: SyncRequest, platform: Platform
) -> None:
    platform.choose_objects("acme-hubspot", ["deals"])
    sentence = "contacts is not chosen on acme-hubspot; nothing to do."
    assert platform.nothing_to_do(request_) == sentence


def test_an_object_that_was_synced_a_moment_ago_has_nothing_to_do_by_itself(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock)
    sentence = "acme-hubspot/contacts was synced a moment ago; nothing to do."
    assert platform.nothing_to_do(BY_ITSELF) == sentence
    assert platform.nothing_to_do(BY_HAND) is None
    full = SyncRequest(target=CONTACTS, mode=SyncMode.FULL, automatic=True)
    assert platform.nothing_to_do(full) is None
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) is None


def test_five_failures_in_a_row_stop_what_runs_by_itself_and_the_last_is_told(
    platform: Platform, clock: FakeClock
) -> None:
    for number in range(4):
        ended(platform, clock, VendorUnavailable(f"HubSpot is down ({number})."))
    ended(platform, clock, KeyboardInterrupt())  # a canceled one neither counts nor hides them
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) is None
    ended(platform, clock, VendorUnavailable("HubSpot is down (4)."))
    sentence = (
        "Automatic syncs of acme-hubspot/contacts are paused after repeated failures. "
        "Last: HubSpot is down (4). Mend that, then resume."
    )
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) == sentence
    with pytest.raises(CircuitOpen):
        platform.sync(BY_ITSELF).run(into=platform.destination)
    sync(platform, CONTACTS)
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) is None


@pytest.mark.parametrize(
    ("kind", "times", "expected"),
    [
        (401, 9, ConnectionStatus.NEEDS_REAUTH),
        (403, 1, ConnectionStatus.NEEDS_ATTENTION),
        (400, 1, ConnectionStatus.ACTIVE),
    ],
)
def test_what_only_a_person_can_mend_is_told_on_the_connection(
    kind: int, times: int, expected: ConnectionStatus, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.fail(kind="status", status=kind, times=times, path="*/contacts/search")
    with pytest.raises(SyncPlatformError) as told:
        sync(platform, CONTACTS)
    connection = platform.connection("acme-hubspot")
    assert connection.status is expected
    told_there = None if expected is ConnectionStatus.ACTIVE else str(told.value)
    assert connection.status_reason == told_there
    assert isinstance(told.value, NeedsReauth) is (kind == 401)


def test_a_sync_by_hand_that_goes_well_clears_the_connection_and_one_by_itself_does_not(
    platform: Platform, clock: FakeClock
) -> None:
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at this.")
    sync(platform, CONTACTS, automatic=True)
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE


@pytest.mark.parametrize(
    ("error", "mode"),
    [(NotPermitted(), SyncMode.INCREMENTAL), (TooManyDeletes(), SyncMode.FULL)],
    ids=["not permitted", "too many deletes"],
)
def test_it_does_not_clear_it_while_another_object_waits_for_a_person(
    error: SyncPlatformError, mode: SyncMode, platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, error, DEALS, mode)
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at deals.")
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    clock.pass_by(timedelta(minutes=1))
    sync(platform, DEALS, mode=SyncMode.FULL)
    assert status(platform) is ConnectionStatus.ACTIVE


def test_what_only_a_person_can_mend_stops_it_whatever_fails_later_and_is_what_is_told(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, NotPermitted("The scope for contacts is missing."))
    ended(platform, clock, VendorUnavailable("HubSpot is down."))
    clock.pass_by(timedelta(minutes=15))
    sentence = platform.nothing_to_do(BY_ITSELF)
    assert sentence is not None
    assert "Last: The scope for contacts is missing. Mend that" in sentence


def test_deletes_that_wait_are_not_forgotten_over_many_syncs_nor_a_full_one_that_failed(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, TooManyDeletes(), DEALS, SyncMode.FULL)
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at deals.")
    ended(platform, clock, VendorUnavailable(), DEALS, SyncMode.FULL)
    for _ in range(55):
        ended(platform, clock)
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    clock.pass_by(timedelta(minutes=1))
    sync(platform, DEALS, mode=SyncMode.FULL)
    assert status(platform) is ConnectionStatus.ACTIVE


@pytest.mark.parametrize(
    ("error", "mode"),
    [(NotPermitted(), SyncMode.INCREMENTAL), (TooManyDeletes(), SyncMode.FULL)],
    ids=["not permitted", "too many deletes"],
)
def test_an_object_that_is_not_chosen_any_more_waits_for_nobody(
    error: SyncPlatformError, mode: SyncMode, platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, error, DEALS, mode)
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at deals.")
    platform.choose_objects("acme-hubspot", ["contacts"])
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE
