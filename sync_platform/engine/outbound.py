"""One change, written to the vendor: what is the vendor's own to say is taken out of it before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sync_platform.errors import ReadOnlyObject, RecordRejected
from sync_platform.spec import Api, ConnectorObject, Field, Json, OutboundChange, Writing

Kind = Literal["create", "update", "delete"]
SLOTS: Mapping[Kind, Callable[[ConnectorObject], Writing | None]] = {
    "create": lambda obj: obj.create,
    "update": lambda obj: obj.update,
    "delete": lambda obj: obj.delete,
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """A change that the vendor took: its answer, and a sentence on what was not sent of it."""

    answer: Json
    left_out: tuple[str, ...] = ()  # read-only fields
    note: str | None = None


def write(
    api: Api, obj: ConnectorObject, fields: Sequence[Field], change: OutboundChange
) -> Written:
    """Carry out a change of a record of this object, which has these fields.

    Values of read-only fields are left out: the vendor would refuse the whole change, or pass over
    them in silence. Fields that are not known here go to the vendor, which may have them by now.

    Raises ReadOnlyObject where the object has no such write, RecordRejected where only read-only
    values are given (both before any call) or where the vendor refuses, and what `api` raises.
    """
    writing = SLOTS[change.kind](obj)
    if writing is None:
        raise ReadOnlyObject(f"Nobody can {change.kind} {obj.name} through the vendor's API.")
    change, left_out = without_read_only(fields, change)
    if left_out and not change.values:
        raise RecordRejected(
            f"The {change.kind} of {obj.name} was not sent: {_listed(left_out)} can only be read. "
            "Give values of other fields."
        )
    answer = writing(api, change) if callable(writing) else api.send(writing, change)
    note = f"{_listed(left_out)} can only be read, so no value was sent." if left_out else None
    return Written(answer=answer, left_out=left_out, note=note)


def without_read_only(
    fields: Sequence[Field], change: OutboundChange
) -> tuple[OutboundChange, tuple[str, ...]]:
    """The change without values of read-only fields, and which fields these were. A field goes by
    its name, or by the vendor's id of it."""
    locked = {name for it in fields if it.read_only for name in (it.name, it.id)}
    left_out = tuple(name for name in change.values if name in locked)
    if not left_out:
        return change, ()
    values = {name: value for name, value in change.values.items() if name not in locked}
    return replace(change, values=values), left_out


def _listed(names: Sequence[str]) -> str:
    *before, last = map(repr, names)
    return f"{', '.join(before)} and {last}" if before else last
