"""How Postgres goes about a merge and a reconcile, where it knows nothing of the table yet."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.destination import tables
from sync_platform.destination.locks import Locks
from sync_platform.destination.merge import AS_PLANNED, BY_INDEX, statements
from sync_platform.destination.sessions import Connection, connected
from sync_platform.destination.settled import Settled
from sync_platform_tests.destination.tables import CONTACTS, FIELDS, full, people, select

ROWS = 10_000
LATER = datetime.now(UTC) + timedelta(hours=1)


class Planned:
    """The statements of a table that has grown since anybody analyzed it, and how each is planned
    in a session that has a batch of a hundred rows in its staging table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        landing = tables.prepare(connection, CONTACTS, FIELDS, Locks(), Settled())
        self.sql = statements(landing, ["id", "email", "age"])
        connection.execute(self.sql.make_seen)
        connection.execute(self.sql.make_staging)

    def plan(self, how: str, statement: bytes, values: Sequence[object] | None = None) -> str:
        """The plan of the statement, `how` having been said before."""
        with self._connection.transaction():
            self._connection.execute(
                "INSERT INTO pg_temp._staging (id) SELECT n::text FROM generate_series(1, 100) n"
            )
            self._connection.execute(how)
            lines = self._connection.execute(b"EXPLAIN " + statement, values)
            return "\n".join(line for (line,) in lines)

    def unseen(self, how: str) -> str:
        """The plan of marking rows that were not seen."""
        aside = "CREATE TEMP TABLE _unseen ON COMMIT DROP AS SELECT id FROM acme.contacts LIMIT 100"
        return self.plan(f"{aside}; {how}", self.sql.mark_unseen, [LATER])


@pytest.fixture
def planned(database: str) -> Iterator[Planned]:
    """Contacts by the thousand, and no statistics."""
    full(database, *people(1))
    select(
        database,
        f"""
        ALTER TABLE acme.contacts SET (autovacuum_enabled = off);
        INSERT INTO acme.contacts (id, _synced_at)
        SELECT n::text, now() FROM generate_series(1, {ROWS}) n
        """,
    )
    with connected(database, "plans") as connection:
        yield Planned(connection)


LOOKED_UP = "Index Cond: (id = "  # a search of the index for each key, not a walk along it


def test_rows_that_were_not_seen_are_looked_up_by_their_keys(planned: Planned) -> None:
    assert LOOKED_UP in planned.unseen(BY_INDEX)


def test_rows_whose_keys_are_gone_are_looked_up_by_them(planned: Planned) -> None:
    keys = [[str(n) for n in range(1000)]]
    assert LOOKED_UP in planned.plan(BY_INDEX, planned.sql.mark_gone, keys)
    assert LOOKED_UP in planned.plan(BY_INDEX, planned.sql.mark_these_unseen, [*keys, LATER])


@pytest.mark.parametrize("name", ["merge", "merge_and_see", "refresh"])
def test_a_batch_is_looked_up_by_its_keys(planned: Planned, name: str) -> None:
    assert LOOKED_UP in planned.plan(BY_INDEX, getattr(planned.sql, name))


def test_what_was_not_seen_is_found_in_one_go(planned: Planned) -> None:
    plan = planned.plan(f"{BY_INDEX}; {AS_PLANNED}", planned.sql.find_unseen, [LATER])
    assert "Hash" in plan
    assert "Nested Loop" not in plan
