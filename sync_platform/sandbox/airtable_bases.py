"""What an Airtable account holds: bases, their tables, fields, records and webhooks, as values.

Nothing here checks or tells anything; `airtable_changes` changes records, `airtable_shown` shows
them. Moments are milliseconds since 1970.
"""

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sync_platform.sandbox.calls import Json

LETTERS = string.ascii_letters + string.digits
COMPUTED = (
    *("formula", "rollup", "count", "multipleLookupValues", "autoNumber", "createdTime"),
    *("createdBy", "lastModifiedTime", "lastModifiedBy", "button", "aiText"),
    *("externalSyncSource", "manualSort"),
)


@dataclass
class Field:
    """A field of a table; `options` as the API tells them."""

    id: str
    name: str
    type: str
    options: Json | None = None
    description: str | None = None

    @property
    def computed(self) -> bool:
        """Whether nobody can write it."""
        return self.type in COMPUTED

    def choices(self) -> list[str]:
        """What a select offers."""
        return [each["name"] for each in (self.options or {}).get("choices", [])]


@dataclass
class Record:
    """A row: its `cells` by field id, without those that are empty."""

    id: str
    number: int
    created: int
    by: str  # the user who made it
    cells: dict[str, Any]
    modified: int
    modified_by: str
    before: int = 0  # when it was modified before the latest change
    touched: dict[str, int] = field(default_factory=dict)  # when each cell was changed last


@dataclass
class Table:
    id: str
    name: str
    fields: list[Field]
    description: str | None = None
    views: dict[str, str] = field(default_factory=dict)  # id -> name
    hidden: dict[str, list[str]] = field(default_factory=dict)  # view id -> records not in it
    records: dict[str, Record] = field(default_factory=dict)
    trash: dict[str, Record] = field(default_factory=dict)
    next_number: int = 1

    def field(self, called: str) -> Field | None:
        """The field of that name or id."""
        return next((it for it in self.fields if called in (it.id, it.name)), None)

    def named(self) -> dict[str, str]:
        """The fields' ids, by their names and by themselves."""
        return {it.name: it.id for it in self.fields} | {it.id: it.id for it in self.fields}


@dataclass
class Webhook:
    """`payloads` are the last seven days', each with its number and moment."""

    id: str
    specification: Json
    expires: int
    url: str | None = None
    next: int = 1
    payloads: list[tuple[int, int, Json]] = field(default_factory=list)
    stuck: bool = False  # for tests: the cursor of its answers does not move


@dataclass
class Base:
    id: str
    name: str
    permission: str = "create"  # what the token's owner may do: read, comment, edit, create
    tables: list[Table] = field(default_factory=list)
    trash: list[Table] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    transactions: int = 0

    def table(self, called: str) -> Table | None:
        """The table of that name or id."""
        return next((it for it in self.tables if called in (it.id, it.name)), None)

    def trashed(self, called: str) -> Table | None:
        """The table of that name or id, in the trash."""
        return next((it for it in self.trash if called in (it.id, it.name)), None)


USERS: Mapping[str, Json] = {
    id: {"id": id, "email": f"{name.split()[0].lower()}@acme.example", "name": name}
    for id, name in (
        ("usrL2PNC5o3H4lBEi", "Ada Byron"),
        ("usrsOEchC9xuwRgKk", "Grace Hopper"),
        ("usrR8ZT9KtIgp8Bh3", "Alan Kay"),
    )
}
ME = next(iter(USERS))


