import psycopg
import pytest
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sync_platform import errors
from sync_platform.destination.postgres import PostgresDestination
from sync_platform.destination.sessions import connected, translated
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import (
    CONTACTS,
    FIELDS,
    destination,
    load,
    needs,
    people,
    progress,
    select,
)


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
        (pg.ObjectInUse, errors.StoreUnavailable),
        (pg.ObjectNotInPrerequisiteState, errors.ConfigurationError),
        (pg.ReadOnlySqlTransaction, errors.StoreUnavailable),
        (pg.IdleInTransactionSessionTimeout, errors.StoreUnavailable),
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


def test_a_database_that_takes_no_writes_is_an_outage(database: str) -> None:
    load(database, *people(1))
    platform = PostgresDestination(database)  # of a process that outlives it
    name = conninfo_to_dict(database)["dbname"]
    read_only = f"ALTER DATABASE {name} SET default_transaction_read_only"
    select(database, f"{read_only} = on; DROP EVENT TRIGGER sync_platform_keeps_shape")
    told = "took no writes: cannot execute .* in a read-only transaction"
    for fields in (FIELDS, (*FIELDS, Field("phone"))):
        with (
            pytest.raises(errors.StoreUnavailable, match=told),
            platform.open(CONTACTS, fields, sync="s2") as loader,
        ):
            loader.begin(progress("s2"), resume=False)
    writes = make_conninfo(database, options="-c default_transaction_read_only=off")
    select(writes, f"{read_only} = off")
    with platform.open(CONTACTS, FIELDS, sync="s3"):
        locked = "SELECT count(*) FROM pg_event_trigger WHERE evtname ~ 'keeps_shape'"
        assert select(database, locked) == [1]


@pytest.mark.parametrize(
    "built",
    [
        "CREATE RULE theirs AS ON INSERT TO acme.contacts DO ALSO NOTIFY contacts",
        "CREATE PUBLICATION theirs FOR TABLE acme.contacts WHERE (age > 1)",
        "ALTER TABLE acme.contacts REPLICA IDENTITY NOTHING;"
        " CREATE PUBLICATION theirs FOR TABLE acme.contacts",
        "UPDATE acme.contacts SET age = 1; ALTER TABLE acme.contacts ALTER age SET NOT NULL;"
        " ALTER TABLE acme.contacts ALTER age ADD GENERATED ALWAYS AS IDENTITY",
    ],
    ids=["a rule", "a publication", "no identity", "an identity column"],
)
def test_what_somebody_built_that_no_sync_can_write_past_is_told_as_that(
    database: str, built: str
) -> None:
    load(database, *people(2))
    needs(database, 15 if " WHERE " in built else 14)
    select(database, built)
    with pytest.raises(errors.ConfigurationError, match="that somebody built on the table"):
        load(database, {"id": "1", "age": 5}, sync="s2")


IMPATIENT = """
    CREATE FUNCTION give_up() RETURNS event_trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'canceling statement due to lock timeout' USING ERRCODE = '55P03'; END $$;
    CREATE EVENT TRIGGER impatient ON ddl_command_start WHEN TAG IN ('ALTER TABLE')
        EXECUTE FUNCTION give_up();
"""


def test_a_table_that_somebody_holds_is_told_with_who_it_is_and_that_it_goes_on_by_itself(
    database: str,
) -> None:
    load(database, *people(1))
    select(database, IMPATIENT)  # nobody waits for half a minute
    reads = make_conninfo(database, application_name="a report")
    with psycopg.connect(reads) as reader:
        reader.execute("SELECT FROM acme.contacts")
        with (
            pytest.raises(errors.StoreUnavailable) as told,
            destination(database).open(CONTACTS, (*FIELDS, Field("phone")), sync="s2"),
        ):
            pass
        pid, user = reader.info.backend_pid, reader.info.user
    assert str(told.value).startswith(
        "While preparing acme.contacts, a lock was waited for in vain: somebody's transaction had "
        f"acme.contacts: pid {pid} (a report, user {user}, begun "
    )
    assert str(told.value).endswith("it goes on by itself once that has ended.")
    assert "password" not in str(told.value.evidence)


def test_a_lock_that_nobody_has_any_more_is_told_without_a_name(database: str) -> None:
    load(database, *people(1))
    select(database, IMPATIENT)
    with (
        pytest.raises(errors.StoreUnavailable, match="somebody had locked the table"),
        destination(database).open(CONTACTS, (*FIELDS, Field("phone")), sync="s2"),
    ):
        pass
