"""Rows of a batch that wait for each other: by a foreign key of the table to itself, where parents
come with their children, or for a unique value that goes over from one row to another. What a row
waits for is asked of Postgres, for all rows of the batch at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

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
# What its index is of, which of the rows it holds, and whether each row is checked at once. Empty
# values that count as equal do so in arrays, which can be looked up as any value; to_jsonb because
# Postgres 14 has no such column.
UNIQUE = """
    SELECT array(SELECT format(CASE to_jsonb(pg_index) ->> 'indnullsnotdistinct'
                WHEN 'true' THEN 'ARRAY[%%s]' ELSE '%%s' END,
                pg_get_indexdef(indexrelid, nth, true))
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
# Both give, for each row that waits, the rows of which it needs one (NULL: nobody's of the batch)
# and whether that is in vain. What is there and does not move, nobody waits for.
ABSENT = f"""
    WITH {STAGED}
    SELECT s."@place", {{holders}}, false
    FROM staged s {{held_by}}
    WHERE ({{here}}) IS NOT NULL AND NOT EXISTS (
        SELECT FROM {{other}} t {{joined}} WHERE ({{t_there}}) = ({{here}}) {{and_stays}}
    )
"""
# Of a value that is unique only one row is taken: the others are refused, and not by the hundred.
HOLDERS = SQL('p."@holders"[:100]')
NOBODY = SQL("NULL::bigint[]")  # others' tables
HELD_BY = """
    LEFT JOIN (
        SELECT {there}, array_agg("@place" ORDER BY "@place") AS "@holders"
        FROM staged GROUP BY {there}
    ) p ON ({p_there}) = ({here})
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
    SELECT "@place", CASE WHEN holder IS NOT NULL THEN ARRAY[holder] END, in_vain
    FROM waits WHERE is_held OR in_vain
"""
Wait = tuple[int, Sequence[int] | None, bool]


@dataclass(frozen=True)
class Rule:
    """One that rows broke: what Postgres said of it, whether rows that wait by it must come in
    turn, and all that wait by it."""

    error: psycopg.Error
    in_turn: bool
    waits: Sequence[Wait]


@dataclass(frozen=True)
class Need:
    """A row's: one of these others."""

    place: int
    holders: Sequence[int]
    rule: Rule


@dataclass(frozen=True)
class Tangle:
    """The places of rows: those that go together, in this order; those that wait for what nobody
    brings; and those that wait for these, for lost ones, or for each other in turn, with what
    Postgres said of that by which they wait."""

    order: list[int]
    stuck: list[int]
    behind: dict[int, psycopg.Error]


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
        self._met: dict[str | None, tuple[psycopg.Error, Composed, bool]] = {}  # by names

    def find(self, error: psycopg.Error, texts: Iterable[bytes], rows: int) -> Tangle | None:
        """How the first `rows` of these lines wait for each other, where Postgres refused them all
        with `error`; the others are lost. All rules that were asked for before count as well: what
        is in order for one must not come out of order for another. None where that cannot be told.
        Staging is empty before, and left so."""
        found: Tangle | None = None
        try:
            with self._connection.transaction():
                asked = self._asked(error)
                if asked is not None:
                    name = error.diag.constraint_name
                    met = {each: it for each, it in self._met.items() if each != name}
                    met[name] = (error, *asked)
                    self._stage(texts)
                    self._connection.execute(AS_PLANNED)
                    rules = [
                        Rule(said, in_turn, self._connection.execute(query).fetchall())
                        for said, query, in_turn in met.values()
                    ]
                    found, self._met = lined_up(rows, rules), met
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
        held_by = SQL(HELD_BY).format(
            there=names(there), p_there=of("p", there), here=of("s", here)
        )
        joined = SQL(JOINED).format(same_key=self._same_key())
        and_stays = SQL(AND_STAYS).format(x_there=of("x", there), t_there=t_there)
        return SQL(ABSENT).format(
            staging=STAGING,
            holders=HOLDERS if own else NOBODY,
            held_by=held_by if own else SQL(""),
            other=SQL(other),
            here=of("s", here),
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


def lined_up(rows: int, rules: Sequence[Rule]) -> Tangle:
    """Of so many rows, which broke the last of these rules, each behind what it waits for by any of
    them; places beyond are of rows that are lost. A row is out where all are that it needs one of
    by the last rule: it may do without what it needs by others, once this one's rows are out. Rows
    that need not come in turn may wait for each other in a circle, and go together all the same."""
    stuck: dict[int, None] = {}
    needs: list[Need] = []
    for rule in rules:
        for place, holders, in_vain in rule.waits:
            if place < rows and holders and not in_vain:
                if place not in holders:
                    needs.append(Need(place, holders, rule))
            elif place < rows and rule is rules[-1]:
                stuck[place] = None
    broken = [need for need in needs if need.rule is rules[-1]]
    in_turn = [need for need in needs if need.rule.in_turn]
    lost = {holder for need in broken for holder in need.holders if holder >= rows}
    first: dict[int, psycopg.Error | None] = dict.fromkeys([*stuck, *lost])
    out = _out(first, broken)
    inside = [place for place in range(rows) if place not in out]
    free = set(_sorted(inside, in_turn))
    waiting = set(inside) - free  # in a circle, or behind one
    first |= {it.place: it.rule.error for it in in_turn if waiting >= {it.place, it.holders[0]}}
    out = _out(first, broken)
    inside = [place for place in inside if place not in out]
    order = _sorted(_sorted(inside, needs, all_of_them=True), in_turn)
    behind = {place: said for place, said in sorted(out.items()) if said and place < rows}
    return Tangle(order, list(stuck), behind)


def _out(
    first: Mapping[int, psycopg.Error | None], needs: Sequence[Need]
) -> dict[int, psycopg.Error | None]:
    """These, and all that cannot be without them, by what rule."""
    left = [len(need.holders) for need in needs]
    of_holder: dict[int, list[int]] = defaultdict(list)
    for nth, need in enumerate(needs):
        for holder in need.holders:
            of_holder[holder].append(nth)
    out = dict(first)
    going = list(first)
    while going:
        for nth in of_holder.get(going.pop(), ()):
            left[nth] -= 1
            need = needs[nth]
            if not left[nth] and need.place not in out:
                out[need.place] = need.rule.error
                going.append(need.place)
    return out


def _sorted(
    places: Sequence[int], needs: Iterable[Need], *, all_of_them: bool = False
) -> list[int]:
    """Each behind what it needs, and else as they came: what is in order stays as it is. Without
    those that wait in a circle, or, where `all_of_them` are wanted, with each circle from its first
    on."""
    rank = {place: nth for nth, place in enumerate(places)}
    waits: dict[int, set[int]] = defaultdict(set)
    for need in needs:
        holder = next((each for each in need.holders if each in rank), None)
        if need.place in rank and holder is not None:
            waits[need.place].add(holder)
    followers: dict[int, list[int]] = defaultdict(list)
    for place, holders in waits.items():
        for holder in holders:
            followers[holder].append(place)
    ready = [nth for nth, place in enumerate(places) if place not in waits]
    done: dict[int, None] = {}
    rest = iter(places)
    while True:
        while ready:
            place = places[heappop(ready)]
            done[place] = None
            for follower in followers.get(place, ()):
                waits[follower].discard(place)
                if not waits[follower] and follower not in done:
                    heappush(ready, rank[follower])
        begin = next((place for place in rest if place not in done), None)
        if begin is None or not all_of_them:
            return list(done)
        ready = [rank[begin]]
