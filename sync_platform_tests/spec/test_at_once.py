"""Declarations of writes that carry several changes, and of fields that are known by ids."""

from dataclasses import replace

import pytest

from sync_platform import spec
from sync_platform_tests.spec.test_faults import ACME, THINGS


def told(**slots: object) -> list[str]:
    return spec.faults(replace(ACME, objects=[replace(THINGS, **slots)]))  # type: ignore[arg-type]


def keys(changes: list[spec.OutboundChange]) -> dict[str, object]:
    return {"ids": [each.key for each in changes]}


def test_keys_may_stand_in_params() -> None:
    assert told(delete=spec.delete("/things", params=keys, at_once=10)) == []


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (spec.delete("/things/{key}", at_once=10), "its path has {key}, so it cannot carry sev"),
        (spec.delete("/things", params=keys, at_once=0), "at_once must be a number of changes"),
    ],
)
def test_what_cannot_carry_several_changes_is_told(request_: spec.Request, fault: str) -> None:
    (found,) = told(delete=request_)
    assert found.startswith(f"objects['things'].delete: {fault}")


def test_a_cursor_may_be_called_by_its_id_where_rows_do_so() -> None:
    fields = [spec.Field("id"), spec.Field("changed", "timestamp", id="f2")]
    assert told(fields=fields, cursor="f2", by_id=True) == []
    (found,) = told(fields=fields, cursor="f2")
    assert found == "objects['things'].cursor: 'f2' is not among its fields."
