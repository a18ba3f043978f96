"""People and API keys, by commands."""

import json

import pytest

from sync_platform.engine.access import Scope
from sync_platform.platform import Platform
from sync_platform_tests.cli.conftest import Command


def test_a_link_for_the_first_admin(command: Command, platform: Platform) -> None:
    result = command("admin-link ann@example.com")
    assert result.exit_code == 0
    link = result.stdout.strip()
    assert link.startswith("http://127.0.0.1:8000/welcome/")
    assert "works once" in result.stderr
    assert platform.access.whose_link(link.rpartition("/")[2]).email == "ann@example.com"
    assert command("admin-link no-address").exit_code == 2


def test_people_are_added_listed_and_disabled(command: Command) -> None:
    command("admin-link ann@example.com")
    added = command("people add bob@example.com --name Bob")
    assert "/welcome/" in added.stdout
    assert command("people add bob@example.com").exit_code == 3
    assert command("people disable bob@example.com").exit_code == 0
    rows = json.loads(command("people list --json").stdout)
    told = [(row["email"], row["role"], row["disabled"]) for row in rows]
    assert told == [("ann@example.com", "admin", False), ("bob@example.com", "member", True)]
    command("people enable bob@example.com")
    assert "True" not in command("people list").stdout
    assert command("people disable ann@example.com").exit_code == 3
    assert command("people disable eve@example.com").exit_code == 2


def test_keys_are_made_listed_and_revoked(command: Command, platform: Platform) -> None:
    made = command("api-key create report --scope read --scope sync --workspace acme")
    text = made.stdout.strip()
    caller = platform.access.by_key(text)
    assert caller is not None
    assert caller.scopes == {Scope.READ, Scope.SYNC}
    (row,) = json.loads(command("api-key list --json").stdout)
    assert (row["name"], row["scopes"], row["workspaces"]) == ("report", ["read", "sync"], ["acme"])
    assert text not in command("api-key list").stdout
    assert command("api-key revoke report").exit_code == 0
    assert platform.access.by_key(text) is None
    assert command("api-key revoke report").exit_code == 2


@pytest.mark.parametrize("line", ["people list", "api-key list"])
def test_an_empty_list_says_so(command: Command, line: str) -> None:
    assert command(line).stdout.startswith(("There is nobody", "There are no API keys"))
