"""Changes of Airtable's records: what belongs to one call is one transaction, and the webhooks of
the base hear of it together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync_platform.sandbox.airtable_bases import (
    ME,
    USERS,
    Base,
    Record,
    Table,
    Webhook,
    Workspace,
    iso,
)
from sync_platform.sandbox.calls import Json

A_WEEK = 7 * 86_400_000  # ms: a webhook lives, and its payloads are kept, for so long


@dataclass
class Transaction:
    """Changes of one base. Nothing is checked here; `commit` lets the webhooks know."""

    workspace: Workspace
    base: Base
    by: str = ME
    source: str = "publicApi"
    at: int = 0  # the moment of the changes; 0: now
    created: dict[str, dict[str, Record]] = field(default_factory=dict)  # by table
    changed: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # and record
    destroyed: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = self.at or self.workspace.now()

    def create(self, table: Table, cells: Mapping[str, Any]) -> Record:
        """A new record with these cells, by field id."""
        record = Record(
            id=self.workspace.id("rec"),
            number=table.next_number,
            created=self.at,
            by=self.by,
            cells={},
            modified=self.at,
            modified_by=self.by,
        )
        table.next_number += 1
        table.records[record.id] = record
        self.created.setdefault(table.id, {})[record.id] = record
        self._write(table, record, cells)
        return record

    def edit(self, table: Table, record: Record, cells: Mapping[str, Any]) -> None:
        """Put these into the record's cells, by field id; None empties one."""
        if any(record.cells.get(id) != value for id, value in cells.items()):
            self._touch(table, record)
            self._write(table, record, cells)

    def delete(self, table: Table, record: Record) -> None:
        """Into the trash, from where people can restore it; links to it are gone."""
        for id, value in list(record.cells.items()):
            link = table.field(id)
            if link is not None and link.type == "multipleRecordLinks":
                self._link(table, record, id, value, [])
        self.destroyed.setdefault(table.id, []).append(record.id)
        table.trash[record.id] = table.records.pop(record.id)

    def restore(self, table: Table, id: str) -> None:
        """Back from the trash, as it was; that does not count as a modification."""
        record = table.trash.pop(id)
        table.records[id] = record
        for name, value in record.cells.items():
            link = table.field(name)
            if link is not None and link.type == "multipleRecordLinks":
                there = [it for it in value if it in self.workspace.linked(link).records]
                record.cells[name] = there
                self._link(table, record, name, [], there)
        self.created.setdefault(table.id, {})[id] = record

    def commit(self) -> None:
        """The changes are made already; this tells of them."""
        self.workspace.changes += 1
        self.base.transactions += 1
        for hook in self.base.webhooks:
            self._tell(hook)

    # -- the steps -----------------------------------------------------------------------------

    def _touch(self, table: Table, record: Record) -> None:
        if record.modified < self.at:
            record.before, record.modified = record.modified, self.at
        record.modified_by = self.by
        if record.id not in self.created.get(table.id, {}):
            self.changed.setdefault(table.id, {}).setdefault(record.id, set())

    def _write(self, table: Table, record: Record, cells: Mapping[str, Any]) -> None:
        told = self.changed.get(table.id, {}).get(record.id, set())
        for id, value in cells.items():
            it = table.field(id)
            if it is not None and it.type == "multipleRecordLinks":
                self._link(table, record, id, record.cells.get(id, []), value or [])
            if value is None:
                record.cells.pop(id, None)
            else:
                record.cells[id] = value
            record.touched[id] = self.at
            told.add(id)

    def _link(self, table: Table, record: Record, id: str, had: list[str], has: list[str]) -> None:
        """Make the other side of links what it must be."""
        link = table.field(id)
        assert link is not None
        other, inverse = self.workspace.linked(link), (link.options or {})["inverseLinkFieldId"]
        for each in {*had} ^ {*has}:
            there = other.records.get(each)
            if there is None:
                continue
            linked = [it for it in there.cells.get(inverse, []) if it != record.id]
            linked += [record.id] if each in has else []
            self._touch(other, there)
            there.cells[inverse] = linked
            there.touched[inverse] = self.at
            self.changed.get(other.id, {}).get(each, set()).add(inverse)

    def _tell(self, hook: Webhook) -> None:
        hook.payloads = [it for it in hook.payloads if it[1] > self.at - A_WEEK]
        if hook.expires <= self.at:
            return
        filters = hook.specification["options"]["filters"]
        kinds = filters.get("changeTypes") or ["add", "remove", "update"]
        tables = {}
        for table in self.base.tables:
            if filters.get("recordChangeScope") not in (None, table.id):
                continue
            told = self._told(table, kinds)
            if told:
                tables[table.id] = told
        if not tables or "tableData" not in filters["dataTypes"]:
            return
        user = {**USERS[self.by], "permissionLevel": self.base.permission}
        payload: Json = {
            "timestamp": iso(self.at),
            "baseTransactionNumber": self.base.transactions,
            "actionMetadata": {"source": self.source, "sourceMetadata": {"user": user}},
            "payloadFormat": "v0",
            "changedTablesById": tables,
        }
        hook.payloads.append((hook.next, self.at, payload))
        hook.next += 1

    def _told(self, table: Table, kinds: list[str]) -> Json:
        told: Json = {}
        created, changed = self.created.get(table.id), self.changed.get(table.id)
        destroyed = self.destroyed.get(table.id)
        if created and "add" in kinds:
            told["createdRecordsById"] = {
                id: {"createdTime": iso(it.created), "cellValuesByFieldId": dict(it.cells)}
                for id, it in created.items()
            }
        if changed and "update" in kinds:
            told["changedRecordsById"] = {
                id: {
                    "current": {
                        "cellValuesByFieldId": {
                            each: table.records[id].cells.get(each) for each in sorted(cells)
                        }
                    }
                }
                for id, cells in changed.items()
                if id in table.records
            }
        if destroyed and "remove" in kinds:
            told["destroyedRecordIds"] = list(destroyed)
        return told
