"""OAuth clients and keys: given, listed without secrets, rotated."""

import json

import pytest
from cryptography.fernet import Fernet

from sync_platform.settings import Settings
from sync_platform.store.keys import load_or_make_keys
from sync_platform_tests.cli.conftest import Command

OTHER = Fernet.generate_key().decode()


def test_an_oauth_client_is_kept_listed_without_its_secret_and_forgotten(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = command("oauth-client set hubspot --client-id app-1", typed="app-secret-1\n")
    assert made.exit_code == 0, made.output
    assert "http://127.0.0.1:8723/callback" in made.stdout
    assert "http://127.0.0.1:8000/connect/callback" in made.stdout
    listed = command("oauth-client list --json")
    row = {"connector": "hubspot", "client_id": "app-1", "set_in": "store"}
    assert json.loads(listed.stdout) == [row]
    assert "app-secret-1" not in made.output + listed.output
    monkeypatch.setenv("SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_ID", "app-2")
    refused = command("oauth-client list")
    assert refused.exit_code == 2
    assert "SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_SECRET is not" in refused.stderr
    monkeypatch.setenv("SYNC_PLATFORM_OAUTH_HUBSPOT_CLIENT_SECRET", "app-secret-2")
    (row,) = json.loads(command("oauth-client list --json").stdout)
    assert row == {"connector": "hubspot", "client_id": "app-2", "set_in": "settings"}
    assert command("oauth-client remove hubspot").exit_code == 0
    refused = command("oauth-client remove hubspot")
    assert refused.exit_code == 2
    assert "No OAuth client of 'hubspot' is in the store." in refused.stderr


@pytest.mark.parametrize(
    ("line", "typed", "sentence"),
    [
        ("nope --client-id x", "s\n", "There is no connector 'nope'"),
        ("hubspot --client-id x --secret-stdin", "  \n", "HubSpot's OAuth client needs an id and"),
    ],
)
def test_an_oauth_client_that_cannot_be_is_refused(
    command: Command, line: str, typed: str, sentence: str
) -> None:
    refused = command(f"oauth-client set {line}", typed=typed)
    assert refused.exit_code == 2
    assert sentence in refused.stderr


def test_rotating_the_keys_lets_the_old_one_go(
    connect: Command, command: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    command("oauth-client set hubspot --client-id app-1", typed="app-secret-1\n")
    (old,) = load_or_make_keys(settings)
    monkeypatch.setenv("SYNC_PLATFORM_KEYS", f"{OTHER},{old}")
    found = {row["check"]: row for row in json.loads(command("doctor --json").stdout)}
    assert found["keys"]["status"] == "wrong"
    assert "2 secrets are not encrypted with the newest key" in found["keys"]["found"]
    assert "2 secrets are encrypted anew." in command("rotate-keys").stdout
    assert "0 secrets are encrypted anew." in command("rotate-keys").stdout
    monkeypatch.setenv("SYNC_PLATFORM_KEYS", OTHER)
    assert command("doctor").exit_code == 0
    assert command("sync acme-hubspot owners").exit_code == 0


def test_a_secret_that_no_key_opens_is_named_and_left(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    monkeypatch.setenv("SYNC_PLATFORM_KEYS", OTHER)
    refused = command("rotate-keys")
    assert refused.exit_code == 2
    assert "No key opens these, so they stay as they are: credentials: acme-hubspot." in (
        refused.stderr
    )
    monkeypatch.delenv("SYNC_PLATFORM_KEYS")
    assert command("sync acme-hubspot owners").exit_code == 0
