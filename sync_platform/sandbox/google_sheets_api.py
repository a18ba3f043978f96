"""Google Sheets' endpoints over fake spreadsheets: reading cells and changing them."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from sync_platform.sandbox import google_sheets_errors as errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.google_sheets_book import Spreadsheet, Tab
from sync_platform.sandbox.google_sheets_cells import (
    Area,
    Cell,
    area,
    entered,
    letters,
    typed,
)

RENDERED: dict[str, Callable[[Cell], Any]] = {
    "FORMATTED_VALUE": lambda cell: cell.formatted,
    "UNFORMATTED_VALUE": lambda cell: cell.unformatted,
    "FORMULA": lambda cell: cell.formula or cell.unformatted,
}
CORNERS = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")


class Service:
    """The API over all spreadsheets that there are; `changed` is told of every write."""

    def __init__(self, open: Callable[[Call], Spreadsheet], changed: Callable[[], None]) -> None:
        self._open, self._changed = open, changed

    def endpoints(self) -> list[Endpoint]:
        path = "/v4/spreadsheets/{id}"
        return [
            Endpoint("GET", path, self.get),
            Endpoint("POST", path + ":getByDataFilter", self.get),
            Endpoint("POST", path + ":batchUpdate", self.batch_update),
            Endpoint("GET", path + "/values:batchGet", self.batch_get),
            Endpoint("POST", path + "/values:batchGetByDataFilter", self.batch_get),
            Endpoint("GET", path + "/values/{range}", self.values),
            Endpoint("PUT", path + "/values/{range}", self.update),
            Endpoint("POST", path + "/values/{range}:append", self.append),
        ]

    # -- reading ---------------------------------------------------------------------------------

    def get(self, call: Call) -> Response:
        it, wanted = self._open(call), self._wanted(call)
        mask = parsed(call.first("fields")) if call.first("fields") else None
        body = orjson.loads(call.body or b"{}")
        grid = body.get("includeGridData") or call.first("includeGridData") == "true"
        if mask is not None:
            grid = "data" in (mask.get("sheets") or {"data": None})
        sheets = []
        for place, tab in enumerate(it.tabs):
            areas = [each for its, each, _ in wanted if its is tab]
            if wanted and not areas:
                continue
            sheet: Json = {"properties": self._properties(tab, place)}
            if tab.merges:
                sheet["merges"] = [{"sheetId": tab.id, **each} for each in tab.merges]
            if grid and tab.kind == "GRID":
                sheet["data"] = [grid_data(tab, each) for each in areas or [Area()]]
            sheets.append(sheet)
        properties = {
            "title": it.title,
            "locale": "de_DE",
            "timeZone": it.zone,
            "autoRecalc": "ON_CHANGE",
        }
        whole = {
            "spreadsheetId": it.id,
            "properties": properties,
            "sheets": sheets,
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{it.id}/edit",
        }
        return answer(whole if mask is None else masked(whole, mask))

    def values(self, call: Call) -> Response:
        return answer(self._range(*self._within(call, call.places["range"]), call.query))

    def batch_get(self, call: Call) -> Response:
        it, wanted = self._open(call), self._wanted(call)
        options: Mapping[str, Any] = call.query
        by_filter = call.method == "POST"
        if by_filter:
            options = {name: [each] for name, each in orjson.loads(call.body).items()}
        found = [self._range(tab, each, options) for tab, each, _ in wanted]
        if by_filter:
            matched = [
                {"valueRange": each, "dataFilters": [given]}
                for each, (_, _, given) in zip(found, wanted, strict=True)
            ]
            return answer({"spreadsheetId": it.id, "valueRanges": matched})
        return answer({"spreadsheetId": it.id, "valueRanges": found})

    def _range(self, tab: Tab, wanted: Area, options: Mapping[str, Any]) -> Json:
        render = (options.get("valueRenderOption") or ["FORMATTED_VALUE"])[0]
        if render not in RENDERED:
            raise errors.invalid(f"Invalid value at 'value_render_option': {render}")
        rows = [[RENDERED[render](cell) for cell in line] for line in tab.within(wanted)]
        found: Json = {"range": named(tab, wanted), "majorDimension": "ROWS"}
        return found | ({"values": rows} if rows else {})

    def _properties(self, tab: Tab, place: int) -> Json:
        found: Json = {
            "sheetId": tab.id, "title": tab.title, "index": place, "sheetType": tab.kind
        }  # fmt: skip
        if tab.kind == "GRID":
            found["gridProperties"] = {"rowCount": tab.height, "columnCount": tab.width}
        return found | ({"hidden": True} if tab.hidden else {})

    # -- where -----------------------------------------------------------------------------------

    def _wanted(self, call: Call) -> list[tuple[Tab, Area, Json]]:
        """The areas that a call names, by A1 notation or by data filters."""
        if call.method == "GET":
            return [(*self._within(call, text), {}) for text in call.query.get("ranges", ())]
        found = []
        for given in orjson.loads(call.body).get("dataFilters", []):
            if "a1Range" in given:
                tab, wanted = self._within(call, given["a1Range"])
            else:
                tab, wanted = self._grid(call, given["gridRange"])
            found.append((tab, wanted, given))
        return found

    def _within(self, call: Call, text: str) -> tuple[Tab, Area]:
        try:
            title, wanted = area(text)
        except ValueError:
            raise errors.unparsable(text) from None
        tab = next((each for each in self._open(call).tabs if each.title == title), None)
        if tab is None:
            raise errors.unparsable(text)
        return tab, self._checked(tab, wanted)

    def _grid(self, call: Call, given: Json) -> tuple[Tab, Area]:
        tab = self._tab(call, given.get("sheetId", 0))
        top, bottom, left, right = (given.get(name) for name in CORNERS)
        wanted = Area(top=top or 0, bottom=bottom, left=left or 0, right=right)
        return tab, self._checked(tab, wanted)

    def _tab(self, call: Call, id: object) -> Tab:
        for each in self._open(call).tabs:
            if each.id == id:
                return each
        raise errors.no_tab(id)

    def _checked(self, tab: Tab, wanted: Area) -> Area:
        """Refused where it begins beyond the grid; what ends beyond it is cut."""
        if wanted.top >= tab.height or wanted.left >= tab.width:
            raise errors.beyond(named(tab, wanted, cut=False), tab.height, tab.width)
        return wanted

    # -- writing ---------------------------------------------------------------------------------

    def append(self, call: Call) -> Response:
        tab, _ = self._within(call, call.places["range"])
        for line in orjson.loads(call.body).get("values", []):
            tab.append(line)
        self._changed()
        return answer({"spreadsheetId": call.places["id"], "tableRange": named(tab, Area())})

    def update(self, call: Call) -> Response:
        tab, where = self._within(call, call.places["range"])
        lines = orjson.loads(call.body).get("values", [])
        for row, line in enumerate(lines, where.top):
            for column, value in enumerate(line, where.left):
                tab.put(row, column, typed(value))
        self._changed()
        return answer({"spreadsheetId": call.places["id"], "updatedRows": len(lines)})

    def batch_update(self, call: Call) -> Response:
        """All requests or none of them, as Google does it: what is wrong is found first."""
        requests = orjson.loads(call.body)["requests"]
        known = {
            "appendCells": self._append_cells,
            "updateCells": self._update_cells,
            "deleteDimension": self._delete_dimension,
        }
        steps = []
        for place, each in enumerate(requests):
            ((name, given),) = each.items()
            if name not in known:
                raise errors.invalid(f"Invalid requests[{place}]: Unknown name {name!r}.")
            steps.append(known[name](call, given))
        for step in steps:
            step()
        self._changed()
        return answer({"spreadsheetId": call.places["id"], "replies": [{} for _ in requests]})

    def _append_cells(self, call: Call, given: Json) -> Callable[[], None]:
        tab, fields = self._tab(call, given.get("sheetId", 0)), given["fields"].split(",")

        def step() -> None:
            for line in given["rows"]:
                tab.append([entered(Cell(), each, fields) for each in line["values"]])

        return step

    def _update_cells(self, call: Call, given: Json) -> Callable[[], None]:
        tab, where = self._grid(call, given["range"])
        fields = given["fields"].split(",")

        def step() -> None:
            for row, line in enumerate(given["rows"], where.top):
                for column, each in enumerate(line["values"], where.left):
                    tab.put(row, column, entered(tab.cell(row, column), each, fields))

        return step

    def _delete_dimension(self, call: Call, given: Json) -> Callable[[], None]:
        where = given["range"]
        tab = self._tab(call, where.get("sheetId", 0))
        first, last = where["startIndex"], where["endIndex"]
        if where["dimension"] == "COLUMNS":
            return lambda: tab.delete_columns(first, last)
        if last > tab.height:
            raise errors.invalid(f"Cannot delete row {last}: the sheet has {tab.height}.")
        return lambda: tab.delete_rows(first, last)


def grid_data(tab: Tab, wanted: Area) -> Json:
    """As GridData: cells at the end of a row that hold nothing are left out."""
    rows: list[Json] = []
    bottom = min(tab.height if wanted.bottom is None else wanted.bottom, tab.height)
    for row in range(wanted.top, bottom):
        line = tab.rows[row] if row < len(tab.rows) else []
        cells = [cell.shown() for cell in line[wanted.left : wanted.right]]
        rows.append({"values": cells} if cells else {})
    found: Json = {"rowData": rows} if rows else {}
    found |= {"startRow": wanted.top} if wanted.top else {}
    return found | ({"startColumn": wanted.left} if wanted.left else {})


def named(tab: Tab, where: Area, *, cut: bool = True) -> str:
    """An area in A1 notation, cut where the grid ends."""
    bottom, right = where.bottom or tab.height, where.right or tab.width
    if cut:
        bottom, right = min(bottom, tab.height), min(right, tab.width)
    title = tab.title if tab.title.isalnum() else "'" + tab.title.replace("'", "''") + "'"
    return f"{title}!{letters(where.left)}{where.top + 1}:{letters(right - 1)}{bottom}"


Mask = dict[str, Any]


def parsed(text: str) -> Mask:
    """A field mask, `a,b(c,d/e),f.g`, as nested dicts; an empty one takes everything below."""
    tokens = re.findall(r"[\w*]+|[(),/.]", text)
    mask, rest = _level(tokens)
    if rest or "".join(tokens) != text:
        raise errors.invalid(f"Request contains an invalid argument: fields {text!r}")
    return mask


def _level(tokens: Sequence[str]) -> tuple[Mask, Sequence[str]]:
    mask: Mask = {}
    while tokens:
        name, tokens = tokens[0], tokens[1:]
        below = mask.setdefault(name, {})
        while tokens and tokens[0] in "/.":
            below, tokens = below.setdefault(tokens[1], {}), tokens[2:]
        if tokens and tokens[0] == "(":
            inner, tokens = _level(tokens[1:])
            below.update(inner)
            tokens = tokens[1:]
        if not tokens or tokens[0] != ",":
            return mask, tokens
        tokens = tokens[1:]
    return mask, tokens


def masked(value: Any, mask: Mask) -> Any:
    """What a mask leaves of an answer; what is left of nothing is not there."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [masked(each, mask) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: masked(value[name], below) for name, below in mask.items() if name in value}
