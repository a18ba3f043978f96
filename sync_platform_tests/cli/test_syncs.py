"""Syncs in place and their history."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.engine.results import Target
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def connected(connect: Command) -> None:
    """acme-hubspot is connected."""
    connect()


def synced(command: Command, line: str) -> list[dict[str, Any]]:
    """The syncs that a command tells of as JSON; nothing else is on its standard output."""
    result = command(f"sync {line} --json")
    assert (result.exit_code, result.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_a_sync_brings_every_chosen_object_and_tells_how_it_went(
    command: Command, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 1200)
    command("objects acme-hubspot --choose contacts,owners")
    result = command("sync acme-hubspot")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, contacts, owners = result.stdout.splitlines()
    assert heading.split() == (
        ["object", "mode", "status", "fetched", "created", "updated", "deleted", "seconds"]
    )
    assert contacts.split()[:5] == ["contacts", "incremental", "succeeded", "1,200", "1,200"]
    assert owners.split()[:5] == ["owners", "full", "succeeded", "10", "10"]


def test_the_json_of_a_sync_is_all_that_is_on_standard_output(
    command: Command, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    (contacts,) = synced(command, "acme-hubspot contacts")
    assert (contacts["object"], contacts["mode"], contacts["status"]) == (
        "contacts",
        "incremental",
        "succeeded",
    )
    assert (contacts["fetched"], contacts["created"], contacts["unchanged"]) == (3, 3, 0)
    assert contacts["automatic"] is False


def test_a_full_sync_reads_everything(command: Command, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 3)
    synced(command, "acme-hubspot contacts")
    (contacts,) = synced(command, "acme-hubspot contacts --full")
    assert (contacts["mode"], contacts["fetched"], contacts["unchanged"]) == ("full", 3, 3)


def test_a_sync_since_a_date_reads_its_window_of_all_objects_that_can(
    command: Command, hubspot: HubSpot
) -> None:
    for day in ("01", "02", "03"):
        hubspot.add("contacts", lastmodifieddate=f"2026-02-{day}T12:00:00Z")
    found = synced(command, "acme-hubspot --since 2026-02-02 --until 2026-02-03")
    assert {each["object"] for each in found}.isdisjoint({"owners"})
    assert len(found) == 6
    contacts = found[0]
    assert (contacts["fetched"], contacts["mode"]) == (1, "from_date")
    assert (contacts["since"], contacts["until"]) == (
        "2026-02-02T00:00:00+00:00",
        "2026-02-03T00:00:00+00:00",
    )
    (later,) = synced(command, "acme-hubspot contacts --since 2026-02-02T13:00+01:00")
    assert (later["fetched"], later["since"]) == (2, "2026-02-02T12:00:00+00:00")


def test_what_an_object_cannot_do_is_refused_before_anything_is_read(
    command: Command, hubspot: HubSpot
) -> None:
    calls = sum(hubspot.calls.values())
    refused = command("sync acme-hubspot contacts owners --since 2026-01-01")
    assert refused.exit_code == 3
    assert "HubSpot owners can only be synced in full" in refused.stderr
    assert sum(hubspot.calls.values()) == calls


def test_an_object_that_is_not_there_is_told(command: Command) -> None:
    for line in ("sync acme-hubspot people", "history acme-hubspot people"):
        refused = command(line)
        assert refused.exit_code == 2
        assert "HubSpot has no object 'people'. It has: contacts, companies" in refused.stderr


@pytest.mark.parametrize("mode", ["", "--since 2026-11-01", "--computed"])
def test_only_a_full_sync_accepts_deletes(mode: str, command: Command, platform: Platform) -> None:
    refused = command(f"sync acme-hubspot contacts --accept-deletes {mode}")
    assert refused.exit_code == 2
    assert "Only a full sync finds deletes to accept: add --full." in refused.stderr
    assert platform.history("acme-hubspot") == []


def test_an_object_that_is_being_synced_already_is_refused_at_once_if_nobody_wants_to_wait(
    command: Command, platform: Platform
) -> None:
    with platform.leases.hold(Target("acme-hubspot", "contacts"), wait=timedelta(0)):
        refused = command("sync acme-hubspot contacts owners --wait 0")
    assert refused.exit_code == 3
    assert refused.stderr == (
        "sync-platform: acme-hubspot/contacts: acme-hubspot/contacts is being synced already.\n"
    )
    assert "owners" in refused.stdout


def test_an_object_that_fails_does_not_stop_the_others(command: Command, hubspot: HubSpot) -> None:
    hubspot.fail(kind="status", status=400, times=1, path="*/companies/search")
    result = command("sync acme-hubspot companies deals")
    assert result.exit_code == 6
    assert [line.split()[2] for line in result.stdout.splitlines()[1:]] == ["failed", "succeeded"]
    assert result.stderr.startswith("sync-platform: acme-hubspot/companies: HubSpot ")
    shown = command("history acme-hubspot").stdout
    assert "companies: HubSpot " in shown.splitlines()[-1]


def test_a_failing_sync_tells_json_on_standard_output_and_the_sentence_beside_it(
    command: Command, hubspot: HubSpot
) -> None:
    hubspot.fail(kind="status", status=400, times=1, path="*/companies/search")
    result = command("sync acme-hubspot companies --json")
    (failed,) = json.loads(result.stdout)
    assert (failed["status"], result.exit_code) == ("failed", 6)
    assert failed["error"] in result.stderr


def test_a_revoked_sign_in_ends_the_command_and_says_what_was_not_tried(
    command: Command, platform: Platform
) -> None:
    platform.credentials.save("acme-hubspot", Secret({"token": "revoked-0123456789"}))
    result = command("sync acme-hubspot")
    assert result.exit_code == 4
    assert len(result.stdout.splitlines()) == 2
    first, second = result.stderr.splitlines()
    assert first.endswith("HubSpot no longer accepts this sign-in. Reconnect acme-hubspot.")
    assert second == "sync-platform: The other objects were not tried (6)."
    assert "revoked-0123456789" not in result.output
    (row,) = json.loads(command("connections --json").stdout)
    assert (row["status"], row["outcome"]) == ("needs_reauth", "failed")
    told = "acme-hubspot: HubSpot no longer accepts this sign-in. Reconnect acme-hubspot."
    assert command("connections").stdout.splitlines()[-1] == told


def test_a_connection_of_which_nothing_is_chosen_has_nothing_to_sync(command: Command) -> None:
    command("objects acme-hubspot --choose owners")
    result = command("sync acme-hubspot --since 2026-01-01")
    assert (result.exit_code, result.stdout) == (0, "acme-hubspot has no object to sync so.\n")


def test_history_lists_the_latest_syncs_newest_first(command: Command, hubspot: HubSpot) -> None:
    assert command("history acme-hubspot").stdout == "acme-hubspot has not been synced yet.\n"
    assert json.loads(command("history acme-hubspot --json").stdout) == []
    synced(command, "acme-hubspot owners")
    synced(command, "acme-hubspot deals --full")
    found = json.loads(command("history acme-hubspot --json").stdout)
    assert [(each["object"], each["mode"]) for each in found] == [
        ("deals", "full"),
        ("owners", "full"),
    ]
    heading, deals, owners = command("history acme-hubspot").stdout.splitlines()
    assert heading.startswith("started (UTC)     object  mode  status")
    assert (deals.split()[2], owners.split()[2]) == ("deals", "owners")
    assert len(json.loads(command("history acme-hubspot --limit 1 --json").stdout)) == 1
    only = json.loads(command("history acme-hubspot owners --json").stdout)
    assert [each["object"] for each in only] == ["owners"]
    none = command("history acme-hubspot tickets").stdout
    assert none == "acme-hubspot/tickets has not been synced yet.\n"


def choose_one_that_is_gone(platform: Platform) -> None:
    """Of acme-hubspot are synced: contacts, fax_numbers, which its connector had once, owners."""
    chosen = [ObjectChoice(object=each) for each in ("contacts", "fax_numbers", "owners")]
    platform.store.choose_objects("acme-hubspot", chosen)


@pytest.mark.parametrize("named", ["", "owners fax_numbers contacts"])
def test_an_object_that_is_not_there_any_more_does_not_stop_the_others(
    command: Command, platform: Platform, named: str
) -> None:
    choose_one_that_is_gone(platform)
    result = command(f"sync acme-hubspot {named}")
    assert result.exit_code == 2
    synced = [line.split()[:3:2] for line in result.stdout.splitlines()[1:]]
    assert sorted(synced) == [["contacts", "succeeded"], ["owners", "succeeded"]]
    assert result.stderr == (
        "sync-platform: acme-hubspot/fax_numbers: HubSpot has no object 'fax_numbers' any more, so "
        "it was not synced; its table stays as it is. Choose the objects of acme-hubspot anew, on "
        "its page or with: sync-platform objects acme-hubspot --choose contacts,owners\n"
    )
    assert command("objects acme-hubspot --choose contacts,owners").exit_code == 0
    assert command("sync acme-hubspot").exit_code == 0


def test_a_sync_since_a_date_tells_of_what_is_gone_too(
    command: Command, platform: Platform
) -> None:
    choose_one_that_is_gone(platform)
    result = command("sync acme-hubspot --since 2026-01-01")
    assert result.exit_code == 2
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["contacts"]
    assert "has no object 'fax_numbers' any more" in result.stderr
