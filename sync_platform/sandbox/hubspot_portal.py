"""One HubSpot account ("portal"): its records, properties and owners, and the rules for changing
them. Knows nothing of HTTP, except that it refuses in HubSpot's words.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sync_platform.sandbox import hubspot_people
from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.hubspot_errors import invalid, invalid_values, not_found, refusal, taken
from sync_platform.sandbox.hubspot_objects import OBJECTS, new_properties
from sync_platform.sandbox.hubspot_properties import (
    FIELD_TYPES,
    InvalidValue,
    Property,
    milliseconds,
    moment,
    properties_by_name,
)
from sync_platform.sandbox.hubspot_records import Record, Records
from sync_platform.sandbox.hubspot_search import Search


class Portal:
    """Everything that one account holds."""

    def __init__(
        self, *, id: int, clock: Callable[[], float], search_lag: float, seed: int
    ) -> None:
        self.id = id
        self.clock = clock
        self.search_lag = search_lag
        self.rng = random.Random(seed)
        self.version = 0
        self.owners = hubspot_people.owners()
        self.owner_ids = {owner["id"] for owner in self.owners}
        self.properties = {name: properties_by_name(new_properties(name)) for name in OBJECTS}
        self.archived_properties: dict[str, dict[str, Property]] = {name: {} for name in OBJECTS}
        self.records: dict[str, Records] = {}
        self.searches: dict[str, Search] = {}
        for name in OBJECTS:
            self._empty(name)

    def now(self) -> int:
        return int(self.clock() * 1000)

    def known(self, object: str) -> str:
        """The object's name, if there is such an object."""
        if object not in OBJECTS:
            raise invalid(f"Unable to infer object type from: {object}")
        return object

    # Records -------------------------------------------------------------------------------------

    def find(
        self, object: str, id: str, *, id_property: str = "", archived: bool = False
    ) -> Record | None:
        """A record by its id or by a unique property; the bin is looked in only when asked for."""
        records = self.records[object]
        if id_property and id_property != "hs_object_id":
            if id_property not in records.holders:
                raise invalid(f"{id_property} is not a unique property of {object}.")
            wanted = id.strip().lower() if id_property == "email" else id
            number = records.holders[id_property].get(wanted, -1)
        else:
            number = int(id) if id.isdecimal() else -1
        return (records.archived if archived else records.live).by_id.get(number)

    def get(self, object: str, id: str, *, id_property: str = "", archived: bool = False) -> Record:
        record = self.find(object, id, id_property=id_property, archived=archived)
        if record is None:
            raise not_found(object, id)
        return record

    def checked(self, object: str, values: Any, *, trusted: bool = False) -> dict[str, str]:
        """Values as they will be stored; all that is wrong with them is refused together."""
        if not isinstance(values, Mapping):
            raise invalid("properties must be an object.")
        stored: dict[str, str] = {}
        problems: list[tuple[str, str, str]] = []
        for name, value in values.items():
            property = self.properties[object].get(name)
            if property is None:
                message = f'Property "{name}" does not exist'
                problems.append((name, "PROPERTY_DOESNT_EXIST", message))
            elif (property.read_only or property.calculated) and not trusted:
                message = f'"{name}" is a read only property; its value cannot be set.'
                problems.append((name, "READ_ONLY_VALUE", message))
            else:
                try:
                    stored[name] = self._fitting(property, value)
                except InvalidValue as problem:
                    problems.append((name, problem.code, str(problem)))
        if problems:
            raise invalid_values(problems)
        return stored

    def check_unique(self, object: str, values: Mapping[str, str], id: int | None = None) -> None:
        """Refuse a unique value that another live record holds."""
        for name, holders in self.records[object].holders.items():
            holder = holders.get(values.get(name, ""))
            if holder is not None and holder != id:
                raise taken(object, str(holder))

    def create(self, object: str, values: dict[str, str]) -> Record:
        """A new record of values that were checked."""
        self.check_unique(object, values)
        id = self.records[object].new_id()
        now = moment(self.now())
        times = {"createdate": now, OBJECTS[object].modified: now}
        given = {name: value for name, value in values.items() if value}
        return self._put(object, Record(id, {**times, **given, "hs_object_id": str(id)}))

    def edit(self, object: str, id: int, values: dict[str, str]) -> Record:
        """Change a live record; its modified date moves, be it by a millisecond."""
        self.check_unique(object, values, id)
        before = self.records[object].live.by_id[id].properties
        modified = OBJECTS[object].modified
        moved = max(self.now(), milliseconds(before[modified]) + 1)
        return self._put(object, Record(id, {**before, modified: moment(moved), **values}))

    def recalculate(self, object: str, id: int, values: dict[str, str]) -> Record:
        """Change calculated values, which does not count as a modification."""
        before = self.records[object].live.by_id[id].properties
        return self._put(object, Record(id, {**before, **values}))

    def archive(self, object: str, id: int) -> None:
        self.records[object].archive(id, moment(self.now()), self._seen_at())
        self.version += 1

    def restore(self, object: str, id: int) -> Record:
        """Take a record back out of the bin; it counts as modified."""
        properties = self.records[object].archived.by_id[id].properties
        self.check_unique(object, properties, id)
        modified = OBJECTS[object].modified
        return self._put(object, Record(id, {**properties, modified: moment(self.now())}))

    def purge(self, object: str, id: int) -> None:
        """Delete for good, from the bin too."""
        self.records[object].purge(id, self._seen_at())
        self.version += 1

    def search(self, object: str) -> Search:
        """The search over an object, as far as its index has got."""
        self.records[object].settle(self.clock())
        return self.searches[object]

    def shown(self, object: str, record: Record, names: list[str] | None) -> Json:
        """A record as HubSpot answers it, with the properties asked for and those always given."""
        kind = OBJECTS[object]
        known = self.properties[object]
        asked = kind.shown if names is None else names
        values = record.properties
        shown: Json = {
            "id": str(record.id),
            "properties": {
                name: values.get(name) for name in (*asked, *kind.always) if name in known
            },
            "createdAt": values["createdate"],
            "updatedAt": values[kind.modified],
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            shown["archivedAt"] = record.archived_at
        return shown

    # Many at once --------------------------------------------------------------------------------

    def add_many(self, object: str, count: int, over: int = 0) -> list[int]:
        """Many invented records, created over the last so many milliseconds; searchable at once."""
        records, kind, now, rng = self.records[object], OBJECTS[object], self.now(), self.rng
        owners = [owner["id"] for owner in self.owners]
        fresh = []
        for number in range(count):
            id = records.new_id()
            created = now - over + over * number // count
            properties = hubspot_people.invent(object, rng, id, now)
            if rng.random() < 0.6:
                properties["hubspot_owner_id"] = owners[id % len(owners)]
            properties["hs_object_id"] = str(id)
            properties["createdate"] = moment(created)
            properties[kind.modified] = moment(created + int(rng.random() * (now - created)))
            fresh.append(Record(id, properties))
        records.put_new(fresh)
        self.version += 1
        return [record.id for record in fresh]

    def change(
        self, object: str, creates: int, updates: int, archives: int
    ) -> dict[str, list[str]]:
        """Changes at random; no record gets two of them."""
        ids = self.records[object].live.ids
        chosen = self.rng.sample(ids, min(len(ids), updates + archives))
        updated, archived = chosen[:updates], chosen[updates:]
        for id in updated:
            self.edit(object, id, self.checked(object, hubspot_people.edit(object, self.rng)))
        for id in archived:
            self.archive(object, id)
        created = []
        for _ in range(creates):
            id = self.records[object].next_id
            values = hubspot_people.invent(object, self.rng, id, self.now())
            created.append(self.create(object, self.checked(object, values, trusted=True)).id)
        changed = {"created": created, "updated": updated, "archived": archived}
        return {what: [str(id) for id in ids] for what, ids in changed.items()}

    # Properties ----------------------------------------------------------------------------------

    def add_property(self, object: str, property: Property) -> Property:
        """Define a custom property."""
        if property.type not in FIELD_TYPES:
            raise invalid(f"{property.type!r} is no type of property.")
        if not re.fullmatch("[a-z][a-z0-9_]*", property.name):
            raise invalid(f"{property.name!r} is no name for a property: use a-z, 0-9 and _.")
        if property.name in self.properties[object]:
            raise refusal(409, f"A property named '{property.name}' already exists.", "CONFLICT")
        property.created_at = property.updated_at = moment(self.now())
        property.group = property.group or f"{object.rstrip('s')}information"
        self.archived_properties[object].pop(property.name, None)
        self.properties[object][property.name] = property
        if property.unique:
            self.records[object].watch_unique(property.name)
        self.version += 1
        return property

    def remove_property(self, object: str, name: str) -> None:
        """Archive a custom property; its values go with it."""
        property = self.property(object, name)
        if property.built_in:
            raise invalid(f"{name} is HubSpot's own property and stays.")
        property.archived_at = moment(self.now())
        self.archived_properties[object][name] = self.properties[object].pop(name)
        self.records[object].forget_property(name)
        self.version += 1

    def property(self, object: str, name: str) -> Property:
        if name not in self.properties[object]:
            raise not_found("property", name)
        return self.properties[object][name]

    # Over a restart ------------------------------------------------------------------------------

    def state(self) -> Json:
        return {
            "properties": _described(self.properties),
            "archived_properties": _described(self.archived_properties),
            "records": {name: records.state() for name, records in self.records.items()},
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""
        self.properties = _properties(state["properties"])
        self.archived_properties = _properties(state["archived_properties"])
        for name, records in state["records"].items():
            self._empty(name)
            self.records[name].resume(records)
        self.version += 1
        self.rng.seed(self.rng.random() + sum(one.next_id for one in self.records.values()))

    def _empty(self, object: str) -> None:
        self.records[object] = Records(OBJECTS[object].first_id)
        for property in self.properties[object].values():
            if property.unique:
                self.records[object].watch_unique(property.name)
        searchable = self.records[object].searchable
        self.searches[object] = Search(searchable, OBJECTS[object].searched)

    def _put(self, object: str, record: Record) -> Record:
        self.records[object].put(record, self._seen_at())
        self.version += 1
        return record

    def _seen_at(self) -> float | None:
        return self.clock() + self.search_lag if self.search_lag > 0 else None

    def _fitting(self, property: Property, value: Any) -> str:
        text = property.stored(value)
        if property.external_options and text and text not in self.owner_ids:
            raise InvalidValue("INVALID_OWNER_ID", f"Owner {text} does not exist.")
        return text


def _described(properties: Mapping[str, Mapping[str, Property]]) -> Json:
    return {
        object: [asdict(property) for property in listed.values()]
        for object, listed in properties.items()
    }


def _properties(described: Mapping[str, list[Json]]) -> dict[str, dict[str, Property]]:
    return {
        object: properties_by_name(Property(**one) for one in listed)
        for object, listed in described.items()
    }