class Workspace:
    """All bases of one person's account. `clock` tells seconds since 1970."""

    def __init__(self, clock: Callable[[], float], seed: int = 7) -> None:
        self.clock = clock
        self.rng = random.Random(seed)
        self.bases: dict[str, Base] = {}
        self.changes = 0  # a number that moves with every change

    def now(self) -> int:
        """The present, in milliseconds."""
        return int(self.clock() * 1000)

    def id(self, prefix: str) -> str:
        """A new id, such as recXXXXXXXXXXXXXX."""
        return prefix + "".join(self.rng.choices(LETTERS, k=14))

    def add_base(self, name: str, permission: str = "create") -> Base:
        base = Base(self.id("app"), name, permission)
        self.bases[base.id] = base
        self.changes += 1
        return base

    def add_table(
        self, base: Base, name: str, fields: Sequence[tuple[str, str, Json | None]]
    ) -> Table:
        """A table of these fields, each a name, a type and options; the first is the primary one.

        A formula may name fields in braces; the options of links name a table, which gets the
        field's inverse.
        """
        table = Table(self.id("tbl"), name, [], views={self.id("viw"): "Grid view"})
        base.tables.append(table)
        for each in fields:
            self.add_field(base, table, *each)
        return table

    def add_field(
        self,
        base: Base,
        table: Table,
        name: str,
        type: str,
        options: Json | None = None,
        description: str | None = None,
    ) -> Field:
        given = dict(options or {})
        if "choices" in given:
            given["choices"] = [
                {"id": self.id("sel"), "name": each, "color": "blueLight2"}
                for each in given["choices"]
            ]
        made = Field(self.id("fld"), name, type, given or options, description)
        table.fields.append(made)
        if type == "multipleRecordLinks":
            other = base.table(given.pop("to"))
            assert other is not None, "the linked table must be there"
            link = {"isReversed": False, "prefersSingleRecordLink": False}
            inverse = Field(self.id("fld"), table.name, type)
            inverse.options = {"linkedTableId": table.id, "inverseLinkFieldId": made.id, **link}
            made.options = {"linkedTableId": other.id, "inverseLinkFieldId": inverse.id, **link}
            inverse.name = _free(inverse.name, other)
            other.fields.append(inverse)
        self.changes += 1
        return made

    def remove_table(self, called: str) -> None:
        """Put a table into its base's trash, with its records."""
        base, table = self.find(called)
        base.tables.remove(table)
        base.trash.append(table)
        self.changes += 1

    def restore_table(self, called: str) -> None:
        """Bring a table back from the trash."""
        for base in self.bases.values():
            if table := base.trashed(called):
                base.trash.remove(table)
                base.tables.append(table)
        self.changes += 1

    def tables(self) -> Iterator[tuple[Base, Table]]:
        """Every table, with its base."""
        for base in self.bases.values():
            for table in base.tables:
                yield base, table

    def find(self, called: str) -> tuple[Base, Table]:
        """A table by its id, its name, or its name as a word (`Line items` is line_items), with its
        base's before it where that is needed; raises KeyError."""
        for place in range(4):
            for base, table in self.tables():
                word = _word(table.name)
                if called == (table.id, table.name, word, f"{_word(base.name)}_{word}")[place]:
                    return base, table
        raise KeyError(called)

    def linked(self, field: Field) -> Table:
        """The table that a field links to."""
        wanted = (field.options or {})["linkedTableId"]
        return next(table for _, table in self.tables() if table.id == wanted)

    # -- over a restart ------------------------------------------------------------------------

    def state(self) -> Json:
        return {"bases": [asdict(base) for base in self.bases.values()]}

    def resume(self, state: Json) -> None:
        self.bases = {}
        for base in state["bases"]:
            tables, trash = (
                [
                    Table(
                        **{
                            **table,
                            "fields": [Field(**it) for it in table["fields"]],
                            "records": {id: Record(**it) for id, it in table["records"].items()},
                            "trash": {id: Record(**it) for id, it in table["trash"].items()},
                        }
                    )
                    for table in tables
                ]
                for tables in (base["tables"], base.get("trash", ()))
            )
            hooks = [
                Webhook(
                    **{**it, "payloads": [(n, at, payload) for n, at, payload in it["payloads"]]}
                )
                for it in base["webhooks"]
            ]
            self.bases[base["id"]] = Base(
                **{**base, "tables": tables, "trash": trash, "webhooks": hooks}
            )
        made = sum(len(table.records) + len(table.trash) for _, table in self.tables())
        self.rng.seed(f"{made} {self.now()}")  # the same ids must not come again


def iso(milliseconds: int) -> str:
    """A moment as Airtable writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(name: str) -> str:
    letters = "".join(each if each.isalnum() and each.isascii() else " " for each in name.lower())
    return "_".join(letters.split())


def _free(name: str, table: Table) -> str:
    taken = {it.name for it in table.fields}
    return name if name not in taken else f"{name} 2"
