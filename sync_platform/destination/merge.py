"""The SQL that moves rows: into the staging table by COPY, from there by one merge, and the marks
of deletion. Written as SQL, into which identifiers are composed once a table. ONLY leaves out
tables of somebody's that inherit from ours."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination.book import relation
from sync_platform.destination.columns import POSTGRES, Column
from sync_platform.destination.landing import Landing
from sync_platform.destination.names import seen_name, storable

STAGING = SQL("pg_temp._staging")
END_NEW = b"\tnow\n"  # of the lines for `copy_new`

# A batch is small beside its table, and statistics lag behind a table that grows: looking up each
# key in the index costs the same for every batch, where a hash join reads the whole table for each.
BY_INDEX = "SET enable_hashjoin = off; SET enable_mergejoin = off"
AS_PLANNED = "SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT"

# Only rows that are new, different or deleted reach ON CONFLICT, which locks what it meets.
# xmax is 0 in a row that was inserted, and not in one that was updated.
CHANGED: LiteralString = """
    changed AS (
        SELECT s.* FROM {staging} s LEFT JOIN ONLY {table} t ON {same_key}
        WHERE {first_key} IS NULL OR t._deleted_at IS NOT NULL {differs}
    ), merged AS (
        INSERT INTO {table} AS t ({all}, _synced_at) SELECT {all}, now() FROM changed
        ON CONFLICT ({keys}) DO UPDATE SET {set}
            _synced_at = EXCLUDED._synced_at, _deleted_at = NULL, _deleted_by = NULL
        RETURNING xmax = 0 AS created
    )
    SELECT count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created) FROM merged
"""
SEE: LiteralString = "seen AS (INSERT INTO {seen} ({keys}) SELECT {keys} FROM {staging}),"
MARK: LiteralString = """
    UPDATE ONLY {table} t
    SET _deleted_at = now(), _deleted_by = 'reconcile', _synced_at = now()
    FROM ({unseen}) s
    WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN t._synced_at < %s END
