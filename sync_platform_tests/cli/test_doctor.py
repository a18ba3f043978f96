"""What is wrong with an installation, told by `sync-platform doctor` and `database url`."""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform_tests.cli.conftest import Command
from sync_platform_tests.environment import as_url
from sync_platform_tests.failing_fulls import full_syncs_fail


def findings(command: Command) -> dict[str, tuple[str, str]]:
    """Status and finding of each check."""
    result = command("doctor --json")
    rows = json.loads(result.stdout)
    wrong = any(row["status"] == "wrong" for row in rows)
    assert result.exit_code == (1 if wrong else 0)
    return {row["check"]: (row["status"], row["found"]) for row in rows}


def test_a_sound_installation_has_nothing_wrong(connect: Command, command: Command) -> None:
    connect()
    found = findings(command)
    assert list(found) == [
        "version",
        "settings",
        "connectors",
        "database",
        "keys",
        "acme-hubspot",
    ]
    assert {status for status, _ in found.values()} == {"good"}
    assert found["acme-hubspot"] == ("good", "active, 7 objects")
    assert "hubspot" in found["connectors"][1].split(", ")
    assert "acme-hubspot" in command("doctor").stdout


def test_a_wrong_setting_is_told_by_name(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_PLATFORM_FULL_SYNC_HOUR", "25")
    found = findings(command)
    assert found["settings"] == (
        "wrong",
        "SYNC_PLATFORM_FULL_SYNC_HOUR is '25'; it must be a whole hour from 0 to 23 (UTC).",
    )
    assert "database" not in found


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://ann:hush-0123@127.0.0.1:1/main"
    monkeypatch.setenv("SYNC_PLATFORM_DATABASE_URL", url)
    status, sentence = findings(command)["database"]
    assert status == "wrong"
    assert "127.0.0.1" in sentence
    assert "hush-0123" not in command("doctor").output
    refused = command("connections")
    assert refused.exit_code == 5
    assert sentence in refused.stderr


def test_keys_that_do_not_fit_the_secrets_are_told(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    monkeypatch.setenv("SYNC_PLATFORM_KEYS", Fernet.generate_key().decode())
    status, sentence = findings(command)["keys"]
    assert status == "wrong"
    assert "acme-hubspot" in sentence


def test_connections_that_need_a_person_are_told(
    connect: Command, command: Command, platform: Platform
) -> None:
    connect()
    connect("beta-hubspot")
    command("pause beta-hubspot")
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked"}))
    command("sync acme-hubspot")
    found = findings(command)
    assert found["acme-hubspot"] == (
        "wrong",
        "needs_reauth: HubSpot no longer accepts this sign-in. Reconnect acme-hubspot. "
        "Paused after failures: contacts.",
    )
    assert found["beta-hubspot"] == ("wrong", "paused: Paused by hand.")


def test_full_syncs_that_fail_are_told(
    connect: Command, command: Command, platform: Platform
) -> None:
    connect()
    full_syncs_fail(platform)
    status, told = findings(command)["acme-hubspot"]
    assert status == "wrong"
    assert told.startswith("contacts: no full sync has gone well since ")
    assert told in command("objects acme-hubspot").stdout


def test_a_faulty_connector_is_told_and_the_rest_is_looked_at(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect()
    (tmp_path / "broken.py").write_text("connector = 1\n")
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(tmp_path))
    found = findings(command)
    assert found["connectors"][0] == "wrong"
    assert str(tmp_path / "broken.py") in found["connectors"][1]
    assert found["database"][0] == "good"
    assert found["acme-hubspot"] == ("good", "active, 7 objects")


def test_the_databases_url_is_printed_for_other_tools(command: Command, database: str) -> None:
    assert command("database url").stdout == f"{as_url(database)}\n"
