"""Calls that are under way at the same time; answers come in the order of the questions."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Numbered(Protocol):
    """The answer to one question of a row of them."""

    @property
    def last(self) -> bool:
        """Whether there is nothing after it."""
        ...

    @property
    def of(self) -> int | None:
        """How many answers there are in all, as far as this one tells."""
        ...


Given = TypeVar("Given", bound=Numbered)


@contextmanager
def readers(at_once: int, stop: Callable[[], None]) -> Iterator[ThreadPoolExecutor]:
    """Threads that make calls, all ended when the block is left.

    Where an error leaves it, `stop` must wake them from whatever they wait in. Where nobody wants
    more, they end their calls first.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="reader")
    try:
        yield pool
    except Exception:
        stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    ask: Callable[[int], Given], first: Given, pool: ThreadPoolExecutor, *, at_once: int
) -> Iterator[Given]:
    """What `ask` gives for 1, 2, 3 … up to the last, where `first` was given for 0; at most
    `at_once` calls are under way or wait to be taken. Raises what one raised, when it is its turn.

    Where nobody tells how many there are, the calls past the last are fewer than `at_once`, and no
    more than the answers that there were: calls in vain cost of the rate limit, too. While whoever
    takes an answer looks at it, one call fewer is under way, so there is room for one of his own.
    """
    answer = first
    asked = taken = 1
    coming: deque[Future[Given]] = deque()
    while not answer.last:
        of = answer.of
        most = at_once if of is not None else min(at_once, taken + 1)
        while not coming or (len(coming) < most and _may_follow(coming, asked, of)):
            coming.append(pool.submit(ask, asked))
            asked += 1
        answer = coming.popleft().result()
        taken += 1
        yield answer


def _may_follow(coming: deque[Future[Given]], asked: int, of: int | None) -> bool:
    """Whether there may be one more: none of those that came early failed or was the last."""
    if of is not None and asked >= of:
        return False
    come = [each for each in coming if each.done()]
    return not any(each.exception() or each.result().last for each in come)


def one_by_one(ask: Callable[[int], Given], first: Given) -> Iterator[Given]:
    """The same, without threads."""
    answer, asked = first, 1
    while not answer.last:
        answer = ask(asked)
        asked += 1
        yield answer
