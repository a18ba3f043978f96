"""Cells of a fake spreadsheet: what was typed into them, and the three ways the API shows it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sync_platform.sandbox.calls import Json

DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - by the spreadsheet's clock
ERRORS = {
    "#NULL!": "NULL_VALUE", "#DIV/0!": "DIVIDE_BY_ZERO", "#VALUE!": "VALUE", "#REF!": "REF",
    "#NAME?": "NAME", "#NUM!": "NUM", "#N/A": "N_A", "#ERROR!": "ERROR", "Loading...": "LOADING",
}  # fmt: skip
PATTERNS = {"DATE": "yyyy-mm-dd", "DATE_TIME": "yyyy-mm-dd hh:mm:ss", "TIME": "hh:mm:ss"}
SHOWN_AS = {"DATE": "%Y-%m-%d", "DATE_TIME": "%Y-%m-%d %H:%M:%S"}
A1 = re.compile(r"(?:'((?:[^']|'')+)'|([^'!:]+))(?:!(.*))?")
CORNER = re.compile(r"\$?([A-Za-z]*)\$?([0-9]*)")

Value = str | bool | float | None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell. `value` is what it comes to, `error` what it shows where it comes to nothing; a
    `spilled` one gets its value from a formula in another."""

    value: Value = None
    format: str = ""  # the type of its number format
    pattern: str = ""
    formula: str = ""
    spilled: bool = False
    error: str = ""

    @property
    def blank(self) -> bool:
        return self.value is None and not self.error

    @property
    def unformatted(self) -> Any:
        """As `UNFORMATTED_VALUE` with serial numbers for dates."""
        return self.error or ("" if self.value is None else plain(self.value))

    @property
    def formatted(self) -> str:
        """As people see it; dates in one way only."""
        if self.error or self.value is None:
            return self.error
        if isinstance(self.value, bool):
            return str(self.value).upper()
        if isinstance(self.value, str):
            return self.value
        if self.format in SHOWN_AS:
            return (DAY_ZERO + timedelta(days=self.value)).strftime(SHOWN_AS[self.format])
        if self.format == "PERCENT":
            return f"{self.value * 100:g}%"
        return f"{self.value:g}"

    def shown(self) -> Json:
        """As CellData."""
        found: Json = {}
        if self.formula:
            found["userEnteredValue"] = {"formulaValue": self.formula}
        elif not self.blank and not self.spilled:
            found["userEnteredValue"] = extended(self.value)
        if self.error:
            kind = {"type": ERRORS[self.error], "message": f"It is {self.error}."}
            found["effectiveValue"] = {"errorValue": kind}
        elif self.value is not None:
            found["effectiveValue"] = extended(self.value)
        if not self.blank:
            found["formattedValue"] = self.formatted
        if self.format:
            pattern = self.pattern or PATTERNS.get(self.format, "")
            number = {"type": self.format} | ({"pattern": pattern} if pattern else {})
            found["userEnteredFormat"] = {"numberFormat": number}
            found["effectiveFormat"] = {"numberFormat": number}
        return found


EMPTY = Cell()


def plain(value: Value) -> Value:
    """A number without a fraction is written without one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def extended(value: Value) -> Json:
    """As ExtendedValue."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {} if value is None else {"numberValue": plain(value)}


def typed(value: Any) -> Cell:
    """The cell that comes of a Python value; a text that begins with "=" is no formula here."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, datetime):
        return Cell(value=serial(value), format="DATE_TIME")
    if isinstance(value, date):
        return Cell(value=serial(datetime.combine(value, time())), format="DATE")
    if isinstance(value, time):
        return Cell(value=serial(datetime.combine(DAY_ZERO, value)), format="TIME")
    if isinstance(value, str) and value in ERRORS:
        return Cell(error=value, formula="=1/0")
    return Cell(value=None if value == "" else value)


def serial(moment: datetime) -> float:
    """Days since 30 December 1899, by the spreadsheet's own clock."""
    return (moment - DAY_ZERO) / timedelta(days=1)


def entered(cell: Cell, given: Json, fields: Sequence[str]) -> Cell:
    """The cell after a write of CellData with this mask."""
    for name in fields:
        if name == "userEnteredValue":
            written = given.get("userEnteredValue", {})
            value = next(iter(written.values()), None)
            if "formulaValue" in written:
                cell = replace(cell, formula=str(value), value=None, error="#NAME?", spilled=False)
            else:
                value = None if value == "" else value
                cell = replace(cell, value=value, formula="", error="", spilled=False)
        elif name.startswith("userEnteredFormat"):
            number = given.get("userEnteredFormat", {}).get("numberFormat", {})
            kind, pattern = number.get("type", ""), number.get("pattern", "")
            cell = replace(cell, format=kind, pattern=pattern)
    return cell


def letters(index: int) -> str:
    """The letters of a column, counted from 0."""
    found = ""
    index += 1
    while index:
        index, left = divmod(index - 1, 26)
        found = chr(ord("A") + left) + found
    return found


def column(name: str) -> int:
    """The column of these letters, counted from 0."""
    found = 0
    for letter in name.upper():
        found = found * 26 + ord(letter) - ord("A") + 1
    return found - 1


@dataclass(frozen=True, kw_only=True)
class Area:
    """Part of a grid, half open, counted from 0; None: as far as the grid goes."""

    top: int = 0
    bottom: int | None = None
    left: int = 0
    right: int | None = None


def area(text: str) -> tuple[str, Area]:
    """The tab and the area of an A1 notation; raises ValueError."""
    found = A1.fullmatch(text)
    if found is None:
        raise ValueError(text)
    tab = (found[1] or found[2] or "").replace("''", "'")
    first, colon, last = (found[3] or "").partition(":")
    start, end = CORNER.fullmatch(first), CORNER.fullmatch(last if colon else first)
    if start is None or end is None:
        raise ValueError(text)
    return tab, Area(
        top=int(start[2] or 1) - 1,
        bottom=int(end[2]) if end[2] else None,
        left=column(start[1]) if start[1] else 0,
        right=column(end[1]) + 1 if end[1] else None,
    )
