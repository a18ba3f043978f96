"""Sign-ins are renewed in time: before access tokens end, and before refresh tokens die unused."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Target
from sync_platform.engine.signing_in import SignIn
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NeedsReauth, UnexpectedResponse, VendorUnavailable
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform_tests.consenting import allowed
from sync_platform_tests.fakes import FakeClock
from sync_platform_tests.journeys.signed_in import (
    ACME,
    NAME,
    call,
    days,
    forget_calls,
    signed_in,
    with_client,
)
from sync_platform_tests.journeys.test_all_or_nothing import wait_until
from sync_platform_tests.sandbox.acme import REDIRECT_URI, Acme

BROWSER = "a-cookie-that-nobody-else-has"


@pytest.fixture
def clock() -> FakeClock:
    """Months behind the database's, which tells when a connection is resumed."""
    return FakeClock(datetime.now(UTC) - days(90))


@pytest.fixture
def acme(clock: FakeClock) -> Iterator[Acme]:
    """Rotates, and lets a refresh token die that is unused for sixty days."""
    vendor = Acme(rotates=True, lasts=3600.0, refresh_lasts=days(60).total_seconds())
    vendor.clock = lambda: clock.now().timestamp()
    vendor.oauth.services = {"robot": "robot-secret"}
    with serve(vendor) as it:
        yield it


@pytest.fixture
def acmes(settings: Settings, acme: Acme, clock: FakeClock, tmp_path: Path) -> Iterator[Platform]:
    """A platform that knows Acme, signed in there, at the time of that clock."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "acme.py").write_text(ACME)
    settings = with_client(replace(settings, connector_folders=(folder,)), "acme", acme.oauth)
    it = Platform(settings, clock=clock)
    signed_in(it, "acme", acme.url)
    forget_calls(acme.url)
    yield it
    it.close()


def renewals(acme: Acme) -> int:
    return acme.calls["POST", "/oauth/token"]


def test_a_token_is_renewed_before_it_ends_also_in_the_middle_of_a_line(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    api = acmes.api(acmes.connection(NAME))
    for minutes in (0, 54, 2, 54, 2):
        clock.pass_by(timedelta(minutes=minutes))
        api.get("/me")
    api.close()
    assert (renewals(acme), acme.statuses[401]) == (2, 0)


def test_a_vendor_that_does_not_renew_is_called_with_the_old_token_while_it_is_good(
    acmes: Platform, acme: Acme, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    acme.fail("html", path="/oauth/token", status=503, times=99)
    clock.pass_by(timedelta(minutes=56))
    api = acmes.api(acmes.connection(NAME))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            api.get("/me")
    assert renewals(acme) == 3  # the tries of one attempt; the next is a minute away
    assert caplog.text.count("The old access token is still good") == 1
    clock.pass_by(timedelta(minutes=5))
    with pytest.raises(VendorUnavailable, match="Acme cannot answer at the moment while renewing"):
        api.get("/me")
    api.close()
    acme.faults.clear()
    call(acmes)


def test_a_token_that_another_process_renewed_long_ago_is_renewed_again(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    """It differs from the refused one, but is over as well."""
    api = acmes.api(acmes.connection(NAME))
    api.get("/me")
    acme.oauth.expire(acme.clock())
    call(acmes)  # another line renews
    acme.oauth.expire(acme.clock())
    clock.pass_by(timedelta(minutes=70))
    api.get("/me")
    api.close()
    assert acme.oauth.reused == 0


def test_a_line_that_holds_an_older_token_renews_the_kept_one_that_was_ended_early_too(
    acmes: Platform, acme: Acme
) -> None:
    with closing(acmes.api(acmes.connection(NAME))) as api:
        api.get("/me")
        acme.oauth.expire(acme.clock())
        call(acmes)  # another line renews
        acme.oauth.expire(acme.clock())
        api.get("/me")
    assert (renewals(acme), acme.oauth.reused) == (2, 0)


def test_a_vendor_that_refuses_what_was_just_renewed_is_not_asked_for_another(
    acmes: Platform, acme: Acme
) -> None:
    """As one that says 401 for a permission that is missing: whichever token the line holds."""
    with closing(acmes.api(acmes.connection(NAME))) as older:
        older.get("/me")
        acme.oauth.expire(acme.clock())
        acme.fail("status", path="/me", status=401, times=99)
        for count in (1, 2):
            with pytest.raises(NeedsReauth):
                call(acmes)
            assert renewals(acme) == count
        with pytest.raises(NeedsReauth):
            older.get("/me")
    assert renewals(acme) == 3


def test_a_service_gets_its_token_when_it_is_first_needed(acmes: Platform, acme: Acme) -> None:
    robot = {"auth": "ClientCredentials", "client_id": "robot", "client_secret": "robot-secret"}
    acmes.credentials.save(NAME, Secret(robot))
    call(acmes)
    call(acmes)
    assert renewals(acme) == 1
    acme.oauth.revoke()
    call(acmes)
    assert renewals(acme) == 2


def test_keys_are_not_renewed(acmes: Platform, acme: Acme, clock: FakeClock) -> None:
    acmes.credentials.save(NAME, Secret({"token": "never-heard-of"}))
    with pytest.raises(NeedsReauth, match="no longer accepts this sign-in"):
        call(acmes)
    assert renewals(acme) == 0


def test_an_idle_sign_in_is_used_before_it_dies_also_of_a_paused_connection(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    acmes.pause(NAME, "Closed for the summer.")
    used = []
    for day in range(1, 181):
        clock.pass_by(days(1))
        if acmes.refresh_idle():
            used.append(day)
    assert used == [30, 60, 90, 120, 150, 180]
    assert acmes.connection(NAME).status is ConnectionStatus.PAUSED
    call(acmes)


def test_an_idle_sign_in_that_has_died_flags_its_connection(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    clock.pass_by(days(61))
    assert acmes.refresh_idle() == []
    connection = acmes.connection(NAME)
    assert connection.status is ConnectionStatus.NEEDS_REAUTH
    assert "was not used for too long" in str(connection.status_reason)
    forget_calls(acme.url)
    assert acmes.refresh_idle() == []
    assert renewals(acme) == 0  # a person must act; nobody asks again


def test_a_paused_connection_whose_sign_in_died_stays_paused_and_says_both(
    acmes: Platform, clock: FakeClock
) -> None:
    acmes.pause(NAME, "Closed for the summer.")
    clock.pass_by(days(61))
    for _ in range(2):
        acmes.refresh_idle()
    connection = acmes.connection(NAME)
    assert connection.status is ConnectionStatus.PAUSED
    reason = str(connection.status_reason)
    assert reason.startswith("Closed for the summer. Acme no longer accepts this sign-in")
    assert reason.count("Reconnect") == 1


def test_an_idle_sign_in_whose_vendor_is_away_is_tried_again(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    clock.pass_by(days(31))
    acme.fail("status", path="/oauth/token", status=500, times=3)
    assert acmes.refresh_idle() == []
    assert acmes.connection(NAME).status is ConnectionStatus.ACTIVE
    assert acmes.refresh_idle() == [NAME]


def test_an_idle_sign_in_without_our_app_needs_attention(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    acme.oauth.client_secret = "another"
    clock.pass_by(days(31))
    assert acmes.refresh_idle() == []
    connection = acmes.connection(NAME)
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert "SYNC_PLATFORM_OAUTH_ACME_CLIENT_ID" in str(connection.status_reason)


# -- what happens meanwhile -----------------------------------------------------------------------


def consented(acmes: Platform, acme: Acme, connection: str, *, again: bool = False) -> SignIn:
    """A person has said yes at the vendor; what is left is to complete it."""
    begun = acmes.connecting.begin(
        "acme",
        redirect_uri=REDIRECT_URI,
        browser=BROWSER,
        connection=connection,
        base_url=acme.url,
        again=again,
    )
    return acmes.connecting.finish(allowed(begun.url), browser=BROWSER)


def meanwhile(acme: Acme, happens: Callable[[], object]) -> None:
    """It happens before the vendor's next answer."""

    def once() -> None:
        acme.meanwhile = lambda: None
        happens()

    acme.meanwhile = once


