"""Where in a tab of Google Sheets its table lies, as the connection's settings say."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync_platform import spec
from sync_platform.connectors._google_sheets_cells import OVERRIDES
from sync_platform.errors import ConfigurationError

OVERLAP = 10  # rows that a call has in common with the one before it
RANGE = re.compile(r"([A-Z]{1,3})(\d{0,8}):([A-Z]{1,3})(\d{0,8})")
KNOWN = ("header_row", "range", "key", "types")


@dataclass(frozen=True, kw_only=True)
class Tab:
    """Where a tab's table lies; rows and columns from 0, half open."""

    spreadsheet: str
    sheet: int
    title: str
    header: int | None  # None: there is no header row
    first: int  # row of records
    last: int | None
    left: int
    right: int | None
    key: tuple[str, ...]
    types: Mapping[str, spec.FieldType]
    rows: int  # of the grid, when it was discovered
    at_once: int


def tab_of(about: Mapping[str, Any], name: str, settings: Mapping[str, str]) -> Tab:
    """The tab as the connection's settings have it; raises ConfigurationError, naming the wrong
    one."""

    def wrong(what: str, should: str) -> ConfigurationError:
        said = settings[f"tab.{name}.{what}"]
        return ConfigurationError(f"The setting tab.{name}.{what} is {said!r}. It must be {should}")

    area = settings.get(f"tab.{name}.range", "").strip().upper().replace("$", "")
    left, top, right, last = 0, 0, None, None
    if area:
        found = RANGE.fullmatch(area)
        if found is None or column(found[1]) > column(found[3]):
            raise wrong("range", "columns with or without rows, such as B2:F or A1:H500.")
        left, right = column(found[1]), column(found[3]) + 1
        top, last = int(found[2] or 1) - 1, int(found[4]) if found[4] else None
        if top < 0 or (last is not None and last <= top):
            raise wrong("range", "columns with or without rows, such as B2:F or A1:H500.")
    said = settings.get(f"tab.{name}.header_row", str(top + 1)).strip()
    if not (said.isascii() and said.isdigit()) or (0 < int(said) <= top):
        raise wrong("header_row", "the number of a row within the range, or 0 for none.")
    header = int(said) - 1 if int(said) else None
    types: dict[str, spec.FieldType] = {}
    for each in listed(settings.get(f"tab.{name}.types", "")):
        column_name, _, wanted = each.rpartition("=")
        known = next((it for it in OVERRIDES if it == wanted.strip().lower()), None)
        if not column_name or known is None:
            raise wrong("types", f"pairs such as Zip=text; there are {', '.join(OVERRIDES)}.")
        types[column_name.strip()] = known
    at_once = settings.get("rows_per_call", "10000").strip()
    if not (at_once.isascii() and at_once.isdigit()) or int(at_once) <= OVERLAP:
        raise ConfigurationError(
            f"The setting rows_per_call is {at_once!r}. It must be a number above {OVERLAP}."
        )
    return Tab(
        spreadsheet=about["spreadsheet"],
        sheet=about["sheet"],
        title=about["title"],
        header=header,
        first=top if header is None else header + 1,
        last=last,
        left=left,
        right=right,
        key=tuple(listed(settings.get(f"tab.{name}.key", ""))),
        types=types,
        rows=about["rows"],
        at_once=int(at_once),
    )


def listed(text: str) -> list[str]:
    """The parts of a text with commas; one with a comma in it stands in double quotes."""
    parts = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return [each.strip() for each in parts if each.strip()]


def column(name: str) -> int:
    """The place of a column, from 0 for A."""
    found = 0
    for letter in name:
        found = found * 26 + ord(letter) - ord("A") + 1
    return found - 1


def area(tab: Tab, top: int, bottom: int) -> dict[str, int]:
    """Rows of the tab's table, as a GridRange."""
    found = {"sheetId": tab.sheet, "startRowIndex": top, "endRowIndex": bottom}
    found["startColumnIndex"] = tab.left
    return found if tab.right is None else {**found, "endColumnIndex": tab.right}
