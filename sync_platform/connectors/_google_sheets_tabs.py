"""One tab of Google Sheets: what its columns are, and its rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from sync_platform import spec
from sync_platform.connectors._google_sheets_cells import (
    FORMAT_OF,
    Column,
    common_format,
    is_formula,
    kind,
    letters,
    loaded,
    type_of,
    zone_of,
)
from sync_platform.connectors._google_sheets_places import OVERLAP, Tab, area
from sync_platform.errors import (
    AskedTooMuch,
    ConfigurationError,
    UnexpectedResponse,
    VendorUnavailable,
)

NUMBER = "row_number"
SAMPLE = 100  # rows whose formats are looked at
CELLS = 500_000  # asked for at once, at most
STARTS = 4  # readings that are begun before a tab counts as too busy to be read
MASK = (
    "properties(title,timeZone),sheets(properties,merges,data(startRow,rowData(values("
    "formattedValue,effectiveValue,userEnteredValue,effectiveFormat(numberFormat)))))"
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """A tab as it is at the moment."""

    columns: Sequence[Column]
    zone: tzinfo
    last: int  # row of the table, exclusive
    heading: Sequence[str | None] = ()  # raw texts of the header row; None: not known to stay

    def is_headed(self, row: Any) -> bool:
        """Whether this is still the header row: columns that moved since have others above them.
        What is no row at all tells nothing."""
        if not _is_row(row):
            return True
        width = max(len(self.heading), len(row))
        texts = [*self.heading, *[""] * (width - len(self.heading))]
        raw = ["" if it is None else it for it in row] + [""] * (width - len(row))
        return all(text is None or text == now for text, now in zip(texts, raw, strict=True))


def look(api: spec.Api, tab: Tab) -> Look:
    """The tab's columns by its header row and the formats below it. Raises ConfigurationError
    where the tab is not there any more, or what the settings name is not in it."""
    try:
        answer = _sample(api, tab)
    except UnexpectedResponse:  # gone, or smaller than it was: the answer says only that it is bad
        tab = replace(tab, rows=_rows_now(api, tab))
        if tab.rows <= (tab.header or 0):
            return Look(columns=(), zone=zone_of(""), last=0)
        answer = _sample(api, tab)
    sheet = answer["sheets"][0]
    grid = sheet["properties"]["gridProperties"]
    found = sheet.get("data", [{}])[0].get("rowData") or []
    sample = [_cells_of(each) for each in found]
    heading = sample[0] if tab.header is not None and sample else []
    below = sample if tab.header is None else sample[1:]
    right = grid["columnCount"] if tab.right is None else min(tab.right, grid["columnCount"])
    labels = _across_merged(heading, tab, sheet.get("merges", []))
    columns: list[Column] = []
    taken = {NUMBER}
    for place in range(tab.left, right):
        at = place - tab.left
        label = labels[at] if at < len(labels) else ""
        cells = [line[at] for line in below if at < len(line)]
        columns.append(_column(place, label, cells, taken, tab.types))
    known = {each.name for each in columns}
    for name, setting in [*((it, "key") for it in tab.key), *((it, "types") for it in tab.types)]:
        if name not in known:
            there = ", ".join(repr(each.name) for each in columns if each.label) or "no headings"
            row = "no header row" if tab.header is None else f"the header row {tab.header + 1}"
            raise ConfigurationError(
                f"The tab {tab.title!r} has no column {name!r}, which its setting {setting!r} "
                f"names; in {row} there is: {there}."
            )
    last = grid["rowCount"] if tab.last is None else min(tab.last, grid["rowCount"])
    zone = zone_of(answer["properties"].get("timeZone", ""))
    return Look(columns=columns, zone=zone, last=last, heading=[_text_of(it) for it in heading])


def _cells_of(row: spec.Json) -> list[spec.Row]:
    """The CellData of a row; what is none is an empty cell."""
    found = spec.at(row, "values")
    listed = found if isinstance(found, list) else []
    return [each if isinstance(each, dict) else {} for each in listed]


def _text_of(cell: spec.Row) -> str | None:
    """A heading as its values are asked for; None where it may be another each time, or no text."""
    value = cell.get("effectiveValue")
    if value is None:
        return None if cell.get("formattedValue") else ""
    return None if is_formula(cell) else spec.at(value, "stringValue")


def _sample(api: spec.Api, tab: Tab) -> spec.Json:
    top = tab.first if tab.header is None else tab.header
    bottom = min(tab.first + SAMPLE, tab.rows)
    wanted = {"dataFilters": [{"gridRange": area(tab, top, max(bottom, top + 1))}]}
    path = f"/v4/spreadsheets/{tab.spreadsheet}:getByDataFilter"
    return api.send(spec.post(path, params={"fields": MASK}, json=wanted, safe_to_repeat=True))


def _rows_now(api: spec.Api, tab: Tab) -> int:
    path = f"/v4/spreadsheets/{tab.spreadsheet}"
    for each in api.get(path, fields="sheets(properties)").get("sheets", []):
        if each["properties"]["sheetId"] == tab.sheet:
            return int(each["properties"]["gridProperties"]["rowCount"])
    raise ConfigurationError(
        f"The tab {tab.title!r} is no longer in its spreadsheet. Bring it back in Google Sheets "
        "(File > Version history), or take it out of what is synced."
    )


def _across_merged(
    heading: Sequence[spec.Row], tab: Tab, merges: Sequence[Mapping[str, int]]
) -> list[str]:
    """The header's texts; a merged one stands for all the columns that it covers."""
    texts = [" ".join(str(each.get("formattedValue") or "").split()) for each in heading]
    for it in merges:
        if tab.header is None or not it.get("startRowIndex", 0) <= tab.header < it["endRowIndex"]:
            continue
        first, end = it.get("startColumnIndex", 0) - tab.left, it["endColumnIndex"] - tab.left
        if 0 <= first < len(texts):
            texts.extend([""] * (end - len(texts)))
            texts[first:end] = [texts[first]] * (end - first)
    return texts


