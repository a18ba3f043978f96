"""Whether a sync may run."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from sync_platform.engine.breaker import FAILURES
from sync_platform.engine.checks import not_fresh
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.overview import Condition
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    CircuitOpen,
    NotPermitted,
    StoreUnavailable,
    SyncPlatformError,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.fakes import FakeClock

CONTACTS, DEALS = Target("acme-hubspot", "contacts"), Target("acme-hubspot", "deals")
OWNERS = Target("acme-hubspot", "owners")
BY_ITSELF = SyncRequest(target=CONTACTS, automatic=True)
BY_HAND = SyncRequest(target=CONTACTS)
pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


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
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) is None


@pytest.mark.parametrize("error", [None, VendorUnavailable()], ids=["well", "badly"])
def test_a_days_full_sync_that_waited_while_another_did_it_has_nothing_to_do(
    error: SyncPlatformError | None, platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(days=1))
    full = replace(BY_ITSELF, mode=SyncMode.FULL)
    (due,) = platform.due_fulls()
    assert "contacts" in due.objects
    assert platform.nothing_to_do(full) is None
    ended(platform, clock, error, mode=SyncMode.FULL)
    sentence = "The full sync of acme-hubspot/contacts is not due any more; nothing to do."
    assert platform.nothing_to_do(full) == sentence
    assert platform.nothing_to_do(replace(full, automatic=False)) is None
    clock.pass_by(timedelta(hours=1))
    assert (platform.nothing_to_do(full) is None) is (error is not None)


def test_an_object_without_a_cursor_is_read_in_full_as_often_as_its_interval_says(
    platform: Platform, clock: FakeClock
) -> None:
    owners = SyncRequest(target=OWNERS, mode=SyncMode.FULL, automatic=True)
    sync(platform, OWNERS)
    assert platform.nothing_to_do(owners) is not None
    clock.pass_by(timedelta(days=1))
    sync(platform, OWNERS)
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(owners) is None


def test_computed_fields_that_were_read_meanwhile_are_not_read_again(platform: Platform) -> None:
    sentence = "The computed sync of acme-hubspot/contacts is not due any more; nothing to do."
    assert platform.nothing_to_do(replace(BY_ITSELF, mode=SyncMode.COMPUTED)) == sentence


def test_one_by_itself_that_finds_two_others_of_its_connection_has_nothing_to_do(
    platform: Platform,
) -> None:
    at_once = timedelta(0)
    with platform.leases.hold(DEALS, wait=at_once), platform.leases.hold(OWNERS, wait=at_once):
        told = platform.nothing_to_do(BY_ITSELF)
        assert platform.nothing_to_do(BY_HAND) is None  # which waits for its turn
    assert told == (
        "acme-hubspot runs 2 syncs already, as many as a connection may; contacts has to wait; "
        "nothing to do."
    )
    assert platform.nothing_to_do(BY_ITSELF) is None


def test_a_days_full_sync_is_due_until_one_has_gone_well(
    platform: Platform, clock: FakeClock, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    sync(platform, CONTACTS)
    clock.pass_by(timedelta(days=1))
    hubspot.fail("status", path="*/contacts/search", status=404, times=1)
    with pytest.raises(SyncPlatformError):
        sync(platform, CONTACTS, mode=SyncMode.FULL, automatic=True)
    assert "contacts" not in due_in_full(platform)
    sync(platform, CONTACTS, automatic=True)
    clock.pass_by(timedelta(hours=1))
    assert "contacts" in due_in_full(platform)
    sync(platform, CONTACTS, mode=SyncMode.FULL, automatic=True)
    clock.pass_by(timedelta(hours=1))
    assert "contacts" not in due_in_full(platform)


def test_ticks_that_owe_a_full_read_and_fail_are_tries_of_it_until_they_stop(
    platform: Platform, clock: FakeClock, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    sync(platform, CONTACTS)
    clock.pass_by(timedelta(days=1))
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute("ALTER TABLE acme_hubspot.contacts DROP COLUMN email")
    hubspot.fail("status", path="*/contacts/search", status=404, times=99)
    assert "contacts" in due_in_full(platform)
    for tries in range(1, FAILURES + 1):
        assert platform.nothing_to_do(BY_ITSELF) is None
        with pytest.raises(UnexpectedResponse):
            sync(platform, CONTACTS, automatic=True)
        assert platform.history("acme-hubspot")[0].mode is SyncMode.FULL
        assert platform.past.activity()[CONTACTS].fulls.failed == tries
        assert "contacts" not in due_in_full(platform)
        clock.pass_by(timedelta(minutes=15))
    assert "paused after repeated failures" in str(platform.nothing_to_do(BY_ITSELF))
    clock.pass_by(timedelta(days=2))
    assert not [it for it in [*platform.due(), *platform.due_fulls()] if "contacts" in it.objects]


def due_in_full(platform: Platform) -> list[str]:
    return [name for each in platform.due_fulls() for name in each.objects]


def test_full_syncs_that_always_fail_are_told_while_incremental_ones_go_well_and_go_on(
    platform: Platform, clock: FakeClock
) -> None:
    platform.choose_objects("acme-hubspot", ["contacts"])
    for _ in range(6):
        ended(platform, clock, UnexpectedResponse("A page is not JSON."), mode=SyncMode.FULL)
        ended(platform, clock)
    assert platform.overviews("acme-hubspot")[0].condition is Condition.HEALTHY
    clock.pass_by(timedelta(hours=36))
    ended(platform, clock)
    overview = platform.overviews("acme-hubspot")[0]
    assert (overview.condition, overview.failing) == (Condition.NEEDS_ATTENTION, ["contacts"])
    (failing,) = [it.full_failing for it in platform.objects("acme-hubspot") if it.full_failing]
    assert failing.endswith("Last: A page is not JSON.")
    told = [it.sentence for it in platform.troubles("hubspot") if it.target == CONTACTS]
    assert told == [f"{CONTACTS}: {failing}"]
    clock.pass_by(timedelta(minutes=15))
    assert platform.nothing_to_do(BY_ITSELF) is None
    ended(platform, clock, mode=SyncMode.FULL)
    assert platform.overviews("acme-hubspot")[0].condition is Condition.HEALTHY


def test_full_syncs_that_never_begin_are_told_while_incremental_ones_go_well(
    platform: Platform, clock: FakeClock
) -> None:
    platform.choose_objects("acme-hubspot", ["contacts"])
    ended(platform, clock, mode=SyncMode.FULL)
    for _ in range(8):
        assert platform.overviews("acme-hubspot")[0].condition is Condition.HEALTHY
        clock.pass_by(timedelta(hours=4))
        ended(platform, clock)
    platform.choose_objects("acme-hubspot", ["contacts", "deals"])
    with psycopg.connect(platform.database_url) as postgres:  # whose clock nobody turns
        postgres.execute(
            "UPDATE sync_platform.connection_objects SET chosen_at = %s WHERE object = 'deals'",
            [clock.now()],
        )
    clock.pass_by(timedelta(hours=5))
    overview = platform.overviews("acme-hubspot")[0]
    assert (overview.condition, overview.failing) == (Condition.NEEDS_ATTENTION, ["contacts"])
    (never,) = [it.full_failing for it in platform.objects("acme-hubspot") if it.full_failing]
    assert never.startswith("no full sync has begun since ")
    told = [it.sentence for it in platform.troubles("hubspot") if "no full sync" in it.sentence]
    assert told == [f"{CONTACTS}: {never}"]
    platform.pause("acme-hubspot")
    assert [it.full_failing for it in platform.objects("acme-hubspot") if it.full_failing] == []


def test_our_own_database_that_is_busy_or_away_stops_nothing_and_the_object_is_told_as_late(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock)
    for _ in range(7):
        ended(platform, clock, StoreUnavailable("Somebody had locked the table."))
    clock.pass_by(timedelta(hours=1))
    assert platform.nothing_to_do(BY_ITSELF) is None
    assert status(platform) is ConnectionStatus.ACTIVE
    assert platform.history("acme-hubspot")[0].error_code == "store_unavailable"
    late = not_fresh(
        platform.connections(), platform.connectors(), platform.past.activity(), clock.now()
    )
    (trouble,) = [each for each in late if each.target == CONTACTS]
    assert "the latest sync that went well ended at" in trouble.sentence


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


def test_what_only_a_person_can_mend_stops_it_whatever_fails_later_and_is_what_is_told(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, NotPermitted("The scope for contacts is missing."))
    ended(platform, clock, VendorUnavailable("HubSpot is down."))
    clock.pass_by(timedelta(minutes=15))
    sentence = platform.nothing_to_do(BY_ITSELF)
    assert sentence is not None
    assert "Last: The scope for contacts is missing. Mend that" in sentence
