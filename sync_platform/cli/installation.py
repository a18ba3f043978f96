"""The installation that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sync_platform.platform import Platform


@contextmanager
def platform() -> Iterator[Platform]:
    """The installation's platform, closed in the end."""
    it = Platform.from_env()
    try:
        yield it
    finally:
        it.close()
