"""Connecting, listing, choosing, pausing and disconnecting."""

import json
from contextlib import suppress

import psycopg
import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.errors import TooManyDeletes
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.cli.conftest import Command

NONE = "Nothing is connected. Begin with: sync-platform connect hubspot acme-hubspot\n"
OBJECTS = "contacts, companies, deals, tickets, products, line_items, owners"


def test_an_account_is_connected_with_the_token_from_standard_input(
    connect: Command, command: Command
) -> None:
    assert command("connections").stdout == NONE
    made = connect()
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout == (
        f"Connected acme-hubspot. Objects: {OBJECTS}.\n"
        "Tables go to the schema acme_hubspot. Start with: sync-platform sync acme-hubspot\n"
    )
    (row,) = json.loads(command("connections --json").stdout)
    assert row == {
        "name": "acme-hubspot",
        "label": None,
        "connector": "hubspot",
        "schema": "acme_hubspot",
        "status": "active",
        "objects": 7,
        "last_sync": None,
        "outcome": None,
        "reason": None,
    }


def test_a_token_that_is_typed_is_not_shown(command: Command, hubspot: HubSpot) -> None:
    made = command(
        f"connect hubspot acme-hubspot --base-url {hubspot.url}", typed="sandbox-token\n"
    )
    assert made.exit_code == 0
    assert made.stdout.startswith("Private app token: \nConnected acme-hubspot.")
    assert "sandbox-token" not in made.output


def test_objects_and_schema_can_be_chosen_when_connecting(
    connect: Command, command: Command
) -> None:
    assert connect(more="--objects contacts,deals --schema customers").exit_code == 0
    (row,) = json.loads(command("connections --json").stdout)
    assert (row["schema"], row["objects"]) == ("customers", 2)


def test_a_bad_token_is_told_without_showing_it_and_nothing_is_kept(
    connect: Command, command: Command
) -> None:
    refused = connect(token="bad-0123456789")
    assert refused.exit_code == 4
    assert refused.stdout == ""
    assert refused.stderr == (
        "sync-platform: HubSpot does not accept these credentials, so acme-hubspot was not "
        "connected. Check them and try again.\n"
    )
    assert command("connections").stdout == NONE


def test_connecting_again_renews_the_token_and_a_bad_one_leaves_the_old(
    connect: Command, command: Command, hubspot: HubSpot
) -> None:
    connect()
    refused = connect(token="bad-0123456789")
    assert refused.exit_code == 4
    assert "so acme-hubspot keeps the ones it had" in refused.stderr
    assert command("sync acme-hubspot owners").exit_code == 0
    renewed = connect()
    assert renewed.exit_code == 0
    assert renewed.stdout == (
        "acme-hubspot is signed in anew; tables, cursors and history are kept.\n"
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nope acme", "There is no connector 'nope'. There are: "),
        ("hubspot Acme!", "'Acme!' cannot be a connection's name"),
        ("hubspot acme --schema public", "The schema 'public' is reserved; choose another."),
        ("hubspot acme --objects people", "HubSpot has no object 'people'. It has: contacts,"),
    ],
)
def test_what_cannot_be_connected_is_told_before_the_vendor_is_asked(
    line: str, sentence: str, command: Command
) -> None:
    refused = command(f"connect {line} --token-stdin", typed="sandbox-token")
    assert refused.exit_code == 2
    assert sentence in refused.stderr


def test_an_unknown_connector_is_told_before_the_token_is_asked_for(command: Command) -> None:
    refused = command("connect nope acme")
    assert refused.exit_code == 2
    assert "Token" not in refused.output


def test_an_empty_token_is_refused(connect: Command) -> None:
    refused = connect(token="")
    assert refused.exit_code == 2
    assert "No token was given" in refused.stderr


def test_a_setting_that_is_not_name_equals_value_is_a_usage_error(command: Command) -> None:
    refused = command("connect hubspot acme --setting burst --token-stdin", typed="t")
    assert refused.exit_code == 2
    assert "--setting 'burst' is not NAME=VALUE." in refused.stderr


def test_objects_are_listed_with_what_they_can_do_and_where_they_stand(
    connect: Command, command: Command, hubspot: HubSpot
) -> None:
    connect()
    hubspot.add("contacts", email="ada@example.com")
    command("sync acme-hubspot contacts")
    rows = {row["object"]: row for row in json.loads(command("objects acme-hubspot --json").stdout)}
    contacts, owners = rows["contacts"], rows["owners"]
    assert contacts.pop("cursor").endswith("+00:00")
    assert contacts == {
        "object": "contacts",
        "chosen": True,
        "incremental": True,
        "sees_deletes": True,
        "writable": True,
        "interval_seconds": 900,
        "paused": False,
        "full_failing": None,
        "filters": [],
    }
    assert (owners["incremental"], owners["sees_deletes"], owners["cursor"]) == (False, False, None)
    heading, first, *_ = command("objects acme-hubspot").stdout.splitlines()
    assert heading.split("  ")[0] == "object"
    assert "cursor (UTC)" in heading
    assert first.split()[:5] == ["contacts", "yes", "yes", "yes", "yes"]
    assert "15 min" in first


def test_the_objects_to_sync_are_chosen(connect: Command, command: Command) -> None:
    connect()
    rows = json.loads(command("objects acme-hubspot --choose contacts,owners --json").stdout)
    assert [row["object"] for row in rows if row["chosen"]] == ["contacts", "owners"]
    refused = command("objects acme-hubspot --choose people")
    assert refused.exit_code == 2
    assert "HubSpot has no object 'people'" in refused.stderr


