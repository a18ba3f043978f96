"""Rows of a batch that wait for each other: by a foreign key of the table to itself, where parents
come with their children, or for a unique value that goes over from one row to another. What a row
waits for is asked of Postgres, for all rows of the batch at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Composed, Identifier

from sync_platform.destination.landing import Landing
from sync_platform.destination.merge import AS_PLANNED, STAGING, names, of
from sync_platform.destination.sessions import Connection, is_outage

# By its name, among those of our table: a foreign key, and its columns here and there.
REFERENCE = """
    SELECT confrelid::regclass::text, confrelid = conrelid,
        array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (number, nth)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY nth),
        array(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (number, nth)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY nth)
    FROM pg_constraint WHERE contype = 'f' AND conname = %s AND conrelid = %s::regclass
"""
# What its index is of, which of the rows it holds, and whether each row is checked at once.
UNIQUE = """
    SELECT array(SELECT pg_get_indexdef(indexrelid, nth, true)
            FROM generate_series(1, indnkeyatts) AS nth),
        coalesce(pg_get_expr(indpred, indrelid), 'true'), indimmediate
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname = %s AND indrelid = %s::regclass AND indisunique
"""
# Staging holds its rows as they came: it was truncated in this transaction, so COPY only appends.
STAGED = """staged AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY ctid) - 1 AS "@place", *,
        NULL::timestamptz AS _deleted_at, NULL::text AS _deleted_by
    FROM {staging}
)"""
# Both give, for each row that waits, whose row it waits for (NULL: nobody's of the batch) and
# whether that is in vain. What is there and does not move, nobody waits for.
ABSENT = f"""
    WITH {STAGED}
    SELECT s."@place", p."@place", false
    FROM staged s LEFT JOIN staged p ON {{own}} AND ({{p_there}}) = ({{here}})
    WHERE ({{here}}) IS NOT NULL AND NOT EXISTS (
        SELECT FROM {{other}} t {{joined}} WHERE ({{t_there}}) = ({{here}}) {{and_stays}}
    )
"""
# Where others refer to what may change: whether the batch leaves it as it is.
JOINED = "LEFT JOIN staged x ON {same_key}"
AND_STAYS = 'AND (x."@place" IS NULL OR ({x_there}) = ({t_there}))'
HELD = f"""
    WITH {STAGED}, wanted AS (
        SELECT "@place", {{values}} FROM staged WHERE ({{predicate}}) AND ({{given}}) IS NOT NULL
    ), held AS (
        SELECT {{keys}}, {{values}} FROM ONLY {{table}} WHERE {{predicate}}
    ), waits AS (
        SELECT w."@place", x."@place" AS holder, t.{{first_key}} IS NOT NULL AS is_held,
            row_number() OVER (PARTITION BY {{w_names}}
                ORDER BY x."@place" IS DISTINCT FROM w."@place", w."@place") > 1 AS in_vain
        FROM wanted w LEFT JOIN held t ON ({{t_names}}) = ({{w_names}})
            LEFT JOIN staged x ON {{same_key}}
    )
    SELECT "@place", holder, in_vain FROM waits WHERE is_held OR in_vain
