"""One sandbox org: records, the recycle bin, what was removed for good, and what queries see yet.

A record is a dict that is replaced, never changed. Moments have whole seconds, as in Salesforce.
"""

import random
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.salesforce_errors import not_found, refusal
from sync_platform.sandbox.salesforce_kinds import SObject
from sync_platform.sandbox.salesforce_objects import objects
from sync_platform.sandbox.salesforce_people import BOUGHT, invented
from sync_platform.sandbox.salesforce_soql import moment

ORG_ID = "00DSb0000001AbCMAU"
ADMIN = "005Sb0000000001IAA"
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TIMED = ("SystemModstamp", "LastModifiedDate")
Record = dict[str, Any]


def whole_id(prefix: str, number: int) -> str:
    """18 characters: 15, and 3 that tell which of them are capitals."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    fifteen = f"{prefix}Sb0{digits:0>9}"
    return fifteen + marks(fifteen)


def marks(fifteen: str) -> str:
    """What tells the case of an id's letters, five at a time."""
    sums = (sum(c.isupper() << i for i, c in enumerate(fifteen[at : at + 5])) for at in (0, 5, 10))
    return "".join(SIGNS[each] for each in sums)


@dataclass
class Table:
    """The records of one object: as they are, and as queries see them. Both in the order of ids."""

    latest: dict[str, Record] = field(default_factory=dict)
    seen: dict[str, Record] = field(default_factory=dict)
    deleted: dict[str, float] = field(default_factory=dict)  # when; also of what was purged
    made: int = 0


