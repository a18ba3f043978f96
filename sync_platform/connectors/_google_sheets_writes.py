"""Writes to a tab of Google Sheets: each looks first where its row and its columns are right then.

Cells are written as what they are, never parsed: a text that begins with "=" becomes no formula.
"""

from collections.abc import Mapping
from typing import Any

from sync_platform import spec
from sync_platform.connectors._google_sheets_cells import Column, as_key, loaded, written
from sync_platform.connectors._google_sheets_places import Tab
from sync_platform.connectors._google_sheets_tabs import Look, look, pages
from sync_platform.errors import RecordRejected


def create(api: spec.Api, tab: Tab, change: spec.OutboundChange) -> spec.Json:
    """A new row after the last one that holds something, dates shown as those above it."""
    now = look(api, tab)
    given = _by_column(tab, now, change.values)
    cells: list[spec.Row] = [{} for _ in range(max(given, default=0) + 1)]
    for place, (it, cell) in given.items():
        shown = {"userEnteredFormat": {"numberFormat": it.pattern}} if it.pattern else {}
        cells[place] = {**cell, **shown}
    appended = {
        "sheetId": tab.sheet,
        "rows": [{"values": cells}],
        "fields": "userEnteredValue,userEnteredFormat.numberFormat",
    }
    return _send(api, tab, change, [{"appendCells": appended}])


def update(api: spec.Api, tab: Tab, change: spec.OutboundChange) -> spec.Json:
    """These cells of the row with this key, and no others."""
    now, row = _found(api, tab, change)
    requests = []
    for place, (_, cell) in _by_column(tab, now, change.values).items():
        where = _cell(tab, row, place)
        one = {"range": where, "rows": [{"values": [cell]}], "fields": "userEnteredValue"}
        requests.append({"updateCells": one})
    return _send(api, tab, change, requests) if requests else None


def delete(api: spec.Api, tab: Tab, change: spec.OutboundChange) -> spec.Json:
    """The row with this key; those below it move up."""
    _, row = _found(api, tab, change)
    where = {"sheetId": tab.sheet, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1}
    return _send(api, tab, change, [{"deleteDimension": {"range": where}}])


def _send(
    api: spec.Api, tab: Tab, change: spec.OutboundChange, requests: list[spec.Json]
) -> spec.Json:
    """All of them or none. Not repeated by itself: rows may have moved meanwhile."""
    path = f"/v4/spreadsheets/{tab.spreadsheet}:batchUpdate"
    return api.send(spec.post(path, json={"requests": requests}), change)


def _by_column(
    tab: Tab, now: Look, values: Mapping[str, Any]
) -> dict[int, tuple[Column, spec.Row]]:
    """The cells to write, by their places; raises RecordRejected."""
    known = {it.name: it for it in now.columns if it.label or it.name in tab.key}
    found: dict[int, tuple[Column, spec.Row]] = {}
    for name, value in values.items():
        it = known.get(name)
        if it is None:
            raise RecordRejected(
                f"The tab {tab.title!r} has no column {name!r}, so the change was not made. Add "
                f"the column in Google Sheets, or leave it out. There are: {', '.join(known)}."
            )
        if it.computed:
            raise RecordRejected(
                f"The column {name!r} of the tab {tab.title!r} is calculated by formulas, so the "
                "change was not made: it would put a value in the place of one."
            )
        try:
            found[it.place] = it, written(value, it, now.zone)
        except ValueError as error:
            raise RecordRejected(
                f"The column {name!r} of the tab {tab.title!r} cannot take its value: {error}. "
                "The change was not made."
            ) from error
    return found


def _found(api: spec.Api, tab: Tab, change: spec.OutboundChange) -> tuple[Look, int]:
    """The tab and the row with the change's key, from 0; raises RecordRejected unless there is
    exactly one."""
    rows: list[int] = []
    current: Look | None = None
    for now, top, lines in pages(api, tab):
        if now is not current:  # it began anew: what was found before may have moved
            current, rows = now, []
        at = next(place for place, it in enumerate(now.columns) if it.name == tab.key[0])
        for row, each in enumerate(lines, top):
            value = loaded(each[at], now.columns[at], now.zone) if at < len(each) else None
            if value is not None and as_key(value) == change.key:
                rows.append(row)
    if current is None or len(rows) != 1:
        count = "no row" if not rows else f"{len(rows)} rows"
        raise RecordRejected(
            f"The tab {tab.title!r} has {count} whose {tab.key[0]!r} is {change.key!r}, so the "
            "change was not made. The next sync shows what is there."
        )
    return current, rows[0]


def _cell(tab: Tab, row: int, place: int) -> dict[str, int]:
    return {
        "sheetId": tab.sheet,
        "startRowIndex": row,
        "endRowIndex": row + 1,
        "startColumnIndex": place,
        "endColumnIndex": place + 1,
    }
