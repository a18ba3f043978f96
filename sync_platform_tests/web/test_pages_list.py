"""The first page: hundreds of connections, found and told apart."""

from contextlib import closing
from time import perf_counter

import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import ObjectChoice
from sync_platform.platform import Platform
from sync_platform_tests.store.statements_heard import heard
from sync_platform_tests.web.serving import Visitor
from sync_platform_tests.web.visiting import member, read

MANY = 500
OBJECTS = ("contacts", "companies", "deals", "tickets", "products", "line_items", "owners")
SYNCED = """
    INSERT INTO sync_platform.syncs
        (id, connection, object, mode, status, started_at, heartbeat_at, finished_at)
    SELECT connection || object || n, connection, object, 'incremental', 'succeeded',
        now() - n * interval '7 min', now(), now() - n * interval '7 min' + interval '3 s'
    FROM sync_platform.connection_objects, generate_series(1, 7) n
"""
STARTED = """
    INSERT INTO sync_platform.sync_targets
    SELECT connection, object, now() - interval '7 min', now() - interval '7 min'
    FROM sync_platform.connection_objects
"""


def made(platform: Platform, *names: str) -> None:
    for name in names:
        platform.store.register(
            Connection(
                name=name,
                connector="hubspot",
                schema=name.replace("-", "_"),
                objects=[ObjectChoice(object=each) for each in OBJECTS],
                created_at=platform.clock.now(),
            )
        )


@pytest.fixture
def statements(platform: Platform) -> list[str]:
    """Every statement that is sent to the store."""
    return heard(platform.database)


def test_an_empty_store_says_what_to_do(signed_in: Visitor, platform: Platform, web: str) -> None:
    assert "Nothing is connected yet." in read(signed_in, "/")
    assert 'href="/connect"' in signed_in.get("/").text
    with closing(member(web, platform)) as bob:
        assert "Ask one of them." in read(bob, "/")
        assert 'href="/connect"' not in bob.get("/").text


def test_those_that_need_a_person_come_first_and_are_counted_in_the_title(
    signed_in: Visitor, platform: Platform
) -> None:
    made(platform, "alpha", "beta", "gamma", "delta")
    sentence = "HubSpot no longer accepts this sign-in. Reconnect delta."
    platform.store.flag("delta", ConnectionStatus.NEEDS_REAUTH, sentence)
    platform.store.flag("gamma", ConnectionStatus.NEEDS_ATTENTION, "Too many deletes.")
    platform.pause("alpha")
    html = signed_in.get("/").text
    assert "<title>(2) Connections" in html
    places = [html.index(f'href="/connections/{name}"') for name in ("delta", "gamma", "alpha")]
    assert places == sorted(places)
    told = read(signed_in, "/")
    assert "All 4 Needs a person 2" in told
    assert sentence in told
    assert "delta" not in read(signed_in, "/?status=paused")
    needing = signed_in.get("/?status=needs_a_person").text
    assert "/connections/delta" in needing
    assert "/connections/alpha" not in needing


def test_words_are_looked_for_in_all_that_a_connection_is_known_by(
    signed_in: Visitor, platform: Platform
) -> None:
    made(platform, "customer-1", "customer-2")
    platform.rename("customer-2", "Müller & Söhne")
    assert "customer-1" not in read(signed_in, "/?q=müller")
    assert "Müller & Söhne" in read(signed_in, "/?q=Hubspot 2")
    assert "No connection fits." in read(signed_in, "/?q=nobody")
    assert "<script>" not in signed_in.get("/?q=<script>").text


@pytest.mark.parametrize("query", ["start=-1", "start=x", f"q={'a' * 201}"])
def test_an_address_that_makes_no_sense_is_refused_plainly(signed_in: Visitor, query: str) -> None:
    assert signed_in.get(f"/?{query}").status_code == 422


def test_hundreds_are_listed_in_pages_quickly_and_by_few_statements(
    signed_in: Visitor, platform: Platform, statements: list[str]
) -> None:
    made(platform, *(f"customer-{number:03}" for number in range(MANY)))
    with platform.database.transaction() as session:
        for sql in (SYNCED, STARTED):
            session.execute(sql)
    signed_in.get("/")
    statements.clear()
    began = perf_counter()
    html = signed_in.get("/?q=customer").text
    took = perf_counter() - began
    assert html.count('href="/connections/customer-') == 50
    assert "1 to 50 of 500" in html
    assert "/connections/customer-499" in signed_in.get("/?start=450").text
    assert len([each for each in statements if "sync_targets" in each]) <= 2
    assert len(statements) < 30
    assert took < 2  # seconds, on a busy machine; about 0.2 on a quiet one