class Org:
    """`lag` is how many seconds queries and getDeleted are behind what was done."""

    def __init__(self, clock: Callable[[], float], seed: int, lag: float = 0.0) -> None:
        self.clock, self.lag = clock, lag
        self.rng = random.Random(seed)
        self.objects = objects()
        self.tables = {name: Table() for name in self.objects}
        self.waiting: deque[tuple[float, str, str]] = deque()
        self.version = 0

    def table(self, name: str) -> Table:
        """The table of an object, with what queries may see by now."""
        while self.waiting and self.waiting[0][0] <= self.clock():
            _, object, id = self.waiting.popleft()
            self._show(object, id)
        return self.tables[name]

    def object(self, name: str) -> SObject:
        known = {each.lower(): it for each, it in self.objects.items()}
        if name.lower() not in known:
            raise not_found()
        return known[name.lower()]

    def get(self, object: str, id: str, *, deleted: bool = False) -> Record:
        """A record by its id, of 15 or 18 characters."""
        known = self.tables[object].latest
        found = known.get(id) or next((it for each, it in known.items() if each[:15] == id), None)
        if found is None or (found.get("IsDeleted", False) and not deleted):
            code = "ENTITY_IS_DELETED" if found else "NOT_FOUND"
            said = "entity is deleted" if found else "The requested resource does not exist"
            raise refusal(404, code, said)
        return found

    # -- changes -----------------------------------------------------------------------------------

    def create(self, object: str, values: Mapping[str, Any], at: float | None = None) -> Record:
        """A new record; `at` is when it came about."""
        kind, table = self.objects[object], self.tables[object]
        table.made += 1
        record: Record = dict.fromkeys(kind.fields)
        for each in kind.fields.values():
            if each.type == "boolean":
                record[each.name] = False
            if each.has("a"):
                record[each.name] = f"{object[:3].upper()}-{table.made:06d}"
        now = moment(self.clock() if at is None else at)
        record |= {name: now for name in ("CreatedDate", *TIMED) if name in kind.fields}
        record |= {n: ADMIN for n in ("CreatedById", "LastModifiedById") if n in kind.fields}
        record |= {"Id": whole_id(kind.prefix or "000", table.made), **values}
        return self._put(object, self._computed(object, record))

    def edit(self, object: str, id: str, values: Record) -> Record:
        return self._put(object, self._computed(object, self._touched(object, id) | values))

    def recalculate(self, object: str, id: str, values: Record) -> None:
        """A formula's value changes, because something it looks at did: no moment moves."""
        self._put(object, self.get(object, id) | values)

    def delete(self, object: str, id: str) -> None:
        """Into the recycle bin."""
        record = self._touched(object, id)
        if "IsDeleted" in record:
            self._put(object, record | {"IsDeleted": True})
        self.tables[object].deleted[record["Id"]] = self.clock()

    def undelete(self, object: str, id: str) -> None:
        self.tables[object].deleted.pop(id, None)
        self._put(object, self._touched(object, id, deleted=True) | {"IsDeleted": False})

    def purge(self, object: str, id: str) -> None:
        """Gone for good, from the bin too: only getDeleted still knows, for 15 days."""
        table = self.tables[object]
        table.deleted.setdefault(id, self.clock())
        table.latest.pop(id, None)
        self._later(object, id)

    def checked(
        self,
        object: str,
        given: Mapping[str, Any],
        *,
        trusted: bool = False,
        id: str | None = None,
    ) -> Record:
        """Values as they would be stored in a record (`id`: one that there is); raises Refusal for
        what cannot be written."""
        kind, values = self.objects[object], {}
        for name, value in given.items():
            known = kind.fields.get(name)
            if known is None:
                said = f"No such column '{name}' on sobject of type {object}"
                raise refusal(400, "INVALID_FIELD", said)
            if not known.writable and not trusted:
                raise refusal(
                    400,
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {name}. Please check the security settings "
                    "of this field and verify that it is read/write for your profile or "
                    "permission set.",
                    fields=[name],
                )
            values[name] = value
        for name, known in kind.fields.items():
            if known.has("x") and values.get(name) is not None:
                self._unique(object, name, values[name], id)
        return values

    def by_external(self, object: str, name: str, value: str) -> Record | None:
        """The record with this external id; raises Refusal where the field is none."""
        known = self.objects[object].fields.get(name)
        if known is None or not known.has("x"):
            said = f"Provided external ID field does not exist or is not accessible: {name}"
            raise refusal(404, "NOT_FOUND", said)
        live = self.tables[object].latest.values()
        return next((it for it in live if it[name] == value and not it.get("IsDeleted")), None)

    def _unique(self, object: str, name: str, value: str, id: str | None) -> None:
        holder = self.by_external(object, name, value)
        if holder is not None and holder["Id"] != id:
            said = f"duplicate value found: {name} duplicates value on record with id"
            raise refusal(400, "DUPLICATE_VALUE", f"{said}: {holder['Id'][:15]}", fields=[])

    def _touched(self, object: str, id: str, *, deleted: bool = False) -> Record:
        """The record with its moments moved to now."""
        record = self.get(object, id, deleted=deleted)
        now = moment(self.clock())
        return record | {name: now for name in TIMED if name in record}

    def _computed(self, object: str, record: Record) -> Record:
        if object in ("Contact", "Lead", "User"):
            names = (record.get("FirstName"), record.get("LastName"))
            record["Name"] = " ".join(filter(None, names)) or None
        if object == "Opportunity":
            amount, chance = record["Amount"], record["Probability"]
            record["Weighted__c"] = None if amount is None else amount * (chance or 0) / 100
            record["IsClosed"] = str(record["StageName"]).startswith("Closed")
        return record

    def _put(self, object: str, record: Record) -> Record:
        self.tables[object].latest[record["Id"]] = record
        self._later(object, record["Id"])
        return record

    def _later(self, object: str, id: str) -> None:
        self.version += 1
        if self.lag > 0 or self.waiting:
            self.waiting.append((self.clock() + self.lag, object, id))
        else:
            self._show(object, id)

    def _show(self, object: str, id: str) -> None:
        table = self.tables[object]
        record = table.latest.get(id)
        if record is None:
            table.seen.pop(id, None)
        else:
            table.seen[id] = record

    # -- many at once ------------------------------------------------------------------------------

    def add_many(self, object: str, count: int, over: float = 0.0) -> list[str]:
        """Invented records, made in the course of the last so many seconds."""
        now, made = self.clock(), []
        for number in range(count):
            values = invented(object, self.rng, self._ids)
            at = now - over + over * number / max(1, count)
            made.append(self.create(object, values, at)["Id"])
        return made

    def change(self, object: str, creates: int, updates: int, deletes: int) -> dict[str, list[str]]:
        """Changes at random; no record gets two of them."""
        live = [id for id, it in self.tables[object].latest.items() if not it.get("IsDeleted")]
        chosen = self.rng.sample(live, min(len(live), updates + deletes))
        updated, deleted = chosen[:updates], chosen[updates:]
        name = BOUGHT[object]
        for id in updated:
            self.edit(object, id, {name: invented(object, self.rng, self._ids)[name]})
        for id in deleted:
            self.delete(object, id)
        return {
            "created": self.add_many(object, creates),
            "updated": updated,
            "archived": deleted,
        }

    def _ids(self, object: str) -> str | None:
        """An id of an object to refer to."""
        table = self.tables[object]
        return (
            whole_id(self.objects[object].prefix or "", 1 + self.rng.randrange(table.made))
            if (table.made)
            else None
        )

    def deleted_between(self, object: str, start: str, end: str) -> list[tuple[str, str]]:
        """Ids and moments of what was deleted in a span, as far as that is seen yet."""
        known = self.table(object).deleted.items()
        seen = [(id, moment(at)) for id, at in known if at + self.lag <= self.clock()]
        listed = sorted(seen, key=lambda it: it[1])
        return [it for it in listed[bisect_left(listed, start, key=lambda it: it[1]) :]
                if it[1] < end]  # fmt: skip

    # -- over a restart ----------------------------------------------------------------------------

    def state(self) -> Json:
        return {
            name: {"latest": it.latest, "deleted": it.deleted, "made": it.made}
            for name, it in self.tables.items()
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        for name, kept in state.items():
            self.tables[name] = Table(
                latest=dict(kept["latest"]),
                seen=dict(kept["latest"]),
                deleted=dict(kept["deleted"]),
                made=kept["made"],
            )
        self.version += 1


def moment_of(text: str) -> float:
    """Seconds since 1970 of a moment that Salesforce wrote."""
    return datetime.fromisoformat(text).timestamp()
