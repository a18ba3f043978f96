from psycopg.conninfo import make_conninfo

from sync_platform.destination.sessions import connected


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
