"""Airtable's endpoints of records: lists with filters and offsets that expire, writes in tens."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from sync_platform.sandbox import airtable_errors
from sync_platform.sandbox.airtable_bases import Base, Field, Record, Table, Workspace
from sync_platform.sandbox.airtable_changes import Transaction
from sync_platform.sandbox.airtable_formulas import FormulaError, truthy
from sync_platform.sandbox.airtable_kinds import Checking
from sync_platform.sandbox.airtable_shown import Seen, parsed, shown
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer

AT_ONCE = 10  # records that one call may write
LARGEST_PAGE = 100
SORT = re.compile(r"sort\[(\d+)\]\[(field|direction)\]")
LISTED = {
    *("pageSize", "maxRecords", "offset", "view", "filterByFormula", "fields", "sort"),
    *("returnFieldsByFieldId", "cellFormat", "timeZone", "userLocale", "recordMetadata"),
}


class Records:
    """The endpoints over a workspace. `lag` is by how many seconds filters are behind; an offset
    that nobody comes back for is good for `offset_lasts` seconds."""

    def __init__(self, workspace: Workspace, lag: float, offset_lasts: float) -> None:
        self._workspace = workspace
        self.lag, self.offset_lasts = lag, offset_lasts
        self.offsets: dict[str, tuple[list[str], float]] = {}  # ids of a list, until when

    def endpoints(self) -> list[Endpoint]:
        table, record = "/v0/{base}/{table}", "/v0/{base}/{table}/{record}"
        return [
            Endpoint("POST", f"{table}/listRecords", self._list_by_body),
            Endpoint("GET", table, self._list),
            Endpoint("POST", table, self._create),
            Endpoint("PATCH", table, self._update_many),
            Endpoint("PUT", table, self._update_many),
            Endpoint("DELETE", table, self._delete_many),
            Endpoint("GET", record, self._get),
            Endpoint("PATCH", record, self._update),
            Endpoint("PUT", record, self._update),
            Endpoint("DELETE", record, self._delete),
        ]

    def forget(self) -> None:
        """Every offset expires."""
        self.offsets.clear()

    # -- reading -------------------------------------------------------------------------------

    def _list(self, call: Call) -> Response:
        asked: Json = {}
        sorts: dict[int, Json] = {}
        for name, values in call.query.items():
            if part := SORT.fullmatch(name):
                sorts.setdefault(int(part[1]), {})[part[2]] = values[0]
            elif name in ("fields[]", "fields"):
                asked["fields"] = list(values)
            else:
                asked[name] = values[0]
        for number in ("pageSize", "maxRecords"):
            if number in asked and asked[number].isdecimal():
                asked[number] = int(asked[number])
        if sorts:
            asked["sort"] = [sorts[place] for place in sorted(sorts)]
        asked["returnFieldsByFieldId"] = asked.get("returnFieldsByFieldId") in ("true", "1")
        return self._listed(call, asked)

    def _list_by_body(self, call: Call) -> Response:
        return self._listed(call, _object(call))

    def _listed(self, call: Call, asked: Json) -> Response:
        _, table = self._table(call)
        size = asked.get("pageSize", LARGEST_PAGE)
        if not set(asked) <= LISTED or type(size) is not int or not 0 < size <= LARGEST_PAGE:
            raise airtable_errors.invalid_parameters()
        only = [self._field(table, name) for name in asked["fields"]] if "fields" in asked else None
        if asked.get("offset"):
            iterator, _, first = str(asked["offset"]).partition("/")
            ids, until = self.offsets.get(iterator, ([], 0.0))
            if first not in table.records or first not in ids or until < self._workspace.clock():
                self.offsets.pop(iterator, None)
                raise airtable_errors.page_forgotten()
            start = ids.index(first)
        else:
            ids = [each.id for each in self._chosen(table, asked)][: asked.get("maxRecords")]
            iterator, start = self._workspace.id("itr"), 0
        there = [id for id in ids[start:] if id in table.records]
        body: Json = {
            "records": [self._shown(table, table.records[id], asked, only) for id in there[:size]]
        }
        if len(there) > size:
            self.offsets[iterator] = ids, self._workspace.clock() + self.offset_lasts
            body["offset"] = f"{iterator}/{there[size]}"
        return answer(body)

    def _chosen(self, table: Table, asked: Json) -> list[Record]:
        """What a list holds, in its order."""
        records = list(table.records.values())
        if view := asked.get("view"):
            id = next((id for id, name in table.views.items() if view in (id, name)), None)
            if id is None:
                raise airtable_errors.invalid(f"View {view} not found", "VIEW_NAME_NOT_FOUND")
            records = [each for each in records if each.id not in table.hidden.get(id, [])]
        if formula := asked.get("filterByFormula"):
            try:
                keeps = parsed(formula, tuple(table.named().items()))
            except FormulaError as why:
                raise airtable_errors.invalid_formula(str(why)) from why
            records = [each for each in records if self._kept(table, each, keeps)]
        for by in reversed(asked.get("sort") or []):
            field = self._field(table, by.get("field", ""))
            records.sort(key=self._order(table, field), reverse=by.get("direction") == "desc")
        return records

    def _kept(self, table: Table, record: Record, keeps: Callable[[Any], Any]) -> bool:
        try:
            return truthy(keeps(Seen(self._workspace, table, record, int(self.lag * 1000))))
        except FormulaError:
            return False

    def _order(self, table: Table, field: Field) -> Callable[[Record], tuple[bool, Any]]:
        def key(record: Record) -> tuple[bool, Any]:
            value = Seen(self._workspace, table, record).of(field)
            number = value if isinstance(value, int | float) else None
            return value is not None, number if number is not None else str(value)

        return key

    def _get(self, call: Call) -> Response:
        _, table = self._table(call)
        asked = {"returnFieldsByFieldId": call.first("returnFieldsByFieldId") == "true"}
        return answer(self._shown(table, self._record(table, call.places["record"]), asked))

    # -- writing -------------------------------------------------------------------------------

    def _create(self, call: Call) -> Response:
        base, table = self._table(call)
        asked = _object(call)
        many = "records" in asked
        given = _ten(asked["records"]) if many else [asked]
        checking = Checking(self._workspace, bool(asked.get("typecast")))
        cells = [checking.cells(table, each.get("fields")) for each in given]
        doing = Transaction(self._workspace, base)
        made = [doing.create(table, each) for each in cells]
        doing.commit()
        told = [self._shown(table, each, asked) for each in made]
        return answer({"records": told} if many else told[0])

    def _update(self, call: Call) -> Response:
        base, table = self._table(call)
        asked = _object(call) | {"id": call.places["record"]}
        (record,) = self._updated(call, base, table, [asked], bool(asked.get("typecast")))
        return answer(self._shown(table, record, asked))

    def _update_many(self, call: Call) -> Response:
        base, table = self._table(call)
        asked = _object(call)
        given, typecast = _ten(asked.get("records")), bool(asked.get("typecast"))
        if "performUpsert" in asked:
            return self._upsert(call, base, table, asked)
        made = self._updated(call, base, table, given, typecast)
        return answer({"records": [self._shown(table, each, asked) for each in made]})

    def _updated(
        self, call: Call, base: Base, table: Table, given: Sequence[Json], typecast: bool
    ) -> list[Record]:
        checking = Checking(self._workspace, typecast)
        cells = [
            (self._record(table, str(each.get("id"))), checking.cells(table, each.get("fields")))
            for each in given
        ]
        doing = Transaction(self._workspace, base)
        for record, values in cells:
            if call.method == "PUT":  # what is not named is emptied
                writable = [it.id for it in table.fields if not it.computed]
                values = dict.fromkeys(writable) | values
            doing.edit(table, record, values)
        doing.commit()
        return [record for record, _ in cells]

    def _upsert(self, call: Call, base: Base, table: Table, asked: Json) -> Response:
        on = [self._field(table, name) for name in asked["performUpsert"]["fieldsToMergeOn"]]
        checking = Checking(self._workspace, bool(asked.get("typecast")))
        doing = Transaction(self._workspace, base)
        told: Json = {"records": [], "createdRecords": [], "updatedRecords": []}
        for each in _ten(asked.get("records")):
            cells = checking.cells(table, each.get("fields"))
            same = [
                record
                for record in table.records.values()
                if all(record.cells.get(it.id) == cells.get(it.id) for it in on)
            ]
            if len(same) > 1:
                raise airtable_errors.invalid("Several records match", "MULTIPLE_RECORDS_MATCH")
            if same:
                doing.edit(table, same[0], cells)
            record = same[0] if same else doing.create(table, cells)
            told["updatedRecords" if same else "createdRecords"].append(record.id)
            told["records"].append(self._shown(table, record, asked))
        doing.commit()
        return answer(told)

    def _delete(self, call: Call) -> Response:
        base, table = self._table(call)
        (told,) = self._deleted(base, table, [call.places["record"]])
        return answer(told)

    def _delete_many(self, call: Call) -> Response:
        base, table = self._table(call)
        ids = _ten(list(call.query.get("records[]", call.query.get("records", []))))
        return answer({"records": self._deleted(base, table, ids)})

    def _deleted(self, base: Base, table: Table, ids: Sequence[str]) -> list[Json]:
        records = [self._record(table, id) for id in ids]
        doing = Transaction(self._workspace, base)
        for record in records:
            doing.delete(table, record)
        doing.commit()
        return [{"id": record.id, "deleted": True} for record in records]

    # -- finding -------------------------------------------------------------------------------

    def _table(self, call: Call) -> tuple[Base, Table]:
        base = self._workspace.bases.get(call.places["base"])
        table = base.table(call.places["table"]) if base else None
        if base is not None and table is None and base.trashed(call.places["table"]):
            raise airtable_errors.no_such_table(call.places["table"], base.id)
        if base is None or table is None:
            raise airtable_errors.not_permitted()
        return base, table

    def _field(self, table: Table, called: str) -> Field:
        field = table.field(called)
        if field is None:
            raise airtable_errors.unknown_field(called)
        return field

    def _record(self, table: Table, id: str) -> Record:
        if id not in table.records:
            raise airtable_errors.no_such_record(id)
        return table.records[id]

    def _shown(
        self, table: Table, record: Record, asked: Json, only: Sequence[Field] | None = None
    ) -> Json:
        by_id = bool(asked.get("returnFieldsByFieldId"))
        return shown(self._workspace, table, record, by_id=by_id, only=only)


def _object(call: Call) -> Json:
    try:
        asked = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise airtable_errors.refusal(400, "INVALID_JSON", "Could not parse request body") from None
    if not isinstance(asked, dict):
        raise airtable_errors.invalid_parameters()
    return asked


def _ten(given: Any) -> list[Any]:
    """At most ten, and one at least."""
    if not isinstance(given, list) or not 0 < len(given) <= AT_ONCE:
        raise airtable_errors.invalid(
            "You must provide an array of up to 10 record objects", "INVALID_RECORDS"
        )
    return given
