"""A sandbox vendor with OAuth, and its time."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sync_platform.sandbox import serve
from sync_platform_tests.sandbox.acme import Acme
from sync_platform_tests.sandbox.asking import Clock, Serve


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serving(clock: Clock) -> Iterator[Serve]:
    """Serves an Acme whose OAuth has these parts."""
    with ExitStack() as stack:

        def serving(**oauth: Any) -> Acme:
            vendor = Acme(**oauth)
            vendor.clock = clock
            return stack.enter_context(serve(vendor))

        yield serving
