"""Tables: made, widened and never narrowed, so that every field has a column.

Looking takes two queries and no locks; only where something must change is there DDL.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL, Composed, Literal

from sync_platform.destination.book import MISSING, Found, look, number
from sync_platform.destination.ddl import (
    MAKING,
    TOGETHER,
    Refusal,
    Statement,
    Tentative,
    Together,
    bookkeeping,
)
from sync_platform.destination.landing import Landing
from sync_platform.destination.locks import OWN_DDL, Locks
from sync_platform.destination.lost_books import refuse_unknown
from sync_platform.destination.plan import Plan
from sync_platform.destination.sessions import Connection, is_outage
from sync_platform.destination.settled import Case, Settled
from sync_platform.destination.wanted import asked_of
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Field

LOCK_TIMEOUT = "30s"  # a waiting ALTER TABLE makes every reader wait behind it
BUILT_ON = (  # what Postgres says where a change breaks what somebody built on the table
    pg.FeatureNotSupported,
    pg.DependentObjectsStillExist,
    pg.WrongObjectType,
    pg.InvalidTableDefinition,
    pg.InvalidObjectDefinition,
    pg.DatatypeMismatch,
    pg.DuplicateColumn,
    pg.UndefinedFunction,
    pg.UndefinedObject,
    pg.ProgramLimitExceeded,  # an index, or a row that would be too wide
    pg.RaiseException,  # an event trigger of theirs
    psycopg.DataError,
    psycopg.IntegrityError,
)

log = logging.getLogger("sync_platform.destination")


def prepare(
    connection: Connection,
    table: Table,
    fields: Sequence[Field],
    locks: Locks,
    settled: Settled,
    *,
    some_fields: bool = False,
) -> Landing:
    """Make, mend or widen the table so that these fields have columns, and lock it. With
    `some_fields` they are not all that there are, so none is gone that is not among them. `settled`
    remembers tables that need nothing.

    Raises ConfigurationError where there is no key, where it is not among the fields or not the
    table's key, or where somebody did to the table or its books what we cannot mend, or built on it
    what does not let it be changed.
    """
    wanted = asked_of(table, fields)
    found = look(connection, table)
    case = Case.of(table, wanted, found, some_fields=some_fields)
    landing = settled.landing(case) or _as_it_is(connection, case)
    locked = locks.ready(connection, found.locks)
    if landing is not None and (not locked or locks.holds(connection, landing.lock)):
        settled.keep(case, landing)
        return landing
    with connection.transaction():
        connection.execute(OWN_DDL)
        connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        connection.execute(MAKING, [table.schema])
        bookkeeping(connection, table.schema)
        found = look(connection, table)  # someone may have been
        if found.name is None:
            refuse_unknown(connection, table)
        refused: set[Refusal] = set()
        while True:
            plan = Plan(connection, table, wanted, found, some_fields=some_fields, refused=refused)
            # Twice as many each time: few tries where few are refused, and where all are.
            found_refused = _carry_out(connection, plan, most=len(refused) + 1)
            if not found_refused:
                break
            refused |= found_refused
        here = plan.landing.lock.columns
        gone = {it: n for it, n in _had(found).items() if it in found.ours and it not in here}
        number(connection, table, plan.landing.name, here, gone)
        if locked:
            locks.hold(connection, plan.landing.lock)
    for told in plan.done:
        log.warning("%s.%s: %s", table.schema, plan.landing.name, told)
    return plan.landing


def _as_it_is(connection: Connection, case: Case) -> Landing | None:
    """The table as it is, as a landing for these fields; None where something must be done."""
    wanted, found = {it.name: it for it in case.fields}, case.found
    plan = Plan(connection, case.table, wanted, found, some_fields=case.some_fields)
    if plan.statements or not found.books or not found.numbered(plan.landing.lock.columns):
        return None
    return plan.landing


def renew(connection: Connection, schema: str) -> None:
    """Give our own tables in a schema, made by an older version, the columns that they have by
    now."""
    with connection.transaction():
        connection.execute(OWN_DDL)
        connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        connection.execute(MAKING, [schema])
        bookkeeping(connection, schema)


def _had(found: Found) -> Mapping[str, int]:
    """The numbers that columns had. Where the book has none of this table, those that are missing
    have been dropped or renamed: a sync of other fields must not take them for never made."""
    if found.numbers is None and found.actual:
        return dict.fromkeys(found.ours - found.actual.keys(), MISSING)
    return found.numbers or {}


def _carry_out(connection: Connection, plan: Plan, most: int) -> set[Refusal]:
    """What must be kept because Postgres refuses to change it: then nothing of the plan is done.
    Of columns that widen together, at most so many are looked for."""
    tried: Statement | None = None
    refused: set[Refusal] = set()
    try:
        with connection.transaction() as attempt:
            for tried in plan.statements:
                if isinstance(tried, Together):
                    refused = _make_together(connection, tried, most)
                    if refused:
                        raise psycopg.Rollback(attempt)
                else:
                    connection.execute(tried.statement if isinstance(tried, Tentative) else tried)
    except psycopg.Error as error:
        if isinstance(tried, Tentative) and _is_refusal(error):
            return {tried.keeps}
        if not isinstance(error, BUILT_ON):
            raise
        table = f"{plan.landing.table.schema}.{plan.landing.name}"
        raise ConfigurationError(
            f"Postgres would not change {table}, because of what somebody built on it: "
            f"{error.diag.message_primary}. Undo that, then sync again. Where it was made a "
            f"partition: ALTER TABLE (the one above it) DETACH PARTITION {table}."
        ) from error
    return refused


def _is_refusal(error: psycopg.Error) -> bool:
    """What people build has no end; a right that we lack is nothing that they built."""
    return not (is_outage(error) or error.sqlstate == "42501")


def _make_together(connection: Connection, together: Together, most: int) -> set[Refusal]:
    """Make these changes; where Postgres refuses them, which of them it does, at most so many."""
    changes = list(together.parts)
    if _passes(connection, together.statement(changes), keep=True):
        return set()
    return set(islice(_refused_among(connection, together, changes), most)) or {TOGETHER}


def _refused_among(
    connection: Connection, together: Together, changes: Sequence[Refusal]
) -> Iterator[Refusal]:
    """Those of the changes, which are refused together, that are refused alone: found by halving,
    because each one that passes writes the whole table, though it is undone at once."""
    half = len(changes) // 2
    innocent = True  # so far: then the refusal is in what is left, if it is any one's
    for part in (changes[:half], changes[half:]):
        is_last = part[-1] == changes[-1]
        known = is_last and innocent and len(part) > 1
        if not known and _passes(connection, together.statement(part), keep=False):
            continue
        for it in part if len(part) == 1 else _refused_among(connection, together, part):
            innocent = False
            yield it


def _passes(connection: Connection, statement: Composed, *, keep: bool) -> bool:
    """Whether Postgres does not refuse the statement; undone if not to `keep`."""
    try:
        with connection.transaction() as attempt:
            connection.execute(statement)
            if not keep:
                raise psycopg.Rollback(attempt)
    except psycopg.Error as error:
        if _is_refusal(error):
            return False
        raise
    return True
