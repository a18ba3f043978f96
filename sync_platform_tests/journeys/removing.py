"""A store whose connections are removed while something else happens."""

from collections.abc import Callable

from sync_platform.platform import Platform
from sync_platform.store.connections import Connections


class Removing(Connections):
    """Something happens before a connection is removed."""

    def __init__(self, platform: Platform, happens: Callable[[], object]) -> None:
        super().__init__(platform.database, platform.clock)
        self._happens = happens

    def remove(self, name: str, last: Callable[[], object] = lambda: None) -> None:
        self._happens()
        super().remove(name, last)
