"""What a person may choose to leave out: checks choices, and makes of them what a read is given."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sync_platform.engine.records import those
from sync_platform.errors import Refused
from sync_platform.spec import ConnectorObject, Page, Row, iso

LONGEST = 36_500  # days


def checked(obj: ConnectorObject, chosen: Mapping[str, str]) -> dict[str, str]:
    """The choices, if the object has such filters and they such values; raises Refused."""
    known = {each.name: each for each in obj.filters}
    for name, value in chosen.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            raise Refused(f"{obj.name} has no filter {name!r}. It has: {offered}.")
        wanted = known[name]
        if wanted.kind == "days" and not _days(value):
            raise Refused(f"The filter {name!r} takes a number of days, not {value!r}.")
        if wanted.kind == "values":
            asked = value.split(",")
            strange = [each for each in asked if wanted.values and each not in wanted.values]
            if strange or not all(asked):
                allowed = ", ".join(wanted.values) or "values with commas between"
                raise Refused(f"The filter {name!r} takes {allowed}, not {value!r}.")
    return dict(chosen)


def _days(value: str) -> bool:
    # Python refuses to read numbers of thousands of digits, by another error.
    return value.isdecimal() and len(value) < 10 and 0 < int(value) <= LONGEST


def for_read(
    obj: ConnectorObject, chosen: Mapping[str, str], started_at: datetime
) -> dict[str, str]:
    """The filters as `Read.filters` has them: numbers of days have become moments."""
    days = {each.name for each in obj.filters if each.kind == "days"}
    return {
        name: iso(started_at - timedelta(days=int(value))) if name in days else value
        for name, value in chosen.items()
    }


def kept(obj: ConnectorObject, asked: Mapping[str, str], page: Page) -> Sequence[Row]:
    """The page's rows without those that the vendor could not leave out itself. Where a filter
    cannot read what it goes by, the row stays: that value will not fit its column either."""
    rows = page.rows
    for each in obj.filters:
        if each.keeps is not None and each.name in asked:
            rows = those(rows, partial(_keeps, each.keeps, asked[each.name]), in_doubt=True)
    return rows


def _keeps(keeps: Callable[[Row, str], bool], value: str, row: Row) -> bool:
    return keeps(row, value)
