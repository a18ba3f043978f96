"""Fake spreadsheets: tabs of cells, and what people do to them."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.google_sheets_cells import DAY_ZERO, EMPTY, Area, Cell, letters, typed

NUMBER = "row_number"


@dataclass(kw_only=True)
class Tab:
    """One sheet. `rows` holds its cells as far as there are any; the grid is larger."""

    title: str
    id: int
    kind: str = "GRID"
    hidden: bool = False
    height: int = 1000
    width: int = 26
    rows: list[list[Cell]] = field(default_factory=list)
    merges: list[Json] = field(default_factory=list)  # GridRange without its sheetId

    def cell(self, row: int, column: int) -> Cell:
        """The cell there, counted from 0."""
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return EMPTY

    def put(self, row: int, column: int, cell: Cell) -> None:
        while len(self.rows) <= row:
            self.rows.append([])
        line = self.rows[row]
        line.extend([EMPTY] * (column + 1 - len(line)))
        line[column] = cell
        self.height, self.width = max(self.height, row + 1), max(self.width, column + 1)

    def append(self, values: Sequence[Any]) -> int:
        """A row after the last one that holds something; its number, from 1."""
        row = self.used
        del self.rows[row:]
        self.rows.append([typed(each) for each in values])
        self.height = max(self.height, len(self.rows))
        return row + 1

    @property
    def used(self) -> int:
        """The rows up to the last that holds something."""
        last = len(self.rows)
        while last and all(cell.blank for cell in self.rows[last - 1]):
            last -= 1
        return last

    def within(self, area: Area) -> list[list[Cell]]:
        """The cells of an area, without empty rows and cells at the end."""
        bottom = min(self.height if area.bottom is None else area.bottom, len(self.rows))
        right = self.width if area.right is None else area.right
        found = []
        for line in self.rows[area.top : bottom]:
            cells = line[area.left : right]
            while cells and cells[-1].blank:
                cells = cells[:-1]
            found.append(cells)
        while found and not found[-1]:
            found.pop()
        return found

    def insert_row(self, row: int, values: Sequence[Any]) -> None:
        """A new row before this one, counted from 1."""
        self.rows.insert(row - 1, [typed(each) for each in values])
        self.height += 1

    def delete_rows(self, first: int, last: int) -> None:
        """These rows, counted from 0, half open; the grid shrinks with them."""
        gone = min(last, self.height) - first
        del self.rows[first:last]
        self.height -= gone

    def delete_columns(self, first: int, last: int) -> None:
        for line in self.rows:
            del line[first:last]
        self.width -= last - first

    def records(self, zone: str) -> Iterator[Json]:
        """What is below the first row, by its headings, as someone would read it: the truth."""
        titles: list[str] = []
        heading = self.rows[0] if self.rows else []
        across = max((len(line) for line in self.rows), default=0)
        for place in range(across):
            shown = " ".join(heading[place].formatted.split()) if place < len(heading) else ""
            name, count = shown or f"column_{letters(place)}", 2
            while name.lower() in [each.lower() for each in (*titles, NUMBER)]:
                name, count = f"{shown or 'column_' + letters(place)}_{count}", count + 1
            titles.append(name)
        for number, line in enumerate(self.rows[1:], 2):
            if any(not cell.blank for cell in line):
                values = [truth(cell, zone) for cell in line]
                yield {NUMBER: number, **dict(zip(titles, values, strict=False))}


def truth(cell: Cell, zone: str) -> Any:
    """What a cell holds, as a person means it: an error is nothing."""
    if isinstance(cell.value, bool) or not isinstance(cell.value, int | float):
        return cell.value
    moment = DAY_ZERO + timedelta(days=cell.value)
    match cell.format:
        case "DATE":
            return moment.date().isoformat()
        case "DATE_TIME":
            # Serial numbers are doubles: a second is 0.0000116 of a day.
            whole = moment.replace(microsecond=0) + timedelta(
                milliseconds=round(moment.microsecond / 1000)
            )
            return whole.replace(tzinfo=ZoneInfo(zone)).isoformat()
        case "TIME":
            return f"{moment:%H:%M:%S}"
    return cell.unformatted


@dataclass(kw_only=True)
class Spreadsheet:
    """One file in somebody's Drive."""

    id: str
    title: str
    zone: str = "Europe/Berlin"
    tabs: list[Tab] = field(default_factory=list)
    readers: list[str] | None = None  # the service accounts it is shared with; None: everybody
    gone: bool = False

    def add(self, title: str, rows: Sequence[Sequence[Any]] = (), **slots: Any) -> Tab:
        """A new tab with these rows of Python values."""
        made = random.Random(f"{self.id} {title} {len(self.tabs)}")
        id = made.randrange(1, 2**31) if self.tabs else 0
        tab = Tab(title=title, id=id, **slots)
        for each in rows:
            tab.rows.append([typed(value) for value in each])
        tab.height = max(tab.height, len(tab.rows))
        self.tabs.append(tab)
        return tab

    def tab(self, title: str) -> Tab:
        return next(tab for tab in self.tabs if tab.title == title)

    def state(self) -> Json:
        return asdict(self)


def resumed(state: Json) -> Spreadsheet:
    """The spreadsheet of a state."""
    tabs = [
        Tab(**{**tab, "rows": [[Cell(**cell) for cell in line] for line in tab["rows"]]})
        for tab in state["tabs"]
    ]
    return Spreadsheet(**{**state, "tabs": tabs})


def known_as(title: str) -> str:
    """How an admin call may name a tab."""
    return re.sub(r"\W+", "_", title.lower()).strip("_")
