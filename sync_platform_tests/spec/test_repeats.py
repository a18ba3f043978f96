"""Places that come again, told from those that do not."""

from collections.abc import Iterable
from itertools import chain, count, cycle

import pytest

from sync_platform.spec import Repeats


def met_after(repeats: Repeats, places: Iterable[object]) -> int:
    """How many places are taken until one was met before."""
    return next(n for n, place in enumerate(places, 1) if repeats.has(place))


@pytest.mark.parametrize("before", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("around", [1, 2, 3, 8, 60])
def test_every_circle_is_noticed_before_long(before: int, around: int) -> None:
    places = chain(range(before), cycle(range(1000, 1000 + around)))
    assert met_after(Repeats(), places) <= 4 * max(before, around) + 2


def test_the_place_before_is_noticed_at_once() -> None:
    assert met_after(Repeats(), chain(range(50), [49])) == 51
    assert met_after(Repeats("a"), ["a"]) == 1


def test_a_circle_that_leads_to_where_a_read_was_resumed_is_noticed() -> None:
    assert met_after(Repeats("a"), ["b", "a", "b"]) <= 3


def test_places_that_are_all_others_are_none_that_came_before() -> None:
    repeats, places = Repeats(0), count(1)
    assert not any(repeats.has(next(places)) for _ in range(10_000))