"""
Wait = tuple[int, int | None, bool]


@dataclass(frozen=True)
class Tangle:
    """The places of rows: those that go together, in this order; those that wait for what nobody
    brings; and those that wait for these, for lost ones, or for each other in turn."""

    order: list[int]
    stuck: list[int]
    behind: list[int]


class Tangles:
    """Of one table. Whoever calls has a transaction open, in which staging was truncated."""

    def __init__(
        self,
        connection: Connection,
        landing: Landing,
        stage: Callable[[Iterable[bytes]], object],
    ) -> None:
        """`stage` takes texts of lines into the staging table."""
        self._connection, self._landing, self._stage = connection, landing, stage

    def find(self, error: psycopg.Error, texts: Iterable[bytes], rows: int) -> Tangle | None:
        """How the first `rows` of these lines wait for each other, where Postgres refused them all
        with `error`; the others are lost. None where that cannot be told. Staging is empty before,
        and left so."""
        found: Tangle | None = None
        try:
            with self._connection.transaction():
                asked = self._asked(error)
                if asked is not None:
                    query, in_turn = asked
                    self._stage(texts)
                    self._connection.execute(AS_PLANNED)
                    found = lined_up(rows, self._connection.execute(query).fetchall(), in_turn)
                raise psycopg.Rollback
        except psycopg.Error as failed:  # a column of somebody's own, which staging does not have
            if is_outage(failed):
                raise
        return found

    def _asked(self, error: psycopg.Error) -> tuple[Composed, bool] | None:
        """The query for what each row waits for, and whether rows must come in turn."""
        table = self._landing.relation.as_string(self._connection)
        named = [error.diag.constraint_name, table]
        if error.diag.table_name != self._landing.name:
            return None  # somebody's table that refers to ours
        if isinstance(error, pg.ForeignKeyViolation):
            row = self._connection.execute(REFERENCE, named).fetchone()
            return None if row is None else (self._absent(*row), False)
        row = self._connection.execute(UNIQUE, named).fetchone()
        return None if row is None else (self._held(row[0], row[1]), row[2])

    def _absent(self, other: str, own: bool, here: Sequence[str], there: Sequence[str]) -> Composed:
        t_there = of("t", there)
        may_move = own and set(there) != {key.name for key in self._landing.keys}
        joined = SQL(JOINED).format(same_key=self._same_key())
        and_stays = SQL(AND_STAYS).format(x_there=of("x", there), t_there=t_there)
        return SQL(ABSENT).format(
            staging=STAGING,
            own=SQL("true" if own else "false"),
            other=SQL(other),
            here=of("s", here),
            p_there=of("p", there) if own else of("s", here),  # others' columns are not in staging
            t_there=t_there,
            joined=joined if may_move else SQL(""),
            and_stays=and_stays if may_move else SQL(""),
        )

    def _held(self, expressions: Sequence[str], predicate: str) -> Composed:
        each = [f"@{nth}" for nth in range(len(expressions))]
        texts = [SQL(text) for text in expressions]
        keys = [key.name for key in self._landing.keys]
        return SQL(HELD).format(
            staging=STAGING,
            table=self._landing.relation,
            predicate=SQL(predicate),
            values=SQL(", ").join(
                SQL("{} AS {}").format(text, Identifier(name))
                for text, name in zip(texts, each, strict=True)
            ),
            given=SQL(", ").join(texts),
            keys=names(keys),
            first_key=Identifier(keys[0]),
            w_names=of("w", each),
            t_names=of("t", each),
            same_key=self._same_key(),
        )

    def _same_key(self) -> Composable:
        keys = [key.name for key in self._landing.keys]
        return SQL("({}) = ({})").format(of("x", keys), of("t", keys))


def lined_up(rows: int, waits: Iterable[Wait], in_turn: bool) -> Tangle:
    """Of so many rows, whose waits these are, each behind what it waits for; places beyond are of
    rows that are lost. Rows that need not come `in_turn` may wait for each other in a circle, and
    go together all the same."""
    stuck: list[int] = []
    lost: set[int] = set()
    followers: dict[int, list[int]] = defaultdict(list)
    waiting: set[int] = set()
    for place, holder, in_vain in waits:
        if place >= rows:
            continue
        if in_vain or holder is None:
            stuck.append(place)
        elif holder != place:
            followers[holder].append(place)
            waiting.add(place)
            if holder >= rows:
                lost.add(holder)
    out = _with_followers([*stuck, *lost], followers)
    inside = [place for place in range(rows) if place not in out]
    free = [place for place in inside if place not in waiting]
    going = _with_followers(free if in_turn else [*free, *inside], followers)
    known = going.keys() | stuck
    return Tangle(list(going), stuck, [place for place in range(rows) if place not in known])


def _with_followers(
    first: Iterable[int], followers: Mapping[int, Sequence[int]]
) -> dict[int, None]:
    """These and all that wait for them, each after what it waits for."""
    done: dict[int, None] = {}
    for each in first:
        going = [each]
        while going:
            place = going.pop()
            if place not in done:
                done[place] = None
                going += followers.get(place, ())
    return done
