import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from sync_platform import errors
from sync_platform.destination.sessions import connected, translated


def test_a_server_that_is_gone_is_noticed_within_a_minute(database: str) -> None:
    with connected(database, "a test") as connection:
        asked = connection.info.get_parameters()
    assert (asked["keepalives_idle"], asked["keepalives_interval"]) == ("30", "10")
    assert asked["connect_timeout"] == "10"
    assert asked["application_name"] == "a test"


def test_the_urls_own_word_on_that_counts(database: str) -> None:
    with connected(make_conninfo(database, keepalives_idle=5), "a test") as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "5"


def test_the_server_notices_a_machine_of_ours_that_is_gone_and_so_frees_its_locks(
    database: str,
) -> None:
    with connected(make_conninfo(database, options="-c work_mem=8MB"), "a test") as connection:
        given = connection.execute(
            "SELECT name FROM pg_settings WHERE source = 'client' AND name = ANY (%s) ORDER BY 1",
            [["tcp_keepalives_idle", "tcp_keepalives_interval", "work_mem"]],
        ).fetchall()
    assert given == [("tcp_keepalives_idle",), ("tcp_keepalives_interval",), ("work_mem",)]


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (pg.ProgramLimitExceeded, errors.RowDoesNotFit),
        (pg.StatementTooComplex, errors.RowDoesNotFit),
        (pg.TooManyArguments, errors.RowDoesNotFit),
        (pg.TooManyColumns, errors.ConfigurationError),
        (pg.NumericValueOutOfRange, errors.RowDoesNotFit),
        (pg.CheckViolation, errors.RowDoesNotFit),
        (pg.InsufficientPrivilege, errors.ConfigurationError),
        (pg.LockNotAvailable, errors.StoreUnavailable),
        (pg.ConfigurationLimitExceeded, errors.StoreUnavailable),
        (pg.TooManyConnections, errors.StoreUnavailable),
        (pg.OutOfMemory, errors.StoreUnavailable),
        (pg.DiskFull, errors.StoreUnavailable),
        (pg.AdminShutdown, errors.StoreUnavailable),
        (pg.CrashShutdown, errors.StoreUnavailable),
        (pg.CannotConnectNow, errors.StoreUnavailable),
        (pg.DeadlockDetected, errors.StoreUnavailable),
        (pg.SerializationFailure, errors.StoreUnavailable),
        (psycopg.OperationalError, errors.StoreUnavailable),
        (psycopg.InterfaceError, errors.StoreUnavailable),
        (pg.RaiseException, errors.RowDoesNotFit),
        (pg.UndefinedFunction, errors.Unexpected),
    ],
)
def test_only_what_may_pass_is_tried_again(
    raised: type[psycopg.Error], ours: type[errors.SyncPlatformError]
) -> None:
    with pytest.raises(errors.SyncPlatformError) as told, translated("loading rows"):
        raise raised("what Postgres said")
    assert type(told.value) is ours
    assert "loading rows" in str(told.value)


def test_a_value_too_long_for_an_index_is_no_outage(database: str) -> None:
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 9000)))  # no two alike: it does not compress
    with connected(database, "a test") as connection:
        connection.execute("CREATE TABLE contacts (email text UNIQUE)")
        told = r"limits: index row .* someone made an index"
        with pytest.raises(errors.RowDoesNotFit, match=told), translated("loading"):
            connection.execute("INSERT INTO contacts VALUES (%s)", [long])