def test_a_connection_is_paused_and_resumed(connect: Command, command: Command) -> None:
    connect()
    paused = command("pause acme-hubspot")
    assert (
        paused.stdout == "acme-hubspot is paused. Go on with: sync-platform resume acme-hubspot\n"
    )
    (row,) = json.loads(command("connections --json").stdout)
    assert (row["status"], row["reason"]) == ("paused", "Paused by hand.")
    assert command("resume acme-hubspot").stdout == "acme-hubspot syncs by itself again.\n"
    (row,) = json.loads(command("connections --json").stdout)
    assert (row["status"], row["reason"]) == ("active", None)
    resumed = command("resume acme-hubspot contacts")
    assert resumed.stdout == "acme-hubspot/contacts syncs by itself again.\n"


def test_whoever_resumes_a_connection_is_told_what_waits_all_the_same(
    connect: Command, command: Command, platform: Platform
) -> None:
    connect()
    recording = platform.past.record(
        Target("acme-hubspot", "contacts"),
        mode=SyncMode.FULL,
        window=SyncWindow(),
        started_at=platform.clock.now(),
    )
    with suppress(TooManyDeletes), recording:
        raise TooManyDeletes("Too many contacts.")
    told = command("resume acme-hubspot").stdout
    assert told == (
        "acme-hubspot syncs by itself again.\nWhat still waits for a person: Too many contacts.\n"
    )


def test_a_connection_is_renamed_by_a_label(connect: Command, command: Command) -> None:
    connect()
    assert "label" not in command("connections").stdout.splitlines()[0].split()
    assert command("rename acme-hubspot Sales").stdout == "acme-hubspot is called Sales now.\n"
    (row,) = json.loads(command("connections --json").stdout)
    assert (row["name"], row["label"]) == ("acme-hubspot", "Sales")
    assert command("connections").stdout.splitlines()[1].split()[:2] == ["acme-hubspot", "Sales"]
    assert command("rename acme-hubspot").stdout == "acme-hubspot has no label now.\n"
    (row,) = json.loads(command("connections --json").stdout)
    assert row["label"] is None
    assert command(f"rename acme-hubspot {'x' * 81}").exit_code == 2


def test_a_disconnected_connection_is_gone_and_its_tables_stay(
    connect: Command, command: Command, hubspot: HubSpot, platform: Platform
) -> None:
    connect()
    hubspot.add("contacts", email="ada@example.com")
    command("sync acme-hubspot contacts")
    gone = command("disconnect acme-hubspot")
    assert gone.stdout == "acme-hubspot is disconnected. Its tables stay where they are.\n"
    assert json.loads(command("connections --json").stdout) == []
    with psycopg.connect(platform.database_url) as postgres:
        found = postgres.execute("SELECT email FROM acme_hubspot.contacts").fetchall()
    assert found == [("ada@example.com",)]


def test_tables_that_a_disconnected_connection_left_locked_are_unlocked_by_doing_it_again(
    connect: Command, command: Command, hubspot: HubSpot, platform: Platform
) -> None:
    connect()
    command("sync acme-hubspot contacts")
    platform.store.remove("acme-hubspot")  # as if killed then
    again = command("disconnect acme-hubspot")
    assert again.stdout == (
        "acme-hubspot was disconnected before, but its tables were still locked. They are unlocked "
        "now, and stay where they are.\n"
    )
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("DROP SCHEMA acme_hubspot CASCADE")
    assert command("disconnect acme-hubspot").exit_code == 2


def test_a_connection_that_is_not_there_is_told_by_every_command(command: Command) -> None:
    for line in ("objects", "sync", "history", "pause", "resume", "rename", "disconnect"):
        refused = command(f"{line} acme-hubspot")
        assert refused.exit_code == 2
        assert refused.stderr.startswith("sync-platform: There is no connection 'acme-hubspot'.")
        assert refused.stdout == ""


def test_connectors_are_listed_with_what_they_can_do(command: Command) -> None:
    rows = {row["name"]: row for row in json.loads(command("connectors --json").stdout)}
    assert rows["hubspot"] == {
        "name": "hubspot",
        "label": "HubSpot",
        "sign_in": ["OAuth", "token"],
        "interval_seconds": 900,
        "two_way": True,
        "objects": OBJECTS.split(", "),
    }
    lines = [line.split() for line in command("connectors").stdout.splitlines()[1:]]
    assert [line[0] for line in lines] == sorted(rows)
    assert ["hubspot", "HubSpot", "OAuth,", "token"] in [line[:4] for line in lines]


def test_records_are_filtered_by_object_until_the_filter_is_taken_away(
    connect: Command, command: Command
) -> None:
    connect()
    listed = "objects acme-hubspot --json"
    rows = json.loads(command(f"{listed} --filter contacts.created_within=90").stdout)
    assert {row["object"]: row["filters"] for row in rows}["contacts"] == ["created_within=90"]
    rows = json.loads(command(f"{listed} --filter contacts.created_within=").stdout)
    assert not any(row["filters"] for row in rows)
    refused = command("objects acme-hubspot --filter contacts.colour=red")
    assert refused.exit_code == 3
    assert "no filter 'colour'" in refused.stderr
    assert command("objects acme-hubspot --filter contacts").exit_code == 2
