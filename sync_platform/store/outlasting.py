"""Outlasting a restart of the server: what must not be lost is tried again until it is back."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from sync_platform.errors import StoreUnavailable

Given = TypeVar("Given")

PAUSES = (0.1, 0.5, 2.0, 5.0, 10.0)  # seconds, between tries: a restart takes some


def outlasting(
    do: Callable[[], Given],
    *,
    pauses: Sequence[float] = PAUSES,
    sleep: Callable[[float], None] = time.sleep,
) -> Given:
    """What `do` gives. Where it raises StoreUnavailable it is done again after each of the pauses;
    then that goes on. Whatever else is raised goes on at once, as a Ctrl-C during a pause does."""
    for pause in pauses:
        try:
            return do()
        except StoreUnavailable:
            sleep(pause)
    return do()
