"""A change is written without what is the vendor's own to say."""

import pytest

from sync_platform import spec
from sync_platform.engine.outbound import write
from sync_platform.errors import ReadOnlyObject, RecordRejected
from sync_platform.spec import OutboundChange
from sync_platform_tests.memory import MemoryApi

FIELDS = [
    spec.Field("id", read_only=True),
    spec.Field("name"),
    spec.Field("Total", "number", read_only=True, id="fld1"),
    spec.Field("changed", "timestamp", read_only=True),
]
ORDERS = spec.ConnectorObject(
    name="orders",
    fields=FIELDS,
    read=spec.get("/orders"),
    create=spec.post("/orders", json=lambda change: dict(change.values)),
    update=lambda api, change: {"asked": dict(change.values)},
)


def vendor() -> MemoryApi:
    return MemoryApi(lambda request, asked: {"sent": request.path})


def change(kind: str = "update", **values: object) -> OutboundChange:
    return OutboundChange(kind=kind, key="7", values=values)  # type: ignore[arg-type]


def test_a_change_goes_as_it_is_where_all_of_it_may_be_written() -> None:
    written = write(vendor(), ORDERS, FIELDS, change(name="Ada", not_known_here=1))
    assert written.answer == {"asked": {"name": "Ada", "not_known_here": 1}}
    assert (written.left_out, written.note) == ((), None)


def test_read_only_values_are_left_out_and_named() -> None:
    written = write(vendor(), ORDERS, FIELDS, change(name="Ada", Total=5, changed="now"))
    assert written.answer == {"asked": {"name": "Ada"}}
    assert written.left_out == ("Total", "changed")
    assert written.note == "'Total' and 'changed' can only be read, so no value was sent."


def test_a_field_that_is_called_by_its_id_is_left_out_too() -> None:
    assert write(vendor(), ORDERS, FIELDS, change(name="A", fld1=5)).left_out == ("fld1",)


@pytest.mark.parametrize("kind", ["create", "update"])
def test_a_change_of_nothing_else_is_refused_before_any_call(kind: str) -> None:
    api = vendor()
    with pytest.raises(RecordRejected, match=rf"The {kind} of orders was not sent: 'id' can only"):
        write(api, ORDERS, FIELDS, change(kind, id="8"))
    assert api.requests == []


def test_a_change_that_is_not_declared_is_refused_before_any_call() -> None:
    with pytest.raises(ReadOnlyObject, match="Nobody can delete orders through the vendor's API"):
        write(vendor(), ORDERS, FIELDS, change("delete"))


def test_an_update_without_values_is_the_connectors_to_make_sense_of() -> None:
    assert write(vendor(), ORDERS, FIELDS, change()).answer == {"asked": {}}
