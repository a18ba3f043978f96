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
    """The accounts of one table."""

    def __init__(self, connection: Connection, landing: Landing) -> None:
        self._connection, self._landing = connection, landing
        self._accounts = landing.accounts
        self._account: str | None = None

    @property
    def has_others(self) -> bool:
        """Whether there are values of another account than the one that came last."""
        account = self._account
        return account is not None and any(another_account(it, account) for it in self._accounts)

    def come(self, account: str, *, is_empty: Callable[[], bool]) -> None:
        """Whoever reads into the table next; where it has no rows, there are no others."""
        self._account = account
        others = () if self.has_others and is_empty() else self._accounts
        self._keep(others if account in others else (*others, account))

    def stay(self) -> None:
        """The others have gone."""
        if self._account is not None:
            self._keep((self._account,))

    def _keep(self, accounts: tuple[str, ...]) -> None:
        if accounts != self._accounts:
            self._connection.execute(
                SQL("UPDATE {} SET accounts = %s WHERE table_name = %s").format(
                    relation(self._landing.table.schema, "_tables")
                ),
                [list(accounts), self._landing.name],
            )
        self._accounts = accounts
