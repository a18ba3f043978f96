"""What every connector is held to against its sandbox vendor: the writes that it declares."""

import pytest

from sync_platform.errors import RecordRejected
from sync_platform.spec import OutboundChange
from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import Stage


@behaviour("Writing", needs="create")
def a_create_arrives(on: Stage) -> None:
    """A create makes one record, with the values that were given."""
    on.connect()
    before = on.truth
    on.push(OutboundChange(kind="create", values=on.it.writes))
    assert on.truth == before + 1
    on.full()
    assert on.differences == []


@behaviour("Writing", needs="update")
def an_update_arrives(on: Stage) -> None:
    """An update changes the record, and the next sync brings it."""
    on.connect()
    (id,) = on.change(creates=1)["created"]
    on.full()
    before = on.rows()
    on.push(OutboundChange(kind="update", key=id, values=on.it.rewrites))
    on.full()
    assert on.differences == []
    assert [dict(row, _synced_at=None) for row in on.rows()] != [
        dict(row, _synced_at=None) for row in before
    ]


@behaviour("Writing", needs="delete")
def a_delete_arrives(on: Stage) -> None:
    """A delete deletes the record."""
    on.connect()
    (id, _) = on.change(creates=2)["created"]
    before = on.truth
    on.push(OutboundChange(kind="delete", key=id))
    assert on.truth == before - 1


@behaviour("Writing", needs="idempotent")
def sent_twice(on: Stage) -> None:
    """A create that is sent twice makes one record."""
    on.connect()
    before, change = on.truth, OutboundChange(kind="create", values=on.it.writes)
    on.push(change)
    on.push(change)
    assert on.truth == before + 1


@behaviour("Writing", needs="refused")
def a_refusal_is_told(on: Stage) -> None:
    """A change that the vendor does not take is refused in its own words, and changes nothing."""
    on.connect()
    before = on.truth
    with pytest.raises(RecordRejected) as refused:
        on.push(OutboundChange(kind="create", values=on.it.refused or {}))
    assert len(str(refused.value)) > 30
    assert on.truth == before


@behaviour("Writing", needs="update")
def read_only_fields(on: Stage) -> None:
    """Values of read-only fields are left out of a change and named; a change of nothing else is
    refused before any call."""
    on.connect()
    (id,) = on.change(creates=1)["created"]
    on.full()
    keys = on.obj.keys
    name = next(it.name for it in on.fields if it.read_only and it.name not in keys)
    ours = {name: "ours"}
    both = {**on.it.rewrites, **ours}
    written = on.push(OutboundChange(kind="update", key=id, values=both))
    assert written.left_out == (name,)
    assert repr(name) in str(written.note)
    on.full()
    assert on.differences == []
    before = on.calls
    with pytest.raises(RecordRejected, match=f"'{name}' can only be read"):
        on.push(OutboundChange(kind="update", key=id, values=ours))
    assert on.calls == before
