import pytest

from sync_platform.errors import ConfigurationError
from sync_platform.store.addresses import (
    conninfo,
    described,
    parameters,
    without_password,
)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s%40crit@db:5433/main?sslmode=require",
        "postgres://ann:s%40crit@db:5433/main?sslmode=require",
        "postgresql+psycopg://ann:s%40crit@db:5433/main?sslmode=require",
        "host=db port=5433 user=ann password=s@crit dbname=main sslmode=require",
    ],
)
def test_every_form_of_an_address_means_the_same(url: str) -> None:
    assert parameters(url) == {
        "user": "ann",
        "password": "s@crit",
        "host": "db",
        "port": "5433",
        "dbname": "main",
        "sslmode": "require",
    }


def test_a_socket_s_folder_is_the_host() -> None:
    url = "postgresql://postgres:@/postgres?host=/var/run/a%20b"
    assert parameters(url) == {"user": "postgres", "dbname": "postgres", "host": "/var/run/a b"}
    assert "password" not in conninfo(url)


def test_our_sessions_are_in_utc_and_the_url_s_own_options_stay() -> None:
    made = parameters(conninfo("postgresql:///x?options=-c%20work_mem%3D8MB", {"a.b": "1"}))
    options = made["options"]
    assert options.startswith("-c work_mem=8MB -c timezone=UTC ")
    assert options.endswith(" -c a.b=1")
    assert made["application_name"] == "sync_platform"
    assert parameters(conninfo("dbname=x application_name=me"))["application_name"] == "me"


def test_the_server_finds_out_soon_that_our_machine_is_gone() -> None:
    options = parameters(conninfo("postgresql:///x"))["options"]
    assert "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10" in options


@pytest.mark.parametrize("url", ["postgresql://ann:pa ss@/:x@y:z", "what", "mysql://a:hush@b/c"])
def test_an_unreadable_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parameters(url)
    assert url not in str(refused.value)
    assert "hush" not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_a_description_has_no_user_and_no_password() -> None:
    assert described("postgresql://ann:hush@db:5433/main") == "'main' at db:5433"
    assert without_password("no hushhush here", "postgresql://a:hushhush@db/x") == "no … here"
