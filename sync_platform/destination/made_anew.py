"""What the book says of columns that a table never had, because it was made anew in the place of
one that somebody dropped or renamed. A column of such a name is somebody's own."""

from collections.abc import Iterable
from dataclasses import replace

from psycopg.sql import SQL, Composed

from sync_platform.destination.book import Found
from sync_platform.destination.booking import Lines
from sync_platform.destination.comments import OURS
from sync_platform.destination.names import storable
from sync_platform.engine.destination import Table


def without_never_made(
    table: Table, wanted: Iterable[str], found: Found, *, some_fields: bool
) -> tuple[Found, list[Composed]]:
    """What there is without the lines of columns that were never made, and the statements that take
    these out. Of a field that is `wanted`, or may be by another sync (`some_fields`), the line
    stays and keeps the name for it, unless somebody has a column of that name. A field without a
    line gets a column as a new one does."""
    if found.name is None:
        return found, []
    lines, fields = Lines(table.schema, found.name), {storable(it) for it in wanted}
    booked = dict(found.booked)
    statements: list[Composed] = []
    for field, it in found.booked.items():
        is_gone = not some_fields and field not in fields
        if (is_gone and _never_made(found, it.column)) or _is_theirs(found, it.column):
            del booked[field]
            statements.append(lines.forget(field))
        elif it.beside is not None and _is_theirs(found, it.beside):
            booked[field] = replace(it, beside=None)
            statements.append(lines.change(field, beside=SQL("NULL")))
    return replace(found, booked=booked), statements


def _never_made(found: Found, column: str) -> bool:
    """Every column of ours that a table ever had has a number there, where it has any."""
    return not found.actual or (found.numbers is not None and column not in found.numbers)


def _is_theirs(found: Found, column: str) -> bool:
    actual = found.actual.get(column)
    if actual is None or not _never_made(found, column):
        return False
    return actual.comment is None or not actual.comment.startswith(OURS)
