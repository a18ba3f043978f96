"""What a person may choose to leave out: checks choices, and makes of them what a read is given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from sync_platform.engine.records import those
from sync_platform.errors import ConfigurationError, QueryRefused, Refused, TooManyDeletes
from sync_platform.spec import ConnectorObject, Filter, Page, Row, iso

LONGEST = 36_500  # days


def checked(obj: ConnectorObject, chosen: Mapping[str, str]) -> dict[str, str]:
    """The choices, if the object has such filters and they such values; raises Refused. What asks
    for the same is written in the same way: values without blanks around them, each once, in the
    filter's order (or the alphabet's, where it has none)."""
    known = {each.name: each for each in obj.filters}
    sound = {}
    for name, value in chosen.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            raise Refused(f"{obj.name} has no filter {name!r}. It has: {offered}.")
        sound[name] = _sound(known[name], value.strip())
    return sound


def _sound(wanted: Filter, value: str) -> str:
    match wanted.kind:
        case "days":
            if not _days(value):
                raise Refused(f"The filter {wanted.name!r} takes a number of days, not {value!r}.")
            return str(int(value))
        case "text":
            if not value:
                raise Refused(f"The filter {wanted.name!r} is empty. Leave it out instead.")
            return value
    asked = {each.strip() for each in value.split(",")} - {""}
    if not asked or (wanted.values and not asked <= set(wanted.values)):
        allowed = ", ".join(wanted.values) or "values with commas between"
        raise Refused(f"The filter {wanted.name!r} takes {allowed}, not {value!r}.")
    return ",".join([each for each in wanted.values if each in asked] or sorted(asked))


def ask_the_same(
    obj: ConnectorObject, chosen: Mapping[str, str], before: Mapping[str, str]
) -> bool:
    """Whether what was chosen before, as it was written then, asks for what these `checked` choices
    ask for."""
    try:
        return checked(obj, before) == chosen
    except Refused:  # of another version of the connector
        return False


def _days(value: str) -> bool:
    # Python refuses to read numbers of thousands of digits, by another error.
    return value.isdecimal() and len(value) < 10 and 0 < int(value) <= LONGEST


def for_read(
    obj: ConnectorObject, chosen: Mapping[str, str], started_at: datetime
) -> dict[str, str]:
    """The filters as `Read.filters` has them: numbers of days have become moments.

    Raises ConfigurationError for one that the object does not have (any more), or not with such
    values: without it more would be read than a person asked for.
    """
    try:
        sound = checked(obj, chosen)
    except Refused as error:
        raise ConfigurationError(
            f"{error} That is what {obj.name} is filtered by, so nothing was read. Choose its "
            "filters anew."
        ) from error
    days = {each.name for each in obj.filters if each.kind == "days"}
    return {
        name: iso(started_at - timedelta(days=int(value))) if name in days else value
        for name, value in sound.items()
    }


def kept(obj: ConnectorObject, asked: Mapping[str, str], page: Page) -> Sequence[Row]:
    """The page's rows without those that the vendor could not leave out itself. Where a filter
    cannot read what it goes by, the row stays: that value will not fit its column either."""
    rows = page.rows
    for each in obj.filters:
        if each.keeps is not None and each.name in asked:
            rows = those(rows, partial(_keeps, each.keeps, asked[each.name]), in_doubt=True)
    return rows


@contextmanager
def blaming(obj: ConnectorObject, chosen: Mapping[str, str]) -> Iterator[None]:
    """Raises ConfigurationError where the vendor refuses what it is asked in the block, and a
    person wrote some of that: a formula, a view's name."""
    try:
        yield
    except QueryRefused as error:
        written = {it.name for it in obj.filters if it.kind == "text"}
        theirs = {name: value for name, value in chosen.items() if name in written}
        if not theirs:
            raise
        raise ConfigurationError(
            f"{error.said} The likely cause is what {obj.name} is filtered by: {_named(theirs)}. "
            "Choose another filter, or none.",
            evidence=error.evidence,
        ) from error


def reminded(error: TooManyDeletes, chosen: Mapping[str, str]) -> TooManyDeletes:
    """The refusal, with what else may be its reason: the object's filters, if it has any."""
    if not chosen:
        return error
    return TooManyDeletes(
        f"{error} The object is filtered by {_named(chosen)}: what that leaves out counts as gone, "
        "also a record that has grown too old for it. If that is why, accept the deletes, or "
        "choose another filter.",
        evidence=error.evidence,
    )


def _named(chosen: Mapping[str, str]) -> str:
    return " and ".join(f"{name}={value}" for name, value in chosen.items())


def _keeps(keeps: Callable[[Row, str], bool], value: str, row: Row) -> bool:
    return keeps(row, value)
