"""A vendor and its table that agree, for tests of what happens next."""

import pytest

from sync_platform_tests.engine.stage import Stage, at
from sync_platform_tests.fakes import NOON


@pytest.fixture
def stage() -> Stage:
    """Six contacts on three pages, synced once, an hour ago."""
    stage = Stage()
    for id in range(1, 7):
        stage.vendor.put(id, -100 - id)
    stage.clock.set(at(-60))
    stage.full()
    stage.clock.set(NOON)
    stage.vendor.reads.clear()
    return stage
