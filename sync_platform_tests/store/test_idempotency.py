from datetime import timedelta

import pytest

from sync_platform.errors import IdempotencyKeyReused, StillUnderWay
from sync_platform.store.database import Database
from sync_platform.store.idempotency import CallKey, Idempotency
from sync_platform_tests.store.conftest import HandClock

BODY = b'{"secret": "very-secret-marker"}'


@pytest.fixture
def keys(store: Database, clock: HandClock) -> Idempotency:
    return Idempotency(store, clock)


@pytest.fixture
def key(keys: Idempotency) -> CallKey:
    return keys.key("ann", "POST /syncs", "one")


def kept(keys: Idempotency, key: CallKey) -> None:
    """The first call was answered."""
    assert keys.begin(key, BODY) is None
    keys.keep(key, status=202, headers={"location": "/x"}, body=b"answer")


def test_the_second_call_gets_the_firsts_answer(keys: Idempotency, key: CallKey) -> None:
    kept(keys, key)
    again = keys.begin(key, BODY)
    assert again is not None
    assert (again.status, again.headers, again.body) == (202, {"location": "/x"}, b"answer")


def test_another_body_is_refused_also_while_the_first_is_under_way(
    keys: Idempotency, key: CallKey
) -> None:
    keys.begin(key, BODY)
    with pytest.raises(StillUnderWay):
        keys.begin(key, BODY)
    with pytest.raises(IdempotencyKeyReused):
        keys.begin(key, b"other")


def test_a_call_that_came_to_nothing_may_be_made_anew(keys: Idempotency, key: CallKey) -> None:
    keys.begin(key, BODY)
    keys.forget(key)
    assert keys.begin(key, BODY) is None


def test_a_caller_and_a_route_have_keys_of_their_own(keys: Idempotency, key: CallKey) -> None:
    kept(keys, key)
    assert keys.begin(keys.key("bob", "POST /syncs", "one"), BODY) is None
    assert keys.begin(keys.key("ann", "POST /connections", "one"), BODY) is None


def test_answers_are_kept_for_a_day(keys: Idempotency, key: CallKey, clock: HandClock) -> None:
    kept(keys, key)
    clock.moment += timedelta(hours=23, minutes=59)
    assert keys.begin(key, BODY) is not None
    clock.moment += timedelta(minutes=2)
    assert keys.begin(key, BODY) is None


def test_a_call_whose_process_died_blocks_its_key_for_minutes_only(
    keys: Idempotency, key: CallKey, clock: HandClock
) -> None:
    keys.begin(key, BODY)
    clock.moment += timedelta(minutes=6)
    assert keys.begin(key, BODY) is None


def test_neither_the_key_nor_a_print_that_tells_of_the_body_is_kept(
    keys: Idempotency, store: Database
) -> None:
    prints = []
    for name in ("one", "two"):
        kept(keys, keys.key("ann", "POST /syncs", name))
    with store.statement() as reading:
        rows = reading.execute("SELECT * FROM sync_platform.idempotency_keys").fetchall()
    prints = [row["fingerprint"] for row in rows]
    assert prints[0] != prints[1]
    assert b"very-secret-marker" not in repr(rows).encode()
    assert "salt" not in repr(keys.key("ann", "x", "one"))