"""
KEPT = 128  # tables whose statements a process keeps, the latest: some 50 KB each


def names(columns: Sequence[str]) -> Composed:
    """Columns, as a list in SQL."""
    return SQL(", ").join(map(Identifier, columns))


def arrays(keys: Iterable[Sequence[str]]) -> list[list[str]]:
    """Keys as parameters for the statements that take them: an array for each column of the key."""
    return [list(column) for column in zip(*keys, strict=True)]


def of(table: str, columns: Sequence[str]) -> Composed:
    """Columns of an aliased table, as a list in SQL."""
    return SQL(", ").join(Identifier(table, column) for column in columns)


class Statements:
    """The statements of one table, for rows whose cells come in `order`. Each is written when it is
    first needed, and kept: to write them takes longer than what a sync without news asks of them.
    """

    def __init__(
        self,
        schema: str,
        name: str,
        columns: tuple[Column, ...],
        keys: tuple[Column, ...],
        order: tuple[str, ...],
        stays: tuple[str, ...] | None,
    ) -> None:
        """Where `stays` is given, the column _more holds more than these fields, which stays."""
        self._schema, self._name = schema, name
        self._columns, self._keys, self._order, self._stays = columns, keys, order, stays

    @cached_property
    def _parts(self) -> dict[str, Composable]:
        order, keys = self._order, [key.name for key in self._keys]
        types = {column.name: POSTGRES[column.type] for column in self._columns}
        types["_more"] = "jsonb"
        rest = [name for name in order if name not in keys]
        return {
            "table": relation(self._schema, self._name),
            "staging": STAGING,
            "seen": relation(self._schema, seen_name(self._name)),
            "all": names(order),
            "keys": names(keys),
            "table_keys": of("t", keys),
            "key_texts": SQL(", ").join(SQL("{}::text").format(Identifier(key)) for key in keys),
            "first_key": Identifier("t", keys[0]),
            "same_key": SQL(" AND ").join(
                SQL("{} = {}").format(Identifier("t", key), Identifier("s", key)) for key in keys
            ),
            "typed": _typed(order, types),
            "typed_keys": _typed(keys, types),
            "differs": SQL("OR ({}) IS DISTINCT FROM ({})").format(
                _row(SQL(", ").join(self._new("s", name) for name in rest)), _row(of("t", rest))
            )
            if rest
            else SQL(""),
            "set": SQL("").join(
                Composed([Identifier(name), SQL(" = "), self._new("excluded", name), SQL(", ")])
                for name in rest
            ),
            "set_staged": SQL("").join(
                SQL("{} = {}, ").format(Identifier(name), self._new("s", name)) for name in rest
            ),
            "given_keys": self._given_keys(),
        }

    def _sql(self, text: LiteralString) -> bytes:
        return SQL(text).format(**self._parts).as_bytes()

    @cached_property
    def make_staging(self) -> bytes:
        """Makes the staging table of a session."""
        return self._sql("CREATE TEMP TABLE _staging ({typed}) ON COMMIT DELETE ROWS")

    @cached_property
    def copy(self) -> bytes:
        """Copies into the staging table."""
        return self._sql("COPY {staging} ({all}) FROM STDIN")

    @cached_property
    def copy_new(self) -> bytes:
        """Copies into a table that was empty, while no key comes twice: no staging, half the price.
        Each line ends in the word that Postgres reads as the moment the transaction began."""
        return self._sql("COPY {table} ({all}, _synced_at) FROM STDIN")

    @cached_property
    def is_empty(self) -> bytes:
        """Whether the table has no row at all."""
        return self._sql("SELECT NOT EXISTS (SELECT FROM ONLY {table})")

    @cached_property
    def merge(self) -> bytes:
        """Merges the staged rows; counts those that were created, and updated."""
        return self._sql(f"WITH {CHANGED}")

    @cached_property
    def merge_and_see(self) -> bytes:
        """Merges the staged rows, and keeps their keys for a full sync."""
        return self._sql(f"WITH {SEE} {CHANGED}")

    # In these three, what is asked of a row beside its key is hidden in a CASE. Of conditions
    # that it sees, Postgres believes, without statistics, that next to no row meets them, and
    # goes through all keys for each row of the table instead of looking the keys up.

    @cached_property
    def refresh(self) -> bytes:
        """Writes into rows that are there: a refresh of computed fields knows nothing of the other
        columns."""
        return self._sql("""
            UPDATE ONLY {table} t SET {set_staged} _synced_at = now() FROM {staging} s
            WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN false {differs} END
        """)

    @cached_property
    def mark_gone(self) -> bytes:
        """Marks rows by their keys, which the vendor told as deleted."""
        return self._sql("""
            UPDATE ONLY {table} t
            SET _deleted_at = now(), _deleted_by = 'vendor', _synced_at = now()
            FROM ({given_keys}) s
            WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN true END
        """)

    @cached_property
    def mark_unseen(self) -> bytes:
        """Marks the rows that `find_unseen` put aside, if last written before a moment."""
        return self._sql(MARK.replace("({unseen})", "pg_temp._unseen"))

    @cached_property
    def mark_these_unseen(self) -> bytes:
        """As `mark_unseen`, those of these keys."""
        return self._sql(MARK.replace("{unseen}", "{given_keys}"))

    @cached_property
    def make_seen(self) -> bytes:
        """Makes the table of seen keys. Without an index: only an anti-join reads it, and a key
        that is in it twice does no harm."""
        return self._sql("CREATE UNLOGGED TABLE IF NOT EXISTS {seen} ({typed_keys})")

    @cached_property
    def drop_seen(self) -> bytes:
        """Drops the table of seen keys."""
        return self._sql("DROP TABLE IF EXISTS {seen}")

    @cached_property
    def empty_seen(self) -> bytes:
        """Takes all keys out of the table of seen keys."""
        return self._sql("DELETE FROM {seen}")

    @cached_property
    def count_seen(self) -> bytes:
        """Counts the seen keys."""
        return self._sql("SELECT count(*) FROM {seen}")

    @cached_property
    def see_given(self) -> bytes:
        """Keeps these keys as seen."""
        return self._sql("INSERT INTO {seen} ({keys}) SELECT {keys} FROM ({given_keys}) s")

    @cached_property
    def find_unseen(self) -> bytes:
        """Puts the keys of rows aside that were not seen, so that they are looked for once and
        counted before any is marked."""
        return self._sql("""
            CREATE TEMP TABLE _unseen ON COMMIT DROP AS SELECT {table_keys} FROM ONLY {table} t
            WHERE t._deleted_at IS NULL AND t._synced_at < %s
            AND NOT EXISTS (SELECT FROM {seen} s WHERE {same_key})
        """)

    @cached_property
    def unseen_texts(self) -> bytes:
        """The keys that `find_unseen` put aside, as texts."""
        return self._sql("SELECT {key_texts} FROM pg_temp._unseen")

    @cached_property
    def count_live_up_to(self) -> bytes:
        """Counts the rows that are not deleted, no further than to a number."""
        return self._sql("""
            SELECT count(*)
            FROM (SELECT FROM ONLY {table} WHERE _deleted_at IS NULL LIMIT %s) live
        """)

    @cached_property
    def count_live(self) -> bytes:
        """Counts the rows that are not deleted."""
        return self._sql("SELECT count(*) FROM ONLY {table} WHERE _deleted_at IS NULL")

    def _new(self, table: str, column: str) -> Composable:
        """The value for a column of t, from the row of an aliased table. What else _more holds
        stays, as the columns do of fields that are not written."""
        given = Identifier(table, column)
        if column != "_more" or self._stays is None:
            return given
        return SQL(
            "nullif((coalesce(t._more, '{{}}') - {}::text[]) || coalesce({}, '{{}}'), '{{}}')"
        ).format(Literal([storable(field) for field in self._stays]), given)

    def _given_keys(self) -> Composed:
        """Keys from a parameter per key column: an array of texts."""
        cast = [
            SQL("{0}::{1} AS {0}").format(Identifier(key.name), SQL(POSTGRES[key.type]))
            for key in self._keys
        ]
        return SQL("SELECT {} FROM unnest({}) AS given({})").format(
            SQL(", ").join(cast),
            SQL(", ").join([SQL("%s::text[]")] * len(self._keys)),
            names([key.name for key in self._keys]),
        )


_kept = lru_cache(maxsize=KEPT)(Statements)


def statements(landing: Landing, order: Sequence[str]) -> Statements:
    """The statements of this table, for rows whose cells come in `order`; of the process, if it has
    them already."""
    stays = landing.more if landing.others_in_more else None
    where = landing.table.schema, landing.name
    return _kept(*where, landing.columns, landing.keys, tuple(order), stays)


def _typed(columns: Sequence[str], types: Mapping[str, str]) -> Composed:
    """Columns with their types; composed by hand, because parsing templates takes its time."""
    return SQL(", ").join(
        Composed([Identifier(name), SQL(" "), SQL(types[name])]) for name in columns
    )


def _row(columns: Composed) -> Composed:
    return SQL("ROW({})").format(columns)
