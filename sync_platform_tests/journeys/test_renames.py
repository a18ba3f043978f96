"""A field that is renamed at a vendor that knows its fields by ids, from discovery to the table."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.transport.wire import Handler, listening

CONNECTOR = """
from sync_platform import spec


def fields(api):
    yield spec.Field("id")
    yield spec.Field("changed", "timestamp")
    for each in api.get("/fields")["fields"]:
        yield spec.Field(each["name"], id=each["id"])


connector = spec.Connector(
    name="grid",
    label="Grid",
    base_url="https://grid.example",
    auth=[spec.BearerToken()],
    check=spec.get("/me"),
    objects=[
        spec.ConnectorObject(
            name="people",
            fields=fields,
            cursor="changed",
            read=spec.get("/people", records="people"),
        )
    ],
)
"""


class Grid:
    """The vendor: fields by id, and records whose values it tells by the fields' names."""

    def __init__(self) -> None:
        self.fields = {"fld1": "Mail", "fld2": "Phone"}
        self.values = {"fld1": "ada@example.com", "fld2": "555"}
        self.url = ""

    def answer(self, handler: Handler) -> None:
        body: dict[str, Any] = {}
        if handler.path.startswith("/fields"):
            body["fields"] = [{"id": id, "name": name} for id, name in self.fields.items()]
        elif handler.path.startswith("/people"):
            values = {name: self.values[id] for id, name in self.fields.items()}
            body["people"] = [{"id": "1", "changed": "2024-01-01T00:00:00Z", **values}]
        handler.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """An installation that knows the connector."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    (folder / "grid.py").write_text(CONNECTOR)
    return replace(settings, connector_folders=(folder,))


@pytest.fixture
def grid(platform: Platform) -> Iterator[Grid]:
    """The vendor, connected as acme-grid and synced once."""
    it = Grid()
    with listening() as wire:
        wire.do(it.answer, times=100)
        platform.connect("grid", "acme-grid", Secret({"token": "x"}), base_url=wire.url)
        sync(platform)
        yield it


def sync(platform: Platform, mode: SyncMode = SyncMode.INCREMENTAL) -> SyncResult:
    request = SyncRequest(target=Target("acme-grid", "people"), mode=mode)
    return platform.sync(request).run(into=platform.destination)


def rows(platform: Platform, columns: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(platform.database_url) as postgres:
        query = f"SELECT {columns} FROM acme_grid.people"
        return postgres.execute(query.encode()).fetchall()


def test_a_full_sync_finds_the_new_name_and_the_column_follows(
    platform: Platform, grid: Grid
) -> None:
    assert rows(platform, "mail, phone") == [("ada@example.com", "555")]
    grid.fields["fld1"] = "E-Mail"
    result = sync(platform, SyncMode.FULL)
    assert (result.counts.created, result.counts.updated) == (0, 0)
    assert rows(platform, "e_mail, phone") == [("ada@example.com", "555")]
    (change,) = platform.schema_changes("acme-grid")
    assert str(change) == "The field 'Mail' is called 'E-Mail' now."


def test_after_discovery_the_next_tick_follows(platform: Platform, grid: Grid) -> None:
    grid.fields = {"fld1": "Phone", "fld2": "Mail"}
    assert [str(each) for each in platform.discover("acme-grid")] == [
        "The field 'Mail' is called 'Phone' now.",
        "The field 'Phone' is called 'Mail' now.",
    ]
    assert sync(platform).counts.updated == 0
    assert rows(platform, "mail, phone") == [("555", "ada@example.com")]
    assert platform.discover("acme-grid", ["people"]) == []
