"""Airtable's records as its API shows them: empty cells are left out, computed ones are computed.

What is computed follows from other cells at the moment of looking, so it changes without its record
counting as modified.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sync_platform.sandbox import airtable_formulas
from sync_platform.sandbox.airtable_bases import USERS, Field, Record, Table, Workspace, iso
from sync_platform.sandbox.airtable_formulas import Formula, FormulaError
from sync_platform.sandbox.calls import Json

DEEPEST = 8  # formulas of formulas
ADDRESSES_LAST = 7_200_000  # ms: what an attachment's address is good for
ERROR = {"error": "#ERROR!"}


@dataclass
class Seen:
    """One record, as formulas see it; `lag` is by how many ms filters are behind."""

    workspace: Workspace
    table: Table
    record: Record
    lag: int = 0
    depth: int = 0

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def created(self) -> int:
        return self.record.created

    @property
    def modified(self) -> int:
        record = self.record
        late = self.workspace.now() - record.modified < self.lag
        return record.before if late else record.modified

    def value(self, field: str) -> Any:
        """What is in a cell, or computed for it."""
        found = self.table.field(field)
        if found is None:
            raise FormulaError("the field is gone")
        return self.of(found)

    def of(self, field: Field) -> Any:
        """What the API shows in a cell; None where it is empty."""
        if not field.computed:
            return self._shown(field, self.record.cells.get(field.id))
        options = field.options or {}
        record = self.record
        match field.type:
            case "formula":
                return self._formula(options["formula"])
            case "count":
                return len(record.cells.get(options["recordLinkFieldId"], []))
            case "multipleLookupValues":
                return self._looked_up(options) or None
            case "rollup":
                return sum(
                    each for each in self._looked_up(options) if isinstance(each, int | float)
                )
            case "autoNumber":
                return record.number
            case "createdTime":
                return iso(record.created)
            case "createdBy":
                return dict(USERS[record.by])
            case "lastModifiedTime":
                watched = options.get("referencedFieldIds") or []
                touched = [record.touched[it] for it in watched if it in record.touched]
                at = max(touched, default=None) if watched else record.modified
                return None if at is None else iso(at)
            case "lastModifiedBy":
                return dict(USERS[record.modified_by])
            case "button":
                return {"label": field.name, "url": f"https://acme.example/{record.id}"}
            case "aiText":
                return {"state": "generated", "isStale": False, "value": f"About {record.number}."}
        return record.cells.get(field.id)  # such as externalSyncSource

    def _formula(self, formula: str) -> Any:
        if self.depth >= DEEPEST:
            return dict(ERROR)
        inner = Seen(self.workspace, self.table, self.record, self.lag, self.depth + 1)
        try:
            value = parsed(formula, tuple(self.table.named().items()))(inner)
        except FormulaError:
            return dict(ERROR)
        if isinstance(value, float) and value != value:
            return {"specialValue": "NaN"}
        return iso(int(value.timestamp() * 1000)) if hasattr(value, "timestamp") else value

    def _looked_up(self, options: Json) -> list[Any]:
        link = self.table.field(options["recordLinkFieldId"])
        if link is None:
            return []
        other = self.workspace.linked(link)
        looked_at = other.field(options["fieldIdInLinkedTable"])
        if looked_at is None or self.depth >= DEEPEST:
            return []
        found = []
        for id in self.record.cells.get(link.id, []):
            value = Seen(self.workspace, other, other.records[id], 0, self.depth + 1).of(looked_at)
            found += value if isinstance(value, list) else [] if value is None else [value]
        return found

    def _shown(self, field: Field, value: Any) -> Any:
        if field.type != "multipleAttachments" or not value:
            return value
        window = self.workspace.now() // ADDRESSES_LAST  # its addresses change as they end
        return [
            {**each, "url": f"https://v5.airtableusercontent.com/{window}/{each['id']}"}
            for each in value
        ]


@lru_cache(maxsize=500)
def parsed(formula: str, fields: tuple[tuple[str, str], ...]) -> Formula:
    """A formula over these fields; raises FormulaError."""
    return airtable_formulas.read(formula, dict(fields))


def shown(
    workspace: Workspace,
    table: Table,
    record: Record,
    *,
    by_id: bool = False,
    only: Iterable[Field] | None = None,
) -> Json:
    """A record as the API gives it."""
    seen = Seen(workspace, table, record)
    cells = {}
    for field in table.fields if only is None else only:
        value = seen.of(field)
        if value is not None and value is not False and value not in ("", []):
            cells[field.id if by_id else field.name] = value
    return {"id": record.id, "createdTime": iso(record.created), "fields": cells}


def schema(table: Table) -> Json:
    """A table as the meta API tells it."""
    told: Json = {
        "id": table.id,
        "name": table.name,
        "primaryFieldId": table.fields[0].id,
        "fields": [_schema_of(each) for each in table.fields],
        "views": [{"id": id, "name": name, "type": "grid"} for id, name in table.views.items()],
    }
    return told | ({"description": table.description} if table.description else {})


def _schema_of(field: Field) -> Json:
    told: Json = {"id": field.id, "name": field.name, "type": field.type}
    if field.options is not None:
        told["options"] = _options(field.options)
    return told | ({"description": field.description} if field.description else {})


def _options(options: Mapping[str, Any]) -> Json:
    return {name: value for name, value in options.items() if value is not None}
