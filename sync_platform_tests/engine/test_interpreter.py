import gc
import sys

import pytest

from sync_platform.engine.interpreter import (
    NEW_OBJECTS,
    TURN_SECONDS,
    permanent,
    short_turns,
    streaming,
)


def test_it_looks_for_cycles_as_before_once_the_last_block_is_left() -> None:
    before = gc.get_threshold()
    first, second = streaming(), streaming()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_turns_are_as_long_as_before_once_the_last_block_is_left() -> None:
    before = sys.getswitchinterval()
    with short_turns():
        with short_turns():
            pass
        assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(before)


def test_whoever_wants_shorter_turns_keeps_them() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS / 5)
    try:
        with short_turns():
            assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS / 5, rel=0.05)
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("own", [0, 2 * NEW_OBJECTS])
def test_whoever_wants_cycles_looked_for_more_rarely_keeps_that(own: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(own)
    try:
        with streaming():
            assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*before)


def test_what_is_permanent_is_not_looked_through_again() -> None:
    with permanent():
        assert not gc.isenabled()
        made: list[object] = [[]]
    assert gc.isenabled()
    after: list[object] = [[]]
    found = gc.get_objects()
    assert any(it is after for it in found)
    assert not any(it is made for it in found)


def test_whoever_never_looks_for_cycles_keeps_that() -> None:
    gc.disable()
    try:
        with permanent():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
