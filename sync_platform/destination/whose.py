"""Whose values the rows of a table may hold: another account may take a connection's place, or find
a schema that a connection left. It is told beside the rows, in the book of the tables, so that it
stays with them whoever connects."""

from collections.abc import Callable

from psycopg.sql import SQL

from sync_platform.destination.book import relation
from sync_platform.destination.landing import Landing
from sync_platform.destination.sessions import Connection
from sync_platform.engine.destination import another_account


class Whose:
    """The accounts of one table, and the one whose data is read into it (None: not told)."""

    def __init__(self, connection: Connection, landing: Landing, account: str | None) -> None:
        self._connection, self._landing, self._account = connection, landing, account
        self._accounts = self._coming = landing.accounts

    @property
    def has_others(self) -> bool:
        """Whether there may be values of another account than the one that is read."""
        account = self._account
        return account is not None and any(another_account(it, account) for it in self._accounts)

    def comes(self, *, is_empty: Callable[[], bool]) -> None:
        """Rows of the account come next, in this transaction; where there are none yet, there are
        none of others. Once it is committed, they `came`."""
        if self._account is None or self._account in self._accounts:
            return
        others = () if self.has_others and is_empty() else self._accounts
        self._keep((*others, self._account))

    def stays_alone(self) -> None:
        """The others go, in this transaction; once it is committed, the account `came`."""
        if self._account is not None:
            self._keep((self._account,))

    def came(self) -> None:
        """What was kept is committed."""
        self._accounts = self._coming

    def _keep(self, accounts: tuple[str, ...]) -> None:
        if accounts != self._accounts:
            self._connection.execute(
                SQL("UPDATE {} SET accounts = %s WHERE table_name = %s").format(
                    relation(self._landing.table.schema, "_tables")
                ),
                [list(accounts), self._landing.name],
            )
        self._coming = accounts
