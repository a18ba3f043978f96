"""Rows out of records, one by one: what a connector cannot read of one record ends no sync. The
record goes on whole, and the destination rejects it alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sync_platform.spec import UNEXPECTED, ConnectorObject, Page, Row, Unreadable, rows_from


def rows_of(obj: ConnectorObject, records: Sequence[Any]) -> list[Any]:
    """The records' rows; Unreadable where none can be made."""
    # What is no object is none either where dict would make one of it, as of a list of pairs.
    rows = list(records) if obj.row is dict else rows_from(records, obj.row)
    if _all_rows(rows):
        return rows
    pairs = zip(rows, records, strict=True)
    return [_checked(row, record) for row, record in pairs]


def checked(page: Page) -> Page:
    """The page; what is no row in it is Unreadable."""
    if _all_rows(page.rows):
        return page
    return replace(page, rows=[_checked(row, row) for row in page.rows])


def those(rows: Sequence[Row], test: Callable[[Row], bool], *, in_doubt: bool) -> list[Row]:
    """The rows of which the test holds; `in_doubt` says it of those that it cannot be made of."""
    if _all_rows(rows):
        with suppress(*UNEXPECTED):
            return [row for row in rows if test(row)]
    return [row for row in rows if _holds(test, row, in_doubt)]


def _all_rows(rows: Sequence[Any]) -> bool:
    return {dict}.issuperset(map(type, rows))  # in nearly all pages they are; at C's speed


def _checked(row: Any, record: Any) -> Any:
    if isinstance(row, Mapping | Unreadable):
        return row
    return Unreadable(record, f"it is of type {type(row).__name__}")


def _holds(test: Callable[[Row], bool], row: Row, in_doubt: bool) -> bool:
    if isinstance(row, Unreadable):
        return in_doubt
    try:
        return test(row)
    except UNEXPECTED:
        return in_doubt
