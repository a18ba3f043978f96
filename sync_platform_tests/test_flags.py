"""What needs a person, as it is told on a connection: from when on, and until when."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.errors import (
    NeedsReauth,
    NotPermitted,
    SyncPlatformError,
    TooManyDeletes,
    VendorUnavailable,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.waist import gate
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.journeys.test_all_or_nothing import wait_until
from sync_platform_tests.test_gate import BY_ITSELF, CONTACTS, DEALS, OWNERS, ended, status, sync

pytestmark = pytest.mark.usefixtures("acme")

WAITING = pytest.mark.parametrize(
    ("error", "mode"),
    [(NotPermitted(), SyncMode.INCREMENTAL), (TooManyDeletes(), SyncMode.FULL)],
    ids=["not permitted", "too many deletes"],
)  # for a person


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))


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


@pytest.mark.parametrize("automatic", [True, False], ids=["by itself", "by hand"])
def test_a_sync_that_goes_well_clears_the_connection(automatic: bool, platform: Platform) -> None:
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at this.")
    sync(platform, CONTACTS, automatic=automatic)
    assert status(platform) is ConnectionStatus.ACTIVE


def test_one_by_itself_does_not_prove_that_somebody_has_signed_in(platform: Platform) -> None:
    planned = platform.sync(BY_ITSELF)
    planned.check = lambda: None  # flagged after it began
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_REAUTH, "Sign in again.")
    planned.run(into=platform.destination)
    assert status(platform) is ConnectionStatus.NEEDS_REAUTH
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE


def test_a_refusal_of_the_sign_in_before_is_told_on_no_connection_that_was_signed_in_anew(
    platform: Platform,
) -> None:
    """Also where that is about to be committed."""
    name, since = "acme-hubspot", platform.connection("acme-hubspot").allowed_since
    refused = NeedsReauth("Sign in anew.")
    with ThreadPoolExecutor(1) as threads, psycopg.connect(platform.database_url) as person:
        person.execute("UPDATE sync_platform.connections SET resumed_at = clock_timestamp()")
        flagged = threads.submit(gate.flag, platform, name, refused, since=since)
        wait_until(1, platform, flagged)
        person.commit()
        flagged.result()
    assert status(platform) is ConnectionStatus.ACTIVE
    gate.flag(platform, name, NotPermitted(), since=since)  # which a sign-in need not mend
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    gate.flag(platform, name, refused, since=platform.connection(name).allowed_since)
    assert status(platform) is ConnectionStatus.NEEDS_REAUTH


def test_a_sync_by_hand_proves_the_sign_in_and_tells_what_else_waits(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, TooManyDeletes("Too many deals."), DEALS, SyncMode.FULL)
    ended(platform, clock, NeedsReauth("Sign in anew."), CONTACTS)
    gate.flag(platform, "acme-hubspot", NeedsReauth("Sign in anew."))
    clock.pass_by(timedelta(minutes=1))
    sync(platform, CONTACTS)
    connection = platform.connection("acme-hubspot")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert connection.status_reason == "Too many deals."


def test_a_sync_by_hand_proves_the_sign_in_and_tells_what_stopped_when_it_was_refused(
    platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(hours=-1))  # the database's own clock tells when it is resumed
    for target in (CONTACTS, DEALS):
        ended(platform, clock, NeedsReauth("Sign in anew."), target)
        gate.flag(platform, "acme-hubspot", NeedsReauth("Sign in anew."))
    clock.pass_by(timedelta(minutes=1))
    sync(platform, CONTACTS)
    connection = platform.connection("acme-hubspot")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert connection.status_reason == (
        "Automatic syncs of deals stopped when the sign-in was refused. It works again; resume "
        "them on the connection's page, or with: sync-platform resume acme-hubspot deals"
    )
    platform.resume("acme-hubspot", "deals")
    assert status(platform) is ConnectionStatus.ACTIVE
    clock.pass_by(timedelta(hours=2))
    assert synced_by_themselves(platform) >= {"contacts", "deals"}


def test_all_objects_that_wait_to_be_resumed_are_told_in_one_sentence(
    platform: Platform, clock: FakeClock
) -> None:
    for target in (CONTACTS, DEALS, OWNERS):
        ended(platform, clock, NeedsReauth("Sign in anew."), target)
    gate.flag(platform, "acme-hubspot", NeedsReauth("Sign in anew."))
    clock.pass_by(timedelta(minutes=1))
    sync(platform, CONTACTS)
    reason = platform.connection("acme-hubspot").status_reason or ""
    assert "syncs of owners, deals stopped" in reason
    assert reason.endswith("sync-platform resume acme-hubspot OBJECT")
    clock.pass_by(timedelta(minutes=1))
    sync(platform, DEALS)
    reason = platform.connection("acme-hubspot").status_reason or ""
    assert reason.endswith("sync-platform resume acme-hubspot owners")


def synced_by_themselves(platform: Platform) -> set[str]:
    return {name for each in platform.due() for name in each.objects}


def sign_in_anew(platform: Platform) -> None:
    address = platform.connection("acme-hubspot").base_url
    platform.reconnect("acme-hubspot", Secret({"token": "sandbox-token"}), base_url=address)


def test_objects_whose_sign_in_was_refused_sync_by_themselves_once_somebody_signs_in(
    platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(hours=-1))  # the database's own clock tells when it is resumed
    for target in (CONTACTS, DEALS):
        ended(platform, clock, NeedsReauth("Sign in anew."), target)
        gate.flag(platform, "acme-hubspot", NeedsReauth("Sign in anew."))
    assert not synced_by_themselves(platform)
    sign_in_anew(platform)
    assert status(platform) is ConnectionStatus.ACTIVE
    clock.pass_by(timedelta(hours=2))
    assert synced_by_themselves(platform) >= {"contacts", "deals"}


def resume(platform: Platform) -> None:
    platform.resume("acme-hubspot")


def resume_by_adjusting(platform: Platform) -> None:
    platform.adjust("acme-hubspot", paused=False)


@pytest.mark.parametrize("resume", [resume, resume_by_adjusting, sign_in_anew])
def test_whoever_resumes_the_connection_is_told_of_deletes_that_wait_all_the_same(
    resume: Callable[[Platform], None], platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(hours=-1))  # the database's own clock tells when it is resumed
    error = TooManyDeletes("Too many deals.")
    ended(platform, clock, error, DEALS, SyncMode.FULL)
    gate.flag(platform, "acme-hubspot", error)
    ended(platform, clock, NotPermitted("The scope for contacts is missing."), CONTACTS)
    if resume is not sign_in_anew:  # which leaves what a person paused as it is
        platform.pause("acme-hubspot")
    resume(platform)
    connection = platform.connection("acme-hubspot")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert connection.status_reason == "Too many deals."
    clock.pass_by(timedelta(hours=2))
    assert synced_by_themselves(platform) >= {"contacts", "deals"}
    sync(platform, CONTACTS, automatic=True)
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    clock.pass_by(timedelta(minutes=1))
    sync(platform, DEALS, mode=SyncMode.FULL, automatic=True)
    assert status(platform) is ConnectionStatus.ACTIVE


def test_one_by_itself_does_not_prove_that_the_objects_can_be_listed(platform: Platform) -> None:
    gate.flag(platform, "acme-hubspot", NotPermitted("A scope is missing."), what=gate.UNLISTED)
    sync(platform, CONTACTS, automatic=True)
    reason = platform.connection("acme-hubspot").status_reason
    assert reason == "Its objects could not be listed: A scope is missing."
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE


def test_deletes_that_wait_no_more_are_not_told_any_more(
    platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, TooManyDeletes("Too many."), DEALS, SyncMode.FULL)
    gate.flag(platform, "acme-hubspot", TooManyDeletes("Too many."))
    clock.pass_by(timedelta(days=1))
    sync(platform, DEALS, automatic=True)
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    clock.pass_by(timedelta(minutes=1))
    sync(platform, DEALS, mode=SyncMode.FULL, automatic=True)
    assert status(platform) is ConnectionStatus.ACTIVE


def refuse_deals(platform: Platform, clock: FakeClock) -> None:
    error = NotPermitted("The scope for deals is missing.")
    ended(platform, clock, error, DEALS)
    gate.flag(platform, "acme-hubspot", error)
    clock.pass_by(timedelta(minutes=1))


def test_resuming_the_object_that_waits_clears_the_connection(
    platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(hours=-1))  # the database's own clock tells when it is resumed
    refuse_deals(platform, clock)
    platform.resume("acme-hubspot", "contacts")
    assert status(platform) is ConnectionStatus.NEEDS_ATTENTION
    platform.resume("acme-hubspot", "deals")
    assert status(platform) is ConnectionStatus.ACTIVE


@pytest.mark.parametrize("way", ["choose", "adjust"])
def test_taking_out_the_object_that_waits_clears_the_connection(
    way: str, platform: Platform, clock: FakeClock
) -> None:
    refuse_deals(platform, clock)
    if way == "choose":
        platform.choose_objects("acme-hubspot", ["contacts"])
    else:
        platform.adjust("acme-hubspot", objects=[ObjectChoice(object="contacts")])
    assert status(platform) is ConnectionStatus.ACTIVE


def test_while_another_object_waits_the_connection_tells_of_that_one(
    platform: Platform, clock: FakeClock
) -> None:
    refuse_deals(platform, clock)
    error = TooManyDeletes("Too many contacts.")
    ended(platform, clock, error, CONTACTS, SyncMode.FULL)
    gate.flag(platform, "acme-hubspot", error)
    clock.pass_by(timedelta(minutes=1))
    sync(platform, CONTACTS, mode=SyncMode.FULL, automatic=True)
    connection = platform.connection("acme-hubspot")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert connection.status_reason == "The scope for deals is missing."


def test_clearing_the_connection_leaves_what_other_objects_have_failed(
    platform: Platform, clock: FakeClock
) -> None:
    clock.pass_by(timedelta(hours=-1))  # the database's own clock tells when it is resumed
    for _ in range(4):
        ended(platform, clock, VendorUnavailable("HubSpot is down."), DEALS)
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at this.")
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE
    ended(platform, clock, VendorUnavailable("HubSpot is down."), DEALS)
    assert platform.overviews("acme-hubspot")[0].stopped == ["deals"]


@WAITING
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


@WAITING
def test_an_object_that_is_not_chosen_any_more_waits_for_nobody(
    error: SyncPlatformError, mode: SyncMode, platform: Platform, clock: FakeClock
) -> None:
    ended(platform, clock, error, DEALS, mode)
    platform.store.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Look at deals.")
    platform.choose_objects("acme-hubspot", ["contacts"])
    sync(platform, CONTACTS)
    assert status(platform) is ConnectionStatus.ACTIVE
