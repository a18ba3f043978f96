import gc

import pytest

from sync_platform.engine.garbage import NEW_OBJECTS, seldom_searched


def test_it_is_as_before_once_the_last_block_is_left() -> None:
    before = gc.get_threshold()
    first, second = seldom_searched(), seldom_searched()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


@pytest.mark.parametrize("own", [0, 2 * NEW_OBJECTS])
def test_whoever_wants_it_rarer_keeps_that(own: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(own)
    try:
        with seldom_searched():
            assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*before)
