"""The SQL that moves rows: into the staging table by COPY, from there by one merge, and the marks
of deletion. Written as SQL; identifiers are composed once a loader. ONLY leaves out tables of
somebody's that inherit from ours."""

from collections.abc import Iterable, Mapping, Sequence
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from sync_platform.destination.columns import POSTGRES, Column
from sync_platform.destination.landing import Landing
from sync_platform.destination.names import storable

STAGING = SQL("pg_temp._staging")
END_NEW = b"\tnow\n"  # of the lines for `copy_new`

# A batch is small beside its table, and statistics lag behind a table that grows: looking up each
# key in the index costs the same for every batch, where a hash join reads the whole table for each.
BY_INDEX = "SET enable_hashjoin = off; SET enable_mergejoin = off"
AS_PLANNED = "SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT"


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
    """The statements of one table, for rows whose cells come in `order`."""

    def __init__(self, landing: Landing, order: Sequence[str]) -> None:
        self._landing = landing
        self._keys: tuple[Column, ...] = landing.keys
        keys = [key.name for key in self._keys]
        types = {column.name: POSTGRES[column.type] for column in landing.columns}
        types["_more"] = "jsonb"
        rest = [name for name in order if name not in keys]
        same_key = SQL(" AND ").join(
            SQL("{} = {}").format(Identifier("t", key), Identifier("s", key)) for key in keys
        )
        parts: dict[str, Composable] = {
            "table": landing.relation,
            "staging": STAGING,
            "seen": landing.seen,
            "all": names(order),
            "keys": names(keys),
            "table_keys": of("t", keys),
            "key_texts": SQL(", ").join(SQL("{}::text").format(Identifier(key)) for key in keys),
            "first_key": Identifier("t", keys[0]),
            "same_key": same_key,
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

        def sql(text: LiteralString) -> Composed:
            return SQL(text).format(**parts)

        self.make_staging = sql("CREATE TEMP TABLE _staging ({typed}) ON COMMIT DELETE ROWS")
        self.copy = sql("COPY {staging} ({all}) FROM STDIN")
        self.is_empty = sql("SELECT NOT EXISTS (SELECT FROM ONLY {table})")

        # Into a table that was empty, while no key comes twice: no staging, half the price.
        # Each line ends in the word that Postgres reads as the moment the transaction began.
        self.copy_new = sql("COPY {table} ({all}, _synced_at) FROM STDIN")

        # Only rows that are new, different or deleted reach ON CONFLICT, which locks what it meets.
        # xmax is 0 in a row that was inserted, and not in one that was updated.
        changed = """
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
        see = "seen AS (INSERT INTO {seen} ({keys}) SELECT {keys} FROM {staging}),"
        self.merge = sql(f"WITH {changed}")
        self.merge_and_see = sql(f"WITH {see} {changed}")

        # In these three, what is asked of a row beside its key is hidden in a CASE. Of conditions
        # that it sees, Postgres believes, without statistics, that next to no row meets them, and
        # goes through all keys for each row of the table instead of looking the keys up.

        # Into rows that are there: a refresh of computed fields knows nothing of the other columns.
        self.refresh = sql("""
            UPDATE ONLY {table} t SET {set_staged} _synced_at = now() FROM {staging} s
            WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN false {differs} END
        """)
        self.mark_gone = sql("""
            UPDATE ONLY {table} t
            SET _deleted_at = now(), _deleted_by = 'vendor', _synced_at = now()
            FROM ({given_keys}) s
            WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN true END
        """)
        mark = """
            UPDATE ONLY {table} t
            SET _deleted_at = now(), _deleted_by = 'reconcile', _synced_at = now()
            FROM ({unseen}) s
            WHERE {same_key} AND CASE WHEN t._deleted_at IS NULL THEN t._synced_at < %s END
        """
        self.mark_unseen = sql(mark.replace("({unseen})", "pg_temp._unseen"))
        self.mark_these_unseen = sql(mark.replace("{unseen}", "{given_keys}"))

        # Without an index: only an anti-join reads it, and a key that is in it twice does no harm.
        self.make_seen = sql("CREATE UNLOGGED TABLE IF NOT EXISTS {seen} ({typed_keys})")
        self.drop_seen = sql("DROP TABLE IF EXISTS {seen}")
        self.count_seen = sql("SELECT count(*) FROM {seen}")
        self.see_given = sql("INSERT INTO {seen} ({keys}) SELECT {keys} FROM ({given_keys}) s")

        # Kept aside, so that they are looked for once and counted before any is marked.
        self.find_unseen = sql("""
            CREATE TEMP TABLE _unseen ON COMMIT DROP AS SELECT {table_keys} FROM ONLY {table} t
            WHERE t._deleted_at IS NULL AND t._synced_at < %s
            AND NOT EXISTS (SELECT FROM {seen} s WHERE {same_key})
        """)
        self.unseen_texts = sql("SELECT {key_texts} FROM pg_temp._unseen")
        self.count_live_up_to = sql("""
            SELECT count(*)
            FROM (SELECT FROM ONLY {table} WHERE _deleted_at IS NULL LIMIT %s) live
        """)
        self.count_live = sql("SELECT count(*) FROM ONLY {table} WHERE _deleted_at IS NULL")

    def _new(self, table: str, column: str) -> Composable:
        """The value for a column of t, from the row of an aliased table. What else _more holds
        stays, as the columns do of fields that are not written."""
        given = Identifier(table, column)
        if column != "_more" or not self._landing.others_in_more:
            return given
        return SQL(
            "nullif((coalesce(t._more, '{{}}') - {}::text[]) || coalesce({}, '{{}}'), '{{}}')"
        ).format(Literal([storable(field) for field in self._landing.more]), given)

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


def _typed(columns: Sequence[str], types: Mapping[str, str]) -> Composed:
    """Columns with their types; composed by hand, because parsing templates takes its time."""
    return SQL(", ").join(
        Composed([Identifier(name), SQL(" "), SQL(types[name])]) for name in columns
    )


def _row(columns: Composed) -> Composed:
    return SQL("ROW({})").format(columns)
