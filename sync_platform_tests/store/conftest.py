"""A migrated store with one connection in it, and a clock that a test turns by hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice
from sync_platform.store.addresses import conninfo
from sync_platform.store.connections import Connections
from sync_platform.store.database import Database
from sync_platform.store.pool import Pool


class HandClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(database: str) -> Iterator[Database]:
    """An empty store. Waiting long for a lock is an error in tests, not a hang."""
    made = Database(make_conninfo(database, options="-c lock_timeout=20s"))
    made.apply_migrations()
    yield made
    made.close()


@pytest.fixture
def acme(store: Database, clock: HandClock) -> Connection:
    """A connection of two objects that is registered."""
    return Connections(store, clock).register(
        Connection(
            name="acme-hubspot",
            connector="hubspot",
            schema="acme_hubspot",
            objects=[ObjectChoice(object="contacts"), ObjectChoice(object="deals")],
        )
    )


@pytest.fixture
def pools() -> Iterator[Callable[..., Pool]]:
    """Makes pools that are closed after the test."""
    with ExitStack() as open_until_the_end:

        def made(at: str, **how: float) -> Pool:
            return open_until_the_end.enter_context(closing(Pool(at, **how)))

        yield made


@pytest.fixture
def pool(database: str, pools: Callable[..., Pool]) -> Pool:
    return pools(conninfo(database))


@pytest.fixture
def other(database: str) -> Iterator[psycopg.Connection]:
    """Somebody else's session with the same database."""
    with psycopg.connect(database, autocommit=True) as session:
        yield session