def sync(acmes: Platform) -> None:
    """It is refused, or goes on with the new sign-in and finds that Acme has no rows."""
    request = SyncRequest(target=Target(NAME, "me"), automatic=True)
    with suppress(NeedsReauth, UnexpectedResponse):
        acmes.sync(request).run(into=acmes.destination)


@pytest.mark.parametrize("renew", [sync, Platform.refresh_idle], ids=["sync", "idle"])
def test_a_renewal_that_is_refused_flags_no_sign_in_that_was_made_anew_meanwhile(
    renew: Callable[[Platform], object], acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    acmes.choose_objects(NAME, ["me"])
    clock.pass_by(days(31))
    (old,) = acme.oauth.refresh_tokens
    sign_in = consented(acmes, acme, NAME, again=True)
    acme.oauth.revoke(old)  # as vendors do that have one sign-in for each person
    completing: list[Future[Connection]] = []
    with ThreadPoolExecutor(1) as person:

        def complete() -> None:
            done = person.submit(acmes.connecting.complete, sign_in.id, browser=BROWSER)
            completing.append(done)
            wait_until(1, acmes, done)  # for the secret that is being renewed

        meanwhile(acme, complete)
        renew(acmes)
    assert [it.result().status for it in completing] == [ConnectionStatus.ACTIVE]
    connection = acmes.connection(NAME)
    assert (connection.status, connection.status_reason) == (ConnectionStatus.ACTIVE, None)
    call(acmes)


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "active"])
def test_an_idle_sign_in_that_has_died_undoes_nobody_s_resuming(
    paused: bool, acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    """Its next sync tells that it needs a new sign-in, or it is asked again in an hour."""
    if paused:
        acmes.pause(NAME, "Closed for the summer.")
    clock.pass_by(days(61))
    meanwhile(acme, lambda: acmes.resume(NAME))
    acmes.refresh_idle()
    assert acmes.connection(NAME).status is ConnectionStatus.ACTIVE
    acmes.refresh_idle()
    assert acmes.connection(NAME).status is ConnectionStatus.NEEDS_REAUTH


def test_a_connection_that_is_removed_meanwhile_keeps_no_other_from_being_renewed(
    acmes: Platform, acme: Acme, clock: FakeClock
) -> None:
    first = acmes.connection(NAME)
    acmes.store.register(replace(first, name="b-removed", schema="b_removed"))
    last = consented(acmes, acme, "c-there")
    acmes.connecting.complete(last.id, browser=BROWSER)
    clock.pass_by(days(31))
    meanwhile(acme, lambda: acmes.disconnect("b-removed"))
    assert acmes.refresh_idle() == [NAME, "c-there"]
