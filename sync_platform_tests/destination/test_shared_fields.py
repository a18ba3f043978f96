"""Fields beyond the columns that a table can have share one, `_more`: each is written by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_platform.destination.frames import read_frame
from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Counts
from sync_platform.spec import Field, Page
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FULL,
    INCREMENTAL,
    destination,
    load,
    loading,
    progress,
    select,
)

FIELDS = [Field("id"), *(Field(f"f{n}") for n in range(1600))]
MORE = "SELECT _more FROM acme.contacts ORDER BY id"
WHEN = "SELECT _synced_at FROM acme.contacts WHERE id = '1'"


def row(id: str = "1", **values: Any) -> dict[str, Any]:
    return {"id": id, "f0": "a", "f1597": "x", "f1598": "y"} | values


def without(*names: str) -> list[Field]:
    return [it for it in FIELDS if it.name not in names]


def refresh(database: str, computed: Sequence[str], *rows: dict[str, Any]) -> Counts:
    fields = [Field("id"), *(Field(name, computed=True) for name in computed)]
    with destination(database).open(CONTACTS, fields, sync="r", known_only=True) as loader:
        loader.write(Page(rows))
        return loader.commit(progress("r", SyncMode.COMPUTED))


@pytest.mark.parametrize("also", [(), ("f0",)])
def test_a_refresh_of_computed_fields_leaves_the_others(
    database: str, also: tuple[str, ...]
) -> None:
    load(database, row(), row("2"), {"id": "3"}, fields=FIELDS)
    rows = [{"id": id, "f1599": "new", "f0": "a"} for id in ("1", "3")]
    found = refresh(database, ["f1599", *also], *rows, {"id": "2", "f0": "a"})
    assert found.updated == 2
    both = {"f1597": "x", "f1598": "y"}
    assert select(database, MORE) == [both | {"f1599": "new"}, both, {"f1599": "new"}]


def test_a_refresh_takes_out_what_has_no_value_any_more(database: str) -> None:
    load(database, row(f1599="old"), {"id": "2", "f1599": "old"}, fields=FIELDS)
    assert refresh(database, ["f1599"], {"id": "1"}, {"id": "2"}).updated == 2
    assert select(database, MORE) == [{"f1597": "x", "f1598": "y"}, None]
    assert refresh(database, ["f1599"], {"id": "1"}, {"id": "2"}).updated == 0


@pytest.mark.parametrize("mode", [INCREMENTAL, FULL])
def test_a_field_that_is_read_no_more_keeps_its_value_as_it_would_in_a_column(
    database: str, mode: SyncMode
) -> None:
    load(database, row(), row("2"), fields=FIELDS)
    before = select(database, WHEN)
    with loading(database, fields=without("f0", "f1597"), sync="s2", mode=mode) as loader:
        loader.write(Page([row(f0="?", f1597="?"), row("2", f1598="z"), row("3")]))
        counts = loader.commit(progress("s2", mode))
    assert (counts.created, counts.updated) == (1, 1)
    kept = {"f1597": "x", "f1598": "y"}
    assert select(database, MORE) == [kept, {"f1597": "x", "f1598": "z"}, {"f1598": "y"}]
    assert select(database, "SELECT f0 FROM acme.contacts WHERE id = '2'") == ["a"]
    assert select(database, WHEN) == before
    load(database, row(f1597=None), row("2"), fields=FIELDS, sync="s3")
    assert select(database, MORE)[:2] == [{"f1598": "y"}, kept]


def test_a_row_that_comes_back_has_what_is_not_read(database: str) -> None:
    load(database, row(), fields=FIELDS)
    load(database, gone=["1"], fields=FIELDS)
    assert load(database, {"id": "1"}, fields=without("f1597")).updated == 1
    assert select(database, MORE) == [{"f1597": "x"}]


STRANGE = ["a\0b", "c\ud800", "%s d"]


def test_names_that_postgres_cannot_hold_are_written_as_the_book_has_them(database: str) -> None:
    fields = [*FIELDS, *(Field(name) for name in STRANGE)]
    values = dict.fromkeys(STRANGE, "v")
    for sync in "s1", "s2":
        counts = load(database, row(**values), {"id": "2"}, fields=fields, sync=sync)
        assert (counts.rejected, counts.unchanged) == (0, 0 if sync == "s1" else 2)
    booked = "SELECT field FROM acme._columns WHERE position > 1600 ORDER BY position"
    names = select(database, booked)
    held = select(database, MORE)[0]
    assert held == {"f1597": "x", "f1598": "y"} | dict.fromkeys(names, "v")
    assert read_frame(database, CONTACTS, ["id", "a\0b"])["a\0b"][0] == held
    some = [Field("id"), Field("a\0b", computed=True)]
    with destination(database).open(CONTACTS, some, sync="r", known_only=True) as loader:
        loader.write(Page([{"id": "1", "a\0b": "new"}]))
        assert loader.commit(progress("r", SyncMode.COMPUTED)).updated == 1
    assert select(database, MORE)[0] == held | {names[0]: "new"}


def test_a_field_of_such_a_name_keeps_its_values_when_it_is_renamed(database: str) -> None:
    fields = [*FIELDS, Field("a\0b", id="1"), Field("plain", id="2")]
    load(database, row(**{"a\0b": "v", "plain": "w"}), fields=fields)
    fields[-2:] = [replace(it, name=f"new\0{it.id}") for it in fields[-2:]]
    load(database, fields=fields, sync="s2")
    names = select(database, "SELECT field FROM acme._columns WHERE field_id IN ('1', '2')")
    assert select(database, MORE) == [
        {"f1597": "x", "f1598": "y"} | dict(zip(sorted(names), "vw", strict=True))
    ]
    counts = load(database, row(**{"new\0001": "v", "new\0002": "w"}), fields=fields, sync="s3")
    assert counts.unchanged == 1


def numbered(**names: str) -> list[Field]:
    return [replace(it, name=names.get(it.name, it.name), id=it.name) for it in FIELDS]


def test_a_shared_field_is_renamed_in_no_table_of_somebodys_that_inherits(database: str) -> None:
    load(database, row(), fields=numbered())
    select(database, "CREATE TABLE public.archive (why text) INHERITS (acme.contacts)")
    rows = "SELECT id, _more, now() FROM ONLY acme.contacts"
    select(database, f"INSERT INTO archive (id, _more, _synced_at) {rows}")
    load(database, fields=numbered(f1598="new"), sync="s2")
    assert select(database, "SELECT _more FROM ONLY acme.contacts") == [{"f1597": "x", "new": "y"}]
    assert select(database, "SELECT _more FROM archive") == [{"f1597": "x", "f1598": "y"}]


def test_a_trigger_that_refuses_one_row_keeps_no_shared_field_from_its_new_name(
    database: str,
) -> None:
    load(database, row(), row("2"), fields=numbered())
    select(
        database,
        """
        CREATE FUNCTION public.closed() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF OLD.id = '1' THEN RAISE EXCEPTION 'closed'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER t BEFORE UPDATE ON acme.contacts FOR EACH ROW EXECUTE FUNCTION closed();
        """,
    )
    fields = numbered(f1598="new")
    rows = [{"id": id, "f0": "a", "f1597": "x", "new": "y"} for id in "12"]
    with destination(database).open(CONTACTS, fields, sync="s2") as loader:
        left = loader.progress()
        assert left is not None
        assert left.mode is FULL
        loader.begin(progress("s2", FULL), resume=False)
        loader.write(Page(rows))
        assert loader.commit(progress("s2", FULL)) == Counts(fetched=2, updated=1, rejected=1)
        assert loader.reconcile(lookback=timedelta(0), most=None) == Counts()
        loader.finish()
    assert select(database, MORE) == [{"f1597": "x", "f1598": "y"}, {"f1597": "x", "new": "y"}]
    assert select(database, "SELECT key FROM acme._rejected") == ["1"]
    assert load(database, rows[1], fields=fields, sync="s3") == Counts(fetched=1)
