from datetime import date
from pathlib import Path

import pytest

from sync_platform.errors import ConfigurationError
from sync_platform.settings import Settings

KEY, OLDER = "A" * 43 + "=", "_" * 42 + "8="


def test_without_variables_everything_has_a_default() -> None:
    assert Settings.from_env({}) == Settings(
        home=Path.cwd() / ".sync_platform",
        database_url=None,
        keys=None,
        connector_folders=(),
        first_day=date(2024, 1, 1),
        grain="day",
        full_sync_hour=2,
        delete_share=0.5,
    )


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "SYNC_PLATFORM_HOME": "/var/lib/sync",
            "SYNC_PLATFORM_DATABASE_URL": "postgresql://ann:hush@db/main",
            "SYNC_PLATFORM_KEYS": f"{KEY}, {OLDER}",
            "SYNC_PLATFORM_CONNECTORS": "/opt/ours:theirs:",
            "SYNC_PLATFORM_FIRST_DAY": "2025-06-30",
            "SYNC_PLATFORM_PARTITION_GRAIN": "week",
            "SYNC_PLATFORM_FULL_SYNC_HOUR": "0",
            "SYNC_PLATFORM_MAX_DELETE_SHARE": "1",
        }
    )
    assert settings == Settings(
        home=Path("/var/lib/sync"),
        database_url="postgresql://ann:hush@db/main",
        keys=(KEY, OLDER),
        connector_folders=(Path("/opt/ours"), Path.cwd() / "theirs"),
        first_day=date(2025, 6, 30),
        grain="week",
        full_sync_hour=0,
        delete_share=1.0,
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_env({"SYNC_PLATFORM_FULL_SYNC_HOUR": " "}).full_sync_hour == 2


def test_neither_passwords_nor_keys_are_printed() -> None:
    shown = repr(Settings(home=Path("/x"), database_url="postgresql://a:hush@b/c", keys=(KEY,)))
    assert "hush" not in shown
    assert KEY not in shown


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_url_may_be_written_as_others_write_it(scheme: str) -> None:
    url = {"SYNC_PLATFORM_DATABASE_URL": f"{scheme}://postgres:@/postgres?host=/run/pg"}
    expected = "postgresql://postgres:@/postgres?host=/run/pg"
    assert Settings.from_env(url).database_url == expected


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://a:hush@b/c", "is 'mysql://…'; the database must be Postgres"),
        ("DATABASE_URL", "hush", "is not a url"),
        ("KEYS", f"{KEY},hush", "key 2 of 2 is not a Fernet key"),
        ("KEYS", ",", "the list is not a Fernet key"),
        ("FIRST_DAY", "2024-02-30", "is '2024-02-30'; write a date such as 2024-01-31"),
        ("PARTITION_GRAIN", "hour", "is 'hour'; it must be day, week or month"),
        ("FULL_SYNC_HOUR", "24", "is '24'; it must be a whole hour from 0 to 23"),
        ("FULL_SYNC_HOUR", "2.5", "is '2.5'; it must be a whole hour"),
        ("MAX_DELETE_SHARE", "1.01", "is '1.01'; it must be a share from 0 to 1"),
        ("MAX_DELETE_SHARE", "nan", "is 'nan'; it must be a share"),
        ("MAX_DELETE_SHARE", "half", "is 'half'; it must be a share"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env({f"SYNC_PLATFORM_{name}": value})
    assert f"SYNC_PLATFORM_{name}" in str(refused.value)
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)
