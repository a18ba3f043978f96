"""What changed in the vendor's fields: asked for, and told later."""

import json
from datetime import UTC, datetime

import psycopg
import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform_tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def connected(connect: Command) -> None:
    connect(more="--objects contacts,deals,owners")


def test_nothing_changed(command: Command) -> None:
    assert command("discover acme-hubspot").stdout == "Nothing changed.\n"
    assert command("discoveries acme-hubspot").stdout == (
        "Nothing of acme-hubspot has changed since it was connected.\n"
    )


def test_what_changed_at_the_vendor_is_told_in_sentences_and_once(
    command: Command, hubspot: HubSpot
) -> None:
    hubspot.add_property("contacts", "shoe_size", "number")
    hubspot.add_property("deals", "mood")
    found = command("discover acme-hubspot")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout == (
        "contacts: The field 'shoe_size' is new (number).\ndeals: The field 'mood' is new (text).\n"
    )
    assert command("discover acme-hubspot").stdout == "Nothing changed.\n"


def test_an_object_that_cannot_be_asked_for_keeps_no_other_from_it(
    command: Command, hubspot: HubSpot
) -> None:
    command("objects acme-hubspot --choose contacts,companies,tickets,deals")
    command("discover acme-hubspot")
    for name in ("contacts", "companies", "tickets", "deals"):
        hubspot.add_property(name, "fresh")
    for name in ("companies", "tickets"):
        hubspot.fail(status=403, path=f"/crm/v3/properties/{name}", times=9)
    found = command("discover acme-hubspot")
    assert found.stdout == (
        "contacts: The field 'fresh' is new (text).\ndeals: The field 'fresh' is new (text).\n"
    )
    assert found.exit_code == 4
    assert "sync-platform: The fields of companies could not be asked for: " in found.stderr
    assert " The fields of tickets could not be asked for: " in found.stderr


def test_where_the_sign_in_is_refused_the_others_are_not_asked_for(
    command: Command, hubspot: HubSpot
) -> None:
    hubspot.tokens.clear()
    before = hubspot.calls.total()
    found = command("discover acme-hubspot")
    assert (found.exit_code, found.stdout) == (4, "")
    assert "The fields of contacts could not be asked for: " in found.stderr
    assert found.stderr.endswith(" Not asked for: deals, owners.\n")
    assert hubspot.calls.total() == before + 1


def test_new_objects_of_the_account_are_told_first(command: Command) -> None:
    with serve(Airtable()) as airtable:
        base = airtable.add_base("CRM")
        airtable.add_table(base, "Teams", Name="singleLineText")
        line = f"connect airtable crm --token-stdin --base-url {airtable.url}"
        assert command(line, typed="sandbox-token\n").exit_code == 0
        airtable.add_table(base, "People", Name="singleLineText")
        told = "people: There is a new object 'people' (People (CRM)).\n"
        assert command("discover crm teams").stdout == "Nothing changed.\n"
        assert command("discover crm").stdout == told


def test_only_the_objects_that_are_named_are_asked_for(command: Command, hubspot: HubSpot) -> None:
    hubspot.add_property("contacts", "shoe_size", "number")
    assert command("discover acme-hubspot deals owners").stdout == "Nothing changed.\n"
    assert "shoe_size" in command("discover acme-hubspot deals contacts").stdout
    assert command("discover acme-hubspot nothing").exit_code == 2


def test_a_discovered_field_gets_its_column_by_the_next_sync_of_whatever_mode(
    command: Command, platform: Platform, hubspot: HubSpot
) -> None:
    command("sync acme-hubspot contacts")
    hubspot.add_property("contacts", "shoe_size", "number")
    hubspot.add("contacts", shoe_size="42")
    command("discover acme-hubspot")
    assert command("sync acme-hubspot contacts").exit_code == 0
    with psycopg.connect(platform.database_url) as postgres:
        rows = postgres.execute("SELECT shoe_size FROM acme_hubspot.contacts").fetchall()
    assert rows == [(42,)]


def test_changes_are_listed_newest_first_with_their_moment(
    command: Command, hubspot: HubSpot
) -> None:
    for name in ("first", "second"):
        hubspot.add_property("contacts", name)
        command("discover acme-hubspot")
    today = datetime.now(UTC).strftime("%Y-%m-")
    heading, *lines = command("discoveries acme-hubspot").stdout.splitlines()
    assert heading.split() == ["found", "(UTC)", "object", "what", "changed"]
    assert [line.split("contacts")[1].strip() for line in lines] == [
        "The field 'second' is new (text).",
        "The field 'first' is new (text).",
    ]
    assert all(line.startswith(today) for line in lines)
    second, _ = json.loads(command("discoveries acme-hubspot contacts --json").stdout)
    assert second.pop("found_at").startswith(today)
    assert second == {
        "object": "contacts",
        "field": "second",
        "kind": "added",
        "before": None,
        "after": "text",
    }
    assert json.loads(command("discoveries acme-hubspot deals --json").stdout) == []
    assert command("discoveries acme-hubspot nothing").exit_code == 2


def test_what_a_full_sync_finds_is_listed_too(command: Command, hubspot: HubSpot) -> None:
    hubspot.add_property("contacts", "shoe_size", "number")
    command("sync acme-hubspot contacts --full")
    assert "'shoe_size' is new" in command("discoveries acme-hubspot").stdout


def test_what_a_sync_mended_in_its_table_is_listed_too(
    command: Command, platform: Platform
) -> None:
    command("sync acme-hubspot contacts")
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute("ALTER TABLE acme_hubspot.contacts RENAME COLUMN email TO mail")
    command("sync acme-hubspot contacts")
    _, line = command("discoveries acme-hubspot contacts").stdout.splitlines()
    assert line.endswith("contacts  The column email was renamed to mail, and has its name back.")
