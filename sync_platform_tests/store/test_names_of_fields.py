"""Fields whose names and ids hold what Postgres cannot: from the second sync on, records are read
by what the catalog keeps of them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as at_most
from hypothesis import strategies as st

from sync_platform.engine.connections import Connection
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, SyncStatus, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.spec import Discovered, Field
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.database import Database
from sync_platform.store.discovered import DiscoveredObjects
from sync_platform.store.storable import exact, read_back
from sync_platform_tests.books_vendor import FOLDER
from sync_platform_tests.transport.wire import Handler, listening

CONTACTS, LABELS = Target("acme-hubspot", "contacts"), Target("acme", "labels")
NUL, SURROGATE = "a\0b", "c\ud800d"
LOOKALIKES = ["[97, 0, 98]", '"a\\u0000b"', "a\\0b", "ab", "c?d", "\\", "\\u0000", '"', "[]"]
TEXTS = (
    st.text(st.characters()) | st.text('a\0\ud83d\ude00😀\\[]0,?"') | st.sampled_from(LOOKALIKES)
)


@given(TEXTS)
def test_any_text_is_read_back_as_it_was_kept(text: str) -> None:
    kept = json.loads(json.dumps(exact(text)))
    assert read_back(kept) == text


@pytest.mark.parametrize("text", ["email", "E-Mail 😀", *LOOKALIKES])
def test_a_text_that_postgres_can_keep_is_kept_as_it_is(text: str) -> None:
    assert exact(text) == text


@at_most(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(TEXTS, unique=True, max_size=5),
    ids=st.none() | st.lists(TEXTS.filter(bool), unique=True, min_size=5, max_size=5),
)
def test_fields_of_any_names_and_ids_are_read_back_and_have_not_changed(
    store: Database, acme: Connection, names: list[str], ids: list[str] | None
) -> None:
    with store.statement() as session:
        session.execute("DELETE FROM sync_platform.catalogs")
    catalogs = Catalogs(store)
    fields = [Field(name, id=ids[n] if ids else None) for n, name in enumerate(names)]
    catalogs.save(CONTACTS, fields)
    assert catalogs.fields(CONTACTS) == fields
    assert catalogs.save(CONTACTS, fields) == []
    assert [it.kind for it in catalogs.save(CONTACTS, [])] == ["vanished"] * len(fields)
    assert catalogs.save(CONTACTS, []) == []
    assert [it.kind for it in catalogs.save(CONTACTS, fields)] == ["returned"] * len(fields)
    assert catalogs.fields(CONTACTS) == fields


def test_names_that_look_alike_to_people_are_fields_of_their_own(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [Field("ab"), Field(NUL, "integer")])
    assert catalogs.fields(CONTACTS) == [Field("ab"), Field(NUL, "integer")]
    (change,) = catalogs.save(CONTACTS, [Field(NUL, "integer")])
    assert (change.field, change.kind, change.before) == ("ab", "vanished", "text")
    catalogs.save(CONTACTS, [])
    returned = catalogs.save(CONTACTS, [Field("ab"), Field(NUL, "integer")])
    assert [(it.kind, it.after) for it in returned] == [
        ("returned", "text"),
        ("returned", "integer"),
    ]


def test_changes_are_told_as_they_are_kept_without_what_postgres_cannot_keep(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [Field(NUL, id="fld\0")])
    changes = catalogs.save(CONTACTS, [Field(SURROGATE, id="fld\0")])
    assert [str(each) for each in changes] == ["The field 'ab' is called 'c?d' now."]
    assert catalogs.changes("acme-hubspot") == changes


def test_names_that_were_kept_before_are_read_as_they_are(
    store: Database, acme: Connection
) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [])
    kept = json.dumps([{"name": name, "id": name} for name in LOOKALIKES])
    gone = json.dumps({name: {"name": f"_{name}", "id": f"_{name}"} for name in LOOKALIKES})
    with store.statement() as session:
        session.execute(
            "UPDATE sync_platform.catalogs SET fields = %s, vanished = %s", [kept, gone]
        )
    fields = [Field(name, id=name) for name in LOOKALIKES]
    assert catalogs.fields(CONTACTS) == fields
    assert catalogs.save(CONTACTS, fields) == []
    returned = catalogs.save(
        CONTACTS, [*fields, *(Field(f"_{it}", id=f"_{it}") for it in LOOKALIKES)]
    )
    assert {it.kind for it in returned} == {"returned"}


class Labels:
    """The vendor of the connector Parcels, of which only the labels are asked for."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []

    def answer(self, handler: Handler) -> None:
        body: Any = {"list": self.records}
        if handler.path.startswith("/fields"):
            body = [{"name": name, "type": "text"} for name in ("code", NUL, SURROGATE)]
        handler.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An installation that knows the connector."""
    return replace(settings, connector_folders=(FOLDER,))


@pytest.fixture
def labels(platform: Platform) -> Iterator[Labels]:
    """The vendor, connected as acme."""
    it = Labels()
    with listening() as wire:
        wire.do(it.answer, times=100)
        platform.connect("parcels", "acme", Secret({"token": "x"}), base_url=wire.url)
        yield it


def sync(platform: Platform, mode: SyncMode = SyncMode.INCREMENTAL) -> SyncResult:
    return platform.sync(SyncRequest(target=LABELS, mode=mode)).run(into=platform.destination)


def rows(platform: Platform) -> list[dict[str, Any]]:
    """As they are in the table, without the platform's own columns."""
    with psycopg.connect(platform.database_url) as postgres:
        found = postgres.execute("SELECT to_json(it) FROM acme.labels AS it ORDER BY code")
        return [{k: v for k, v in row.items() if k[0] != "_"} for (row,) in found]


def test_an_incremental_sync_reads_by_the_names_that_the_full_one_found(
    platform: Platform, labels: Labels
) -> None:
    labels.records = [{"code": "1", NUL: "V", SURROGATE: "W"}]
    sync(platform, SyncMode.FULL)
    (first,) = rows(platform)
    assert list(first.values()) == ["1", "V", "W"]
    labels.records = [{"code": "2", NUL: "X", SURROGATE: "Y"}]
    result = sync(platform)
    assert (result.status, result.counts.created) == (SyncStatus.SUCCEEDED, 1)
    assert rows(platform) == [first, dict(zip(first, ["2", "X", "Y"], strict=True))]
    assert platform.schema_changes("acme") == []
    sync(platform, SyncMode.FULL)
    assert platform.schema_changes("acme") == []


def test_what_an_object_is_read_by_is_kept_exactly(store: Database, acme: Connection) -> None:
    found = [
        Discovered(name="tab", label="Tab", about={"title": NUL, SURROGATE: ["a", 1, {"b": None}]}),
        Discovered(name="plain", label="Plain", about={"title": '{"a": 1}', "rows": [97, 0]}),
    ]
    objects = DiscoveredObjects(store)
    objects.save("acme-hubspot", found)
    assert objects.of("acme-hubspot") == found
    assert objects.all() == {"hubspot": [found[1], found[0]]}
    with store.statement() as session:
        kept = "SELECT about FROM sync_platform.discovered_objects WHERE object = 'plain'"
        assert session.execute(kept).fetchone() == {"about": found[1].about}