def _column(
    place: int,
    label: str,
    cells: Sequence[spec.Row],
    taken: set[str],
    types: Mapping[str, spec.FieldType],
) -> Column:
    plain = label or f"column_{letters(place)}"
    name, count = plain, 2
    while name.casefold() in taken:
        name, count = f"{plain}_{count}", count + 1
    taken.add(name.casefold())
    format, pattern = common_format(cells)
    type = types.get(name)
    if type not in (None, "text"):
        format = FORMAT_OF.get(type, "") if type else format
    filled = [each for each in cells if each.get("effectiveValue") is not None]
    computed = bool(filled) and all(map(is_formula, filled))
    return Column(
        place=place,
        name=name,
        label=label,
        format=format,
        pattern=pattern,
        computed=computed,
        type=type,
    )


def values(api: spec.Api, tab: Tab, top: int, bottom: int) -> list[list[Any]]:
    """The raw cells of these rows; empty ones at the end of a row, and rows at the end, are left
    out. Raises AskedTooMuch where the grid ends before `top`."""
    asked = {
        "dataFilters": [{"gridRange": area(tab, top, bottom)}],
        "majorDimension": "ROWS",
        "valueRenderOption": "UNFORMATTED_VALUE",
        "dateTimeRenderOption": "SERIAL_NUMBER",
    }
    path = f"/v4/spreadsheets/{tab.spreadsheet}/values:batchGetByDataFilter"
    answer = api.send(spec.post(path, json=asked, safe_to_repeat=True), spec.Read())
    found: list[list[Any]] = answer["valueRanges"][0]["valueRange"].get("values") or []
    return found


def pages(api: spec.Api, tab: Tab) -> Iterator[tuple[Look, int, list[list[Any]]]]:
    """The tab, page by page, each with the row that it begins at. What is moved while it is read
    is noticed by rows that two calls have in common (the look and the first call for values: the
    header row), and then everything is read again.

    Raises VendorUnavailable where that goes on.
    """
    doubted: Sequence[str | None] | None = None  # a heading that the values did not have
    for _ in range(STARTS):
        now = look(api, tab)
        size = max(2 * OVERLAP, min(tab.at_once, CELLS // max(1, len(now.columns))))
        top, before = tab.first, list[list[Any]]([[]] if tab.header is not None else [])
        while top < now.last:
            start, bottom = top - len(before), min(top + size, now.last)
            try:
                rows = values(api, tab, start, bottom)
            except AskedTooMuch:  # the tab is shorter than a moment ago
                break
            rows += [[]] * (top - start - len(rows))
            common = rows[: top - start]
            if top > tab.first:
                moved = common != before
            else:  # where twice the same heading is not there, it is only written otherwise
                moved = now.heading != doubted and not all(map(now.is_headed, common))
                doubted = now.heading if moved else doubted
            if moved:
                break
            fresh = rows[top - start :]
            yield now, top, fresh
            whole = rows + [[]] * (bottom - start - len(rows))
            before, top = whole[-OVERLAP:], bottom
        else:
            return
    raise VendorUnavailable(
        f"Rows or columns of the tab {tab.title!r} were moved each time that it was read. It is "
        "read again later; nothing was marked as deleted."
    )


def _is_row(cells: Any) -> bool:
    return isinstance(cells, list)


def fields(api: spec.Api, tab: Tab) -> list[spec.Field]:
    """The tab's columns, their types told from all values."""
    kinds: dict[str, set[spec.FieldType]] = {}
    now: Look | None = None
    for now, _, rows in pages(api, tab):
        for each in filter(_is_row, rows):
            for it, raw in zip(now.columns, each, strict=False):
                if told := kind(raw, loaded(raw, it, now.zone), it):
                    kinds.setdefault(it.name, set()).add(told)
    now = now or look(api, tab)
    found = [] if tab.key else [spec.Field(NUMBER, "integer", read_only=True, label="Row")]
    for it in now.columns:
        seen, needed = kinds.get(it.name), it.name in tab.key
        if not (it.label or seen or needed or it.type):
            continue
        type = it.type or (type_of(seen) if seen else "text")
        field = spec.Field(
            it.name,
            type,
            read_only=it.computed,
            label=it.label or None,
            description=f"Column {letters(it.place)}",
            computed=it.computed,
            empty=not (seen or it.type or needed),
        )
        found.append(field)
    return found


def read(api: spec.Api, tab: Tab) -> Iterator[spec.Page]:
    """The tab's records. A row that holds nothing, or nothing but unticked boxes, is none."""
    for now, top, rows in pages(api, tab):
        records: list[Any] = []
        for number, each in enumerate(rows, top + 1):
            if not _is_row(each):
                told = {"cells": each} if tab.key else {NUMBER: number, "cells": each}
                records.append(spec.Unreadable(told, "the row is no list of cells"))
                continue
            if all(raw is None or raw == "" or raw is False for raw in each):
                continue
            record: dict[str, Any] = {} if tab.key else {NUMBER: number}
            for it, raw in zip(now.columns, each, strict=False):
                record[it.name] = loaded(raw, it, now.zone)
            for it in now.columns[len(each) :]:  # there, and empty: rows end at their last value
                record[it.name] = None
            records.append(record)
        yield spec.Page(rows=records)
