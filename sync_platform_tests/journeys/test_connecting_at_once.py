"""A sign-in that is completed while something else is done with it, or with its connection."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.engine.signing_in import SignIn
from sync_platform.errors import Refused
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform.store.credentials import load_or_make_keys
from sync_platform.store.sign_ins import SignIns
from sync_platform_tests.conftest import LIMITS
from sync_platform_tests.journeys.connecting_stage import BROWSER, Stage, staged
from sync_platform_tests.journeys.tables import sql

ORGANISATION = {"organisation": "o1"}
NOT_LONG = timedelta(minutes=26)  # after which a token of 30 minutes is renewed before it is used


class Watched(SignIns):
    """Something happens once a sign-in has been opened, or before its row is held."""

    def __init__(self, platform: Platform, **happens: Callable[[], object]) -> None:
        super().__init__(platform.database, load_or_make_keys(platform.settings))
        self._happens = happens

    def open(self, id: str, **by: Any) -> tuple[SignIn, Secret]:
        found = super().open(id, **by)
        self._happens.get("opened", lambda: None)()
        return found

    def held(self, id: str) -> Secret:
        happens = self._happens.get("held")
        if happens is not None:
            with ThreadPoolExecutor(1) as thread:  # which is none of this one's transaction
                thread.submit(happens).result()
        return super().held(id)


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    with staged(settings) as it:
        it.books.clock = lambda: it.clock.now().timestamp()
        it.books.oauth.lasts = 1800
        yield it


def signed_in(stage: Stage, **asked: Any) -> SignIn:
    """Nothing is left to be asked."""
    sign_in = stage.signs_in(**asked)
    return stage.connecting.answer(sign_in.id, ORGANISATION, browser=BROWSER)


def complete(stage: Stage, sign_in: SignIn, *, confirmed: bool = False) -> Connection:
    name = None if sign_in.again else "acme"
    return stage.connecting.complete(sign_in.id, browser=BROWSER, name=name, confirmed=confirmed)


def works(stage: Stage) -> bool:
    """Whether the connection's sign-in is good, and can be renewed."""
    kept = stage.platform.credentials.read("acme")["refresh_token"]
    api = stage.platform.api(stage.platform.connection("acme"))
    api.get("/me")
    api.close()
    return kept in stage.books.oauth.refresh_tokens


# -- completed twice ------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
def test_a_button_that_is_pressed_twice_renews_once_and_gives_the_same_connection(
    stage: Stage, again: bool
) -> None:
    if again:
        stage.connects()
    sign_in = signed_in(stage, **({"connection": "acme", "again": True} if again else {}))
    stage.clock.later = NOT_LONG
    both = Barrier(2, timeout=20)
    stage.platform.sign_ins = Watched(stage.platform, opened=both.wait)
    with ThreadPoolExecutor(2) as threads:
        pressed = [threads.submit(complete, stage, sign_in) for _ in range(2)]
    first, second = (each.result() for each in pressed)
    assert first == second == stage.platform.connection("acme")
    assert stage.books.oauth.reused == 0
    assert works(stage)


def test_a_sign_in_that_is_complete_gives_its_connection_to_whoever_completes_it_again(
    stage: Stage,
) -> None:
    sign_in = signed_in(stage)
    made = complete(stage, sign_in)
    assert complete(stage, sign_in) == made
    with pytest.raises(Refused, match="no such sign-in in this browser"):
        stage.connecting.complete(sign_in.id, browser="somebody else's cookie")


@pytest.mark.parametrize("again", [False, True])
def test_a_secret_that_is_renewed_while_its_sign_in_is_completed_is_the_one_that_is_kept(
    stage: Stage, again: bool
) -> None:
    if again:
        stage.connects()
    sign_in = signed_in(stage, **({"connection": "acme", "again": True} if again else {}))
    stage.platform.sign_ins = Watched(stage.platform, opened=lambda: renew(stage, sign_in))
    complete(stage, sign_in)
    assert stage.books.oauth.reused == 0
    assert works(stage)


def renew(stage: Stage, sign_in: SignIn) -> None:
    """Somebody looks at it once more when its token is about to end."""
    del stage.platform.sign_ins  # the usual one again
    stage.clock.later = NOT_LONG
    stage.connecting.asks(sign_in.id, browser=BROWSER)


def test_a_sign_in_that_is_given_up_while_it_is_completed_makes_no_connection(
    stage: Stage,
) -> None:
    sign_in = signed_in(stage)
    stage.platform.sign_ins = Watched(
        stage.platform, opened=lambda: stage.platform.sign_ins.fail(sign_in.id, "It was given up.")
    )
    with pytest.raises(Refused, match="This sign-in failed: It was given up"):
        complete(stage, sign_in)
    assert stage.platform.connections() == []


# -- another connection of the name ---------------------------------------------------------------


@pytest.fixture
def begun(stage: Stage) -> SignIn:
    """To sign in anew for acme, a connection to Books."""
    stage.connects()
    return signed_in(stage, connection="acme", again=True)


def connect_hubspot(stage: Stage, hubspot: HubSpot) -> None:
    """In the place of acme."""
    stage.platform.disconnect("acme")
    stage.platform.connect(
        "hubspot",
        "acme",
        Secret({"token": "sandbox-token"}),
        base_url=hubspot.url,
        settings=dict.fromkeys(LIMITS, "unlimited"),
        confirmed=True,
    )


def connect_anew(stage: Stage) -> None:
    """The same, made a second time."""
    stage.platform.disconnect("acme")
    stage.connects()


def as_kept(stage: Stage) -> tuple[Connection, Secret]:
    connection = stage.platform.connection("acme")
    return connection, stage.platform.credentials.read(connection)


def test_a_sign_in_for_a_connection_that_is_another_connectors_by_now_is_refused(
    stage: Stage, begun: SignIn, hubspot: HubSpot
) -> None:
    connect_hubspot(stage, hubspot)
    before = as_kept(stage)
    with pytest.raises(Refused, match=r"acme was disconnected and connected anew \(it is a conn"):
        complete(stage, begun, confirmed=True)
    assert as_kept(stage) == before


def test_a_sign_in_for_a_connection_that_was_made_anew_since_is_refused(
    stage: Stage, begun: SignIn
) -> None:
    connect_anew(stage)
    before = as_kept(stage)
    with pytest.raises(Refused, match=r"nothing was changed.*begin again"):
        complete(stage, begun, confirmed=True)
    assert as_kept(stage) == before


def test_it_is_refused_also_where_the_connection_becomes_another_at_the_last_moment(
    stage: Stage, begun: SignIn
) -> None:
    stage.platform.sign_ins = Watched(stage.platform, held=lambda: made_anew(stage))
    with pytest.raises(Refused, match="nothing was changed"):
        complete(stage, begun)
    assert works(stage)


def made_anew(stage: Stage) -> None:
    del stage.platform.sign_ins  # the usual one again
    connect_anew(stage)


def test_a_sign_in_of_an_older_version_is_told_by_its_connector_alone(
    stage: Stage, begun: SignIn, hubspot: HubSpot
) -> None:
    sql(
        stage.platform,
        "UPDATE sync_platform.sign_ins SET connection_created_at = NULL",
    )
    connect_hubspot(stage, hubspot)
    with pytest.raises(Refused, match="begin again"):
        complete(stage, begun, confirmed=True)
    connect_anew(stage)
    assert complete(stage, begun).connector == "books"
    assert works(stage)
