"""What Dagster's code server is told beside its own work."""

from dataclasses import replace
from typing import cast

from sync_platform.connectors import load_connectors
from sync_platform.errors import StoreUnavailable
from sync_platform.platform import Platform
from sync_platform.spec import Connector
from sync_platform.up.code_server import Objects, Place

HUBSPOT = load_connectors()["hubspot"]


class Connectors:
    """A platform that has these connectors, if its store can be reached."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = list(connectors)
        self.reached = True

    def whole_connectors(self) -> list[Connector]:
        if not self.reached:
            raise StoreUnavailable
        return self.connectors


def test_an_object_that_a_connection_brought_is_noticed_once() -> None:
    fewer = replace(HUBSPOT, objects=HUBSPOT.objects[1:])
    platform = Connectors(fewer)
    objects = Objects(cast(Platform, platform))
    assert not objects.changed()  # they were loaded a moment ago
    assert not objects.changed()
    platform.connectors = [HUBSPOT]
    assert objects.changed()
    assert not objects.changed()


def test_a_store_that_is_away_for_a_moment_changes_nothing() -> None:
    platform = Connectors(HUBSPOT)
    objects = Objects(cast(Platform, platform))
    objects.changed()
    platform.reached = False
    assert not objects.changed()
    platform.reached = True
    assert not objects.changed()


def test_a_code_server_listens_at_a_socket_or_at_a_port() -> None:
    assert Place("/run/code.sock").options() == ["--socket", "/run/code.sock"]
    assert Place("10.0.0.5:4000").options() == ["--host", "10.0.0.5", "--port", "4000"]
