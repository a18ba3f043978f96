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
        prune_runs_after=7,
        public_url="http://127.0.0.1:8000",
        dagster_url="http://127.0.0.1:3000",
        dagster_internal_url=None,
        openid_issuer=None,
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
            "SYNC_PLATFORM_PRUNE_RUNS_AFTER": "30",
            "SYNC_PLATFORM_PUBLIC_URL": "https://Sync.example.com/",
            "SYNC_PLATFORM_DAGSTER_URL": "https://dagster.example.com/in/a/path/",
            "SYNC_PLATFORM_DAGSTER_INTERNAL_URL": "http://dagster:3000/in/a/path/",
            "SYNC_PLATFORM_ALLOW_HTTP": "Erp.internal, 10.0.0.5:8080,[FD00:0::5]:80,",
            "SYNC_PLATFORM_OIDC_ISSUER": "https://id.example.com/",
            "SYNC_PLATFORM_OIDC_CLIENT_ID": "sync",
            "SYNC_PLATFORM_OIDC_CLIENT_SECRET": "hush",
            "SYNC_PLATFORM_OIDC_ALLOWED_DOMAINS": "Example.com, example.org",
            "SYNC_PLATFORM_OIDC_ADMINS": "Ann@example.com",
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
        prune_runs_after=30,
        public_url="https://sync.example.com",
        dagster_url="https://dagster.example.com/in/a/path",
        dagster_internal_url="http://dagster:3000/in/a/path",
        allow_http=frozenset({"erp.internal", "10.0.0.5:8080", "[fd00::5]:80"}),
        openid_issuer="https://id.example.com/",
        openid_client_id="sync",
        openid_client_secret="hush",
        openid_domains=("example.com", "example.org"),
        openid_admins=("ann@example.com",),
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_env({"SYNC_PLATFORM_FULL_SYNC_HOUR": " "}).full_sync_hour == 2


@pytest.mark.parametrize("never", ["never", "0"])
def test_old_runs_may_be_kept_for_ever(never: str) -> None:
    assert Settings.from_env({"SYNC_PLATFORM_PRUNE_RUNS_AFTER": never}).prune_runs_after is None


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
        ("PRUNE_RUNS_AFTER", "-1", "is '-1'; it must be a whole number of days from 1 to 9999"),
        ("PRUNE_RUNS_AFTER", "7 days", "is '7 days'; it must be a whole number of days"),
        ("ALLOW_HTTP", "http://erp.internal", "is 'http://erp.internal'; write hosts with ','"),
        ("ALLOW_HTTP", "erp.internal/api", "is 'erp.internal/api'; write hosts"),
        ("ALLOW_HTTP", "ann:hush@erp.internal", "is 'erp.internal'; write hosts"),
        ("ALLOW_HTTP", "erp.internal:", "is 'erp.internal:'; write hosts"),
        ("ALLOW_HTTP", "erp.internal:70000", "is 'erp.internal:70000'; write hosts"),
        ("ALLOW_HTTP", "10.0.0.500", "is '10.0.0.500'; write hosts"),
        ("ALLOW_HTTP", "fd00::5", "is 'fd00::5'; write hosts"),
        ("ALLOW_HTTP", "erp.internal,*", "is '*'; write hosts"),
        ("ALLOW_HTTP", "true", "is 'true'; write hosts"),
        ("ALLOW_HTTP", "1", "is '1'; write hosts"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env({f"SYNC_PLATFORM_{name}": value})
    assert f"SYNC_PLATFORM_{name}" in str(refused.value)
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PUBLIC_URL", "sync.example.com", "not the address of a website"),
        ("PUBLIC_URL", "https://ann:hush@sync.example.com", "not the address of a website"),
        ("PUBLIC_URL", "https://sync.example.com:x", "not the address of a website"),
        ("PUBLIC_URL", "https://example.com/sync", "must be without a path"),
        ("DAGSTER_URL", "ftp://dagster", "not the address of a website"),
        ("OIDC_ISSUER", "http://id.example.com:81", "add id.example.com:81 to SYNC_PLATFORM_ALL"),
        ("OIDC_ISSUER", "http://10.0.0.300", "neither a name nor an address"),
        ("OIDC_CLIENT_ID", "sync", "only one is set"),
    ],
)
def test_addresses_that_cannot_be_are_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        Settings.from_env({f"SYNC_PLATFORM_{name}": value})
    assert name in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("issuer", "allowed"),
    [
        ("http://id.internal/realm", "id.internal"),
        ("http://id.internal", "id.internal:80"),
        ("http://[fd00:0::5]:8080", "[fd00::5]:8080"),
    ],
)
def test_an_issuer_whose_way_is_trusted_needs_no_encryption(issuer: str, allowed: str) -> None:
    given = {
        "SYNC_PLATFORM_OIDC_ISSUER": issuer,
        "SYNC_PLATFORM_OIDC_CLIENT_ID": "sync",
        "SYNC_PLATFORM_ALLOW_HTTP": allowed,
    }
    assert Settings.from_env(given).openid_issuer == issuer


def test_oauth_clients_come_by_the_name_of_their_connector_and_are_not_printed() -> None:
    settings = Settings.from_env(
        {
            "SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_ID": "app",
            "SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_SECRET": " hush ",
            "SYNC_PLATFORM_OAUTH_GOOGLE_SHEETS_CLIENT_ID": "sheets",
            "SYNC_PLATFORM_OAUTH_GOOGLE_SHEETS_CLIENT_SECRET": "hush-2",
            "SYNC_PLATFORM_OAUTH_XERO_CLIENT_ID": "",
        }
    )
    assert settings.oauth_clients == {
        "hubspot": ("app", "hush"),
        "google_sheets": ("sheets", "hush-2"),
    }
    assert "hush" not in repr(settings)


def test_half_an_oauth_client_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"HUBSPOT_CLIENT_ID is set, but .*_SECRET is not"):
        Settings.from_env({"SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_ID": "app"})
