"""Fields and tables of Airtable that are renamed, removed and computed."""

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.errors import NotPermitted, ObjectGone
from sync_platform_tests.journeys.airtable.stage import Stage


def test_a_rename_that_nobody_discovered_yet_loses_nothing(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada", Mail="ada@example.com")
    crm.sync("people")
    crm.vendor.rename_field("People", "Mail", "Name 2")
    crm.vendor.rename_field("People", "Name", "Mail")  # what was the other's name
    crm.vendor.add("People", **{"Mail": "Bob", "Name 2": "bob@example.com"})
    crm.sync("people")
    mails = {row["name"]: row["mail"] for row in crm.rows("people")}
    assert mails == {"Ada": "ada@example.com", "Bob": "bob@example.com"}
    crm.full("people")
    assert {row["mail"]: row["name_2"] for row in crm.rows("people")} == mails
    assert crm.differences("people") == []


def test_a_field_that_was_removed_does_not_stop_the_ticks(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada", Mail="ada@example.com")
    crm.sync("people")
    crm.vendor.remove_field("People", "Mail")
    crm.vendor.add("People", Name="Bob")
    assert crm.sync("people").created == 1


def test_the_loss_of_the_last_modified_field_makes_ticks_repeat_and_loses_nothing(
    crm: Stage,
) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    crm.vendor.remove_field("People", "Modified")
    crm.clock.sleep(60)
    crm.vendor.add("People", Name="Bob")
    crm.sync("people")
    crm.clock.sleep(60)
    crm.vendor.add("People", Name="Cyd")
    crm.sync("people")
    assert sorted(row["name"] for row in crm.rows("people")) == ["Ada", "Bob", "Cyd"]
    crm.platform.discover("acme")
    assert not crm.connector["people"].incremental


def test_what_is_computed_is_read_again_alone(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada", Mail="ada@example.com")
    crm.clock.sleep(7200)
    crm.vendor.add("People", Name="Bob")
    crm.full("people")
    crm.clock.sleep(90_000)
    crm.vendor.edit_formula("People", "Loud", "CONCATENATE({Mail}, '!')")
    assert crm.sync("people").updated <= 1  # Bob, within the look-back
    assert [row["loud"] for row in crm.rows("people") if row["name"] == "Ada"] == ["ADA"]
    assert [due.objects for due in crm.platform.due_computed()] == [("people",)]
    assert crm.sync("people", SyncMode.COMPUTED).updated >= 1
    assert sorted((row["name"], row["loud"]) for row in crm.rows("people")) == [
        ("Ada", "ada@example.com!"),
        ("Bob", "!"),
    ]


def test_a_formula_without_a_value_leaves_its_cell_empty(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.vendor.edit_formula("People", "Loud", "1 / 0")
    counts = crm.sync("people")
    assert (counts.created, counts.rejected) == (1, 0)
    assert crm.rows("people")[0]["loud"] is None


def test_a_table_keeps_its_name_when_it_is_renamed_and_new_ones_are_found(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    crm.vendor.rename_table("People", "Humans")
    crm.vendor.add_table(crm.vendor.base("CRM").id, "Invoices", Number="number")
    told = sorted(str(each) for each in crm.platform.discover("acme"))
    assert len(told) == 2
    names = [each.name for each in crm.connector.objects]
    assert names == ["teams", "people", "things", "invoices"]
    crm.vendor.add("Humans", Name="Bob")
    assert crm.sync("people").created == 1


def test_a_table_that_is_away_for_a_while_loses_no_field(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada", Mail="ada@example.com")
    crm.sync("people")
    crm.vendor.workspace.remove_table("People")
    with pytest.raises(ObjectGone, match=r"People .CRM. is not in its base any more"):
        crm.platform.discover("acme")
    with pytest.raises(ObjectGone, match="Bring it back in Airtable, or take it out"):
        crm.full("people")
    with pytest.raises(NotPermitted, match="The table is not in its base any more") as told:
        crm.sync("people")
    assert "connector must be mended" not in str(told.value)
    crm.vendor.workspace.restore_table("People")
    crm.vendor.add("People", Name="Bob", Mail="bob@example.com")
    crm.clock.sleep(60)
    assert crm.sync("people").created == 1
    assert crm.differences("people") == []
    kinds = [change.kind for change in crm.platform.schema_changes("acme", None)]
    assert kinds == ["vanished"]  # the table alone


def test_discovery_with_a_table_that_is_gone_goes_on_once_it_is_taken_out(crm: Stage) -> None:
    crm.vendor.workspace.remove_table("People")
    with pytest.raises(ObjectGone):
        crm.platform.discover("acme")
    crm.platform.choose_objects("acme", ["teams", "things"])
    crm.vendor.add_field("Things", "Weight", "number")
    assert [str(each) for each in crm.platform.discover("acme")] == [
        "The field 'Weight' is new (number)."
    ]
