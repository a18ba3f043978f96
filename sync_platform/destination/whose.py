"""Whose values the rows of a table may hold: another account may take a connection's place, or find
a schema that a connection left. It is told beside the rows, in the book of the tables, so that it
stays with them whoever connects."""

from collections.abc import Sequence
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL, Composed, Identifier, Literal

from sync_platform.destination.book import relation
from sync_platform.destination.carefully import Careful
from sync_platform.destination.columns import POSTGRES
from sync_platform.destination.comments import SYSTEM
from sync_platform.destination.landing import Landing
from sync_platform.destination.merge import BY_INDEX
from sync_platform.destination.names import storable
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import another_account

HELD = "The row holds values of another account, and Postgres would not take them out"


class Whose:
    """The accounts of one table, and the one whose data is read into it (None: not told). What
    writes is called in a transaction, and gives back what `accounts` are once that is committed."""

    def __init__(self, connection: Connection, landing: Landing, account: str | None) -> None:
        self._connection, self._landing, self._account = connection, landing, account
        self.accounts = landing.accounts

    @property
    def has_others(self) -> bool:
        """Whether there may be values of another account than the one that is read."""
        account = self._account
        return account is not None and any(another_account(it, account) for it in self.accounts)

    @property
    def comes_to_others(self) -> bool:
        """Whether the first rows of the account may come next, where there may be others' ones."""
        return self.has_others and self._account not in self.accounts

    def comes(self, *, taken: int, written: int, was_empty: bool) -> tuple[str, ...]:
        """So many rows of the account were taken, and so many of them changed something. Where none
        did, there is no value of it beside others' ones; where there was no row before, there is
        none of theirs."""
        account = self._account
        comes = written if self.has_others else taken
        if account is None or account in self.accounts or not comes:
            return self.accounts
        # Refreshes do not take the table over, so the book may have others by now.
        self._write(
            "array_append(CASE WHEN NOT %s THEN array_remove(accounts, %s) END, %s)",
            [was_empty, account, account],
        )
        return (account,) if was_empty else (*self.accounts, account)

    def stays_alone(self) -> tuple[str, ...]:
        """The others have gone."""
        if self._account is None:
            return self.accounts
        alone = (self._account,)
        if alone != self.accounts:
            self._write("%s", [list(alone)])
        return alone

    def clear(self, careful: Careful | None = None) -> None:
        """Take out of all rows what they hold in our columns that nothing is written to, and in
        _more of other fields. With `careful`, rows where Postgres refuses it stay as they are."""
        run = self._connection.execute
        statements = _clearing(self._landing)
        if statements is None:
            return
        if careful is None:
            run(statements.all)
            return
        run(BY_INDEX)
        keys = run(statements.keys).fetchall()
        careful.mark(keys, lambda some: run(statements.these, some).rowcount, why=HELD)

    def _write(self, accounts: LiteralString, values: Sequence[object]) -> None:
        self._connection.execute(
            SQL(f"UPDATE {{}} SET accounts = {accounts} WHERE table_name = %s").format(
                relation(self._landing.table.schema, "_tables")
            ),
            [*values, self._landing.name],
        )


class _Clearing(NamedTuple):
    """Takes values out of `all` rows that hold any, or of `these`, by an array of texts for each
    column of the key; and the `keys` of all, as texts."""

    all: Composed
    keys: Composed
    these: Composed


def _clearing(landing: Landing) -> _Clearing | None:
    """None where there is no column to take values out of. Of deleted rows, too: those may come
    again."""
    written = {it.name for it in landing.columns} | {"_more"} | SYSTEM.keys()
    left = [Identifier(it) for it in sorted(landing.lock.columns.keys() - written)]
    changes = [SQL("{} = NULL").format(it) for it in left]
    held = [SQL("{} IS NOT NULL").format(it) for it in left]
    if landing.others_in_more:
        own = SQL(
            "(SELECT jsonb_object_agg(it.key, it.value) FROM jsonb_each(_more) AS it"
            " WHERE it.key = ANY ({}::text[]))"
        ).format(Literal([storable(field) for field in landing.more]))
        changes.append(SQL("_more = {}").format(own))
        held.append(SQL("_more IS DISTINCT FROM {}").format(own))
    if not changes:
        return None
    update = SQL("UPDATE ONLY {} SET {}, _synced_at = now() WHERE ").format(
        landing.relation, SQL(", ").join(changes)
    )
    holds = SQL(" OR ").join(held)
    names = [Identifier(key.name) for key in landing.keys]
    arrays = [SQL("%s::text[]::{}[]").format(SQL(POSTGRES[key.type])) for key in landing.keys]
    return _Clearing(
        all=update + holds,
        keys=SQL("SELECT {} FROM ONLY {} WHERE {}").format(
            SQL(", ").join(SQL("{}::text").format(it) for it in names), landing.relation, holds
        ),
        # In a CASE, as in `merge.Statements`: else the key's index may not be used.
        these=update
        + SQL("({}) IN (SELECT * FROM unnest({})) AND CASE WHEN {} THEN true END").format(
            SQL(", ").join(names), SQL(", ").join(arrays), holds
        ),
    )
