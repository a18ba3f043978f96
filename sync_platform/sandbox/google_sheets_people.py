"""What stands in a fake company's spreadsheet: people, a budget, a hidden tab; and how it lives."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sync_platform.sandbox.google_sheets_book import Spreadsheet, Tab
from sync_platform.sandbox.google_sheets_cells import Cell

HEADINGS = ("Id", "Name", "Email", "Joined", "Score", "Active", "Last seen", "Double score")
FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Zoë", "Jürgen", "Noor", "Łucja", "Mehmet")
LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "O'Hara", "Müller", "Haddad", "Kaya")
BUDGET = (
    ("Item", "2024", "2025", "", "Notes"),
    ("Rent", 1200.0, 1250.0, "", "per month"),
    ("Software", 310.5, 349.99, "", ""),
    ("Travel", 0, 900, "", "only if needed"),
)
JANUARY = datetime(2024, 1, 1)  # noqa: DTZ001 - by the spreadsheet's clock
LISTS = (("Colour",), ("red",), ("green",), ("blue",))


class Crowd:
    """Makes people, and changes them at random, the same for one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.made = 0

    def fill(self, it: Spreadsheet, count: int) -> None:
        """The tabs of a company's spreadsheet."""
        it.add("People", [HEADINGS, *(self._person(row) for row in range(2, count + 2))])
        it.add("Budget 2024/25", BUDGET)
        it.add("Lists", LISTS, hidden=True)
        it.add("Chart", kind="OBJECT")

    def change(self, tab: Tab, creates: int, updates: int, archives: int) -> dict[str, list[str]]:
        """Changes of the tab with people; what was changed, by the people's ids."""
        last = tab.used
        rows = range(1, last)
        chosen = self.rng.sample(rows, min(updates, len(rows)))
        updated = [_id(tab, row) for row in chosen]
        for row in chosen:
            tab.put(row, 4, Cell(value=self.rng.randrange(1000) + 0.5))
            tab.put(row, 7, _double(tab.cell(row, 4).value, row))
        gone = self.rng.sample(rows, min(archives, len(rows)))
        archived = [_id(tab, row) for row in gone]
        for row in sorted(gone, reverse=True):
            tab.delete_rows(row, row + 1)
        width = len(tab.rows[0]) if tab.rows else 0
        created = []
        first = tab.used
        for row in range(first, first + creates):
            values = self._person(row + 1)
            tab.append(values[:width] if width < len(values) else values)
            created.append(_id(tab, row))
        return {"created": created, "updated": updated, "archived": archived}

    def _person(self, row: int) -> Sequence[Any]:
        """A row for the tab with people, at this number."""
        self.made += 1
        rng = self.rng
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        joined = date(2019, 1, 1) + timedelta(days=rng.randrange(2000))
        seen = JANUARY + timedelta(minutes=rng.randrange(500_000))
        score = rng.randrange(1000) + 0.5
        email = f"person{self.made}@acme.example"
        doubled = _double(score, row - 1)
        return (f"P{self.made:05}", name, email, joined, score, rng.random() < 0.8, seen, doubled)


def _id(tab: Tab, row: int) -> str:
    return str(tab.cell(row, 0).value)


def _double(score: Any, row: int) -> Cell:
    return Cell(value=2 * float(score or 0), formula=f"=2*E{row + 1}")
