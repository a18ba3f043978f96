"""Sign-ins in progress: their states work once, their secrets are encrypted and go in time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from cryptography.fernet import Fernet

from sync_platform.engine.ports import OAuthClient, Secret
from sync_platform.engine.signing_in import SIGN_IN_LASTS, SignIn, SignInStatus
from sync_platform.errors import ConfigurationError, NeedsReauth, Refused
from sync_platform.spec import Account
from sync_platform.store.database import Database
from sync_platform.store.lock import Renewed
from sync_platform.store.oauth_clients import OAuthClients
from sync_platform.store.sign_ins import SignIns
from sync_platform_tests.store.conftest import HandClock
from sync_platform_tests.store.pools import end_other_sessions, wait_for_a_locked_session

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
VERIFIER = Secret({"verifier": "hush-verifier"})
TOKENS, FRESH = (Secret({"access_token": f"hush-{number}"}) for number in (1, 2))


@pytest.fixture
def begun(clock: HandClock) -> SignIn:
    return SignIn(
        id="s1",
        connector="hubspot",
        connection="acme",
        settings={"subdomain": "acme"},
        objects=["contacts"],
        writing=True,
        redirect_uri="http://127.0.0.1:1/callback",
        base_url="http://127.0.0.1:2",
        begun_at=clock.now(),
        expires_at=clock.now() + SIGN_IN_LASTS,
    )


@pytest.fixture
def sign_ins(store: Database, begun: SignIn) -> SignIns:
    """With one that has begun, in the browser "here", under the state "state"."""
    it = SignIns(store, [NEW, OLD])
    it.add(begun, VERIFIER, browser="here", state="state")
    return it


def test_a_sign_in_comes_back_as_it_was(sign_ins: SignIns, begun: SignIn, clock: HandClock) -> None:
    assert sign_ins.get("s1", browser="here", now=clock.now()) == begun
    assert sign_ins.take("state", browser="here", now=clock.now()) == (begun, VERIFIER)


def test_a_setting_that_cannot_be_kept_is_refused(
    sign_ins: SignIns, begun: SignIn, clock: HandClock
) -> None:
    wrong = {"subdomain": "ac\0me"}
    with pytest.raises(ConfigurationError, match="The setting 'subdomain' holds a NUL"):
        sign_ins.add(replace(begun, id="s2", settings=wrong), VERIFIER, browser="here")
    with pytest.raises(ConfigurationError, match="The setting 'subdomain' holds a NUL"):
        sign_ins.answered("s1", wrong, None)
    assert sign_ins.get("s1", browser="here", now=clock.now()) == begun


def test_neither_state_nor_browser_nor_secret_can_be_read_in_the_table(
    sign_ins: SignIns, store: Database
) -> None:
    with store.statement() as session:
        (row,) = session.execute("SELECT * FROM sync_platform.sign_ins")
    shown = repr(list(row.values()))
    assert "hush" not in shown
    assert "'state'" not in shown
    assert "'here'" not in shown
    assert repr(sign_ins) == "SignIns(…)"


def test_of_many_that_bring_a_state_at_once_one_gets_it(
    sign_ins: SignIns, clock: HandClock
) -> None:
    def take(number: int) -> bool:
        try:
            sign_ins.take("state", browser="here", now=clock.now())
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(take, range(6))) == [False] * 5 + [True]


def test_credentials_are_opened_only_between_signing_in_and_the_end(
    sign_ins: SignIns, begun: SignIn, clock: HandClock
) -> None:
    now = clock.now()
    with pytest.raises(Refused, match="has not sent this sign-in back yet"):
        sign_ins.open("s1", browser="here", now=now)
    ann = Account(id="7", name="Ann")
    sign_ins.signed_in(replace(begun, account=ann), Secret({"access_token": "hush-1"}))
    sign_in, secret = sign_ins.open("s1", browser="here", now=now)
    assert (sign_in.status, sign_in.account) == (SignInStatus.SIGNED_IN, ann)
    assert secret == {"access_token": "hush-1"}
    with pytest.raises(Refused, match="no such sign-in in this browser"):
        sign_ins.open("s1", browser="elsewhere", now=now)
    sign_ins.done("s1", "acme")
    with pytest.raises(Refused, match="complete already"):
        sign_ins.open("s1", browser="here", now=now)


def test_one_that_failed_tells_why_and_has_no_secret(
    sign_ins: SignIns, store: Database, clock: HandClock
) -> None:
    sign_ins.fail("s1", "The vendor said no.")
    with pytest.raises(Refused, match="This sign-in failed: The vendor said no"):
        sign_ins.open("s1", browser="here", now=clock.now())
    with store.statement() as session:
        (kept,) = session.execute("SELECT secret, state_hash FROM sync_platform.sign_ins")
        assert kept == {"secret": None, "state_hash": None}


def test_which_connection_it_is_for_comes_back_with_it(
    sign_ins: SignIns, begun: SignIn, clock: HandClock
) -> None:
    again = replace(begun, id="s2", again=True, connection_created_at=clock.now())
    sign_ins.add(again, VERIFIER, browser="here")
    assert sign_ins.get("s2", browser="here", now=clock.now()) == again
    there = replace(again, status=SignInStatus.SIGNED_IN)
    sign_ins.signed_in(there, TOKENS)
    assert sign_ins.open("s2", browser="here", now=clock.now()) == (there, TOKENS)


def test_two_that_find_its_token_ending_renew_it_once(
    sign_ins: SignIns, begun: SignIn, store: Database
) -> None:
    """The second waits, is given what the first got, and leaves it so."""
    sign_ins.signed_in(begun, TOKENS)
    refreshing, go_on = Event(), Event()
    refreshed = []

    def refresh(sign_in: SignIn, current: Secret) -> Secret:
        if current != TOKENS:
            return current
        refreshed.append(sign_in.id)
        refreshing.set()
        assert go_on.wait(20)
        return FRESH

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(sign_ins.rotate, "s1", refresh)
        assert refreshing.wait(20)
        second = threads.submit(sign_ins.rotate, "s1", refresh)
        try:
            wait_for_a_locked_session(store)
        finally:
            go_on.set()
        assert first.result()[1] == second.result()[1] == sign_ins.held("s1") == FRESH
    assert refreshed == ["s1"]


def test_a_renewal_that_is_refused_changes_nothing(sign_ins: SignIns, begun: SignIn) -> None:
    sign_ins.signed_in(begun, TOKENS)

    def refuse(sign_in: SignIn, current: Secret) -> Secret:
        raise NeedsReauth

    with pytest.raises(NeedsReauth):
        sign_ins.rotate("s1", refuse)
    assert sign_ins.held("s1") == TOKENS


def test_a_fresh_secret_outlives_the_loss_of_the_session_it_is_renewed_in(
    sign_ins: SignIns, begun: SignIn, database: str
) -> None:
    sign_ins.signed_in(begun, TOKENS)

    def refresh(sign_in: SignIn, current: Secret) -> Secret:
        end_other_sessions(database)
        return FRESH

    assert sign_ins.rotate("s1", refresh)[1] == FRESH
    assert sign_ins.held("s1") == FRESH


def test_a_fresh_secret_that_comes_late_is_not_left_in_a_sign_in_that_is_complete(
    sign_ins: SignIns, begun: SignIn, store: Database, database: str
) -> None:
    sign_ins.signed_in(begun, TOKENS)

    def refresh(sign_in: SignIn, current: Secret) -> Secret:
        end_other_sessions(database)
        sign_ins.done("s1", "acme")
        return FRESH

    sign_ins.rotate("s1", refresh)
    with store.statement() as session:
        (kept,) = session.execute("SELECT secret FROM sync_platform.sign_ins")
        assert kept == {"secret": None}


def test_whoever_holds_one_keeps_others_from_ending_it_until_it_is_complete(
    sign_ins: SignIns, begun: SignIn, store: Database, clock: HandClock
) -> None:
    sign_ins.signed_in(begun, TOKENS)
    with ThreadPoolExecutor(2) as threads:
        with store.together():
            assert sign_ins.held("s1") == TOKENS
            second = threads.submit(sign_ins.held, "s1")
            threads.submit(wait_for_a_locked_session, store).result()
            sign_ins.done("s1", "acme")
        with pytest.raises(Refused, match="complete already"):
            second.result()
    with pytest.raises(Refused, match="no such sign-in"):
        sign_ins.held("s2")


def test_one_that_is_being_renewed_is_left_to_the_next_sweep(
    sign_ins: SignIns, begun: SignIn, clock: HandClock
) -> None:
    sign_ins.signed_in(begun, TOKENS)
    clock.moment += timedelta(minutes=61)
    swept = []

    def refresh(sign_in: SignIn, current: Secret) -> Secret:
        swept.append(sign_ins.sweep(clock.now()))
        return FRESH

    sign_ins.rotate("s1", refresh)
    assert [*swept, sign_ins.sweep(clock.now())] == [0, 1]


def test_they_are_swept_after_their_hour(sign_ins: SignIns, clock: HandClock) -> None:
    clock.moment += timedelta(minutes=59)
    assert sign_ins.sweep(clock.now()) == 0
    clock.moment += timedelta(minutes=2)
    with pytest.raises(Refused, match="within an hour"):
        sign_ins.get("s1", browser="here", now=clock.now())
    assert sign_ins.sweep(clock.now()) == 1


def test_new_keys_reach_sign_ins_in_progress_and_our_apps(
    store: Database, begun: SignIn, clock: HandClock
) -> None:
    SignIns(store, [OLD]).add(begun, VERIFIER, browser="here", state="state")
    OAuthClients(store, [OLD]).set("hubspot", OAuthClient("app", "hush"))
    both = (SignIns(store, [NEW, OLD]).locked, OAuthClients(store, [NEW, OLD]).locked)
    assert [each.old() for each in both] == [["s1"], ["hubspot"]]
    assert [each.renew() for each in both] == [Renewed(count=1), Renewed(count=1)]
    assert OAuthClients(store, [NEW]).get("hubspot") == OAuthClient("app", "hush")
    assert SignIns(store, [NEW]).take("state", browser="here", now=clock.now())[1] == VERIFIER


def test_an_oauth_client_is_replaced_listed_and_removed(store: Database) -> None:
    clients = OAuthClients(store, [NEW])
    assert clients.get("hubspot") is None
    clients.set("hubspot", OAuthClient("app", "hush-1"))
    clients.set("hubspot", OAuthClient("app", "hush-2"))
    assert clients.get("hubspot") == OAuthClient("app", "hush-2")
    assert clients.connectors() == ["hubspot"]
    with pytest.raises(ConfigurationError, match=r"the OAuth client of hubspot.*or set it again"):
        OAuthClients(store, [OLD]).get("hubspot")
    assert (clients.remove("hubspot"), clients.remove("hubspot")) == (True, False)
