"""Airtable into Postgres: real HTTP, real Postgres, bases that people change meanwhile."""

import re
from decimal import Decimal

import pytest

from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.errors import (
    ConfigurationError,
    Refused,
)
from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform_tests.journeys.airtable.stage import Stage


def test_every_kind_of_field_arrives_in_a_column_of_its_type(stage: Stage) -> None:
    stage.vendor.add_base("Empty")
    full = Airtable(records=150, clock=stage.clock.seconds)
    with serve(full) as stage.vendor:
        roadmap = full.base("Product Roadmap").id
        stage.connect(bases=roadmap)
        for name in ("people", "projects", "tasks"):
            assert stage.sync(name).created == len(full.records(name))
            assert stage.differences(name) == []
    connection = stage.platform.connection("acme")
    table = stage.platform.table(connection, stage.connector["tasks"])
    types = {name: type for name, type, _ in stage.platform.destination.column_types(table)}
    assert types["done"] == "boolean"
    assert types["due"] == "date"
    assert types["reviewed_at"] == types["last_modified"] == "timestamp with time zone"
    assert types["estimate"] == types["remaining"] == types["spent"] == "numeric"
    assert types["stars"] == types["number"] == "bigint"
    for each in ("labels", "watchers", "files", "assignee", "project", "project_status", "code"):
        assert types[each] == "jsonb"


def test_a_tick_brings_what_changed_and_nothing_else(crm: Stage) -> None:
    crm.vendor.add_many("People", 250)
    crm.clock.sleep(7200)
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    edited = next(iter(crm.vendor.records("People")))
    crm.vendor.edit("People", edited, Name="Grace")
    crm.vendor.add("People", Name="Bob")
    crm.vendor.calls.clear()
    counts = crm.sync("people")
    assert (counts.fetched, counts.created, counts.updated) == (3, 1, 1)  # with the look-back
    assert crm.vendor.calls.total() == 4  # no record has a mail, so its field is asked for, too
    assert crm.differences("people") == []


def test_a_deletion_is_seen_by_the_next_tick(crm: Stage) -> None:
    ids = [crm.vendor.add("People", Name=name) for name in ("Ada", "Bob", "Cyd")]
    crm.sync("people")
    assert len(crm.vendor.base("CRM").webhooks) == 1
    crm.clock.sleep(7200)
    crm.vendor.delete("People", ids[0], ids[1])
    assert crm.sync("people").deleted == 2
    gone = crm.rows("people", "_deleted_at IS NOT NULL")
    assert {row["name"]: row["_deleted_by"] for row in gone} == {"Ada": "vendor", "Bob": "vendor"}
    assert crm.sync("people").deleted == 0


def test_one_webhook_serves_all_tables_of_a_base_and_lives_on(crm: Stage) -> None:
    base = crm.vendor.base("CRM")
    crm.vendor.add_field("Teams", "Modified", "lastModifiedTime", MODIFIED)
    crm.platform.discover("acme")
    for _ in range(4):
        crm.sync("people")
        crm.sync("teams")
        crm.clock.sleep(3 * 86_400)
    (hook,) = base.webhooks
    assert hook.expires > crm.vendor.workspace.now()


def test_after_a_pause_longer_than_payloads_are_kept_everything_is_read(crm: Stage) -> None:
    gone = crm.vendor.add("People", Name="Ada")
    crm.vendor.add_many("People", 3)
    crm.sync("people")
    crm.clock.sleep(9 * 86_400)
    crm.age("people")
    crm.vendor.delete("People", gone)
    plan = crm.plan("people")
    result = plan.run(into=crm.platform.destination)
    assert result.mode is SyncMode.FULL
    assert (result.counts.deleted, crm.differences("people")) == (1, [])


def test_after_six_days_everything_is_read_before_payloads_begin_to_go(crm: Stage) -> None:
    ids = crm.vendor.add_many("People", 60)
    crm.sync("people")
    crm.vendor.delete("People", *ids[:5])
    crm.clock.sleep(6 * 86_400)
    crm.age("people")
    assert crm.plan("people").run(into=crm.platform.destination).mode is SyncMode.FULL
    assert crm.differences("people") == []


def test_many_deletions_after_a_quiet_week_are_all_seen(crm: Stage) -> None:
    """Payloads of the week before have gone, so that the numbers do not begin with 1."""
    ids = crm.vendor.add_many("People", 120)
    crm.sync("people")
    for id in ids[:20]:
        crm.vendor.delete("People", id)
    for _ in range(8):
        crm.clock.sleep(86_400)
        crm.sync("people")
    for id in ids[20:100]:
        crm.vendor.delete("People", id)
        crm.clock.sleep(1)
    assert crm.sync("people").deleted == 80
    assert crm.differences("people") == []


def test_what_is_deleted_while_the_first_read_runs_is_told(crm: Stage) -> None:
    ids = crm.vendor.add_many("People", 150)
    lists = [0]

    def life() -> None:
        lists[0] += bool(crm.vendor.listing.offsets)
        if lists[0] == 1:  # its page was read, the next one is asked for
            lists[0] += 1
            crm.vendor.delete("People", ids[0])

    crm.vendor.meanwhile = life
    crm.sync("people")
    assert lists[0] > 1
    assert crm.differences("people") == []


def test_a_webhook_that_somebody_took_away_costs_a_full_read_and_no_deletion(crm: Stage) -> None:
    gone = crm.vendor.add("People", Name="Ada")
    crm.vendor.add_many("People", 3)
    crm.sync("people")
    crm.clock.sleep(7200)
    crm.age("people")
    (hook,) = crm.vendor.base("CRM").webhooks
    crm.webhook_of_others("DELETE", f"/{hook.id}")
    crm.vendor.delete("People", gone)
    plan, told = crm.plan("people"), list[str]()
    plan.on_progress = lambda sentence, counts: told.append(sentence)
    plan.run(into=crm.platform.destination)
    assert any("were deleted since the last sync: the next one reads ever" in it for it in told)
    assert crm.vendor.base("CRM").webhooks == []  # a new one would hide that anything is missing
    crm.age("people")
    result = crm.plan("people").run(into=crm.platform.destination)
    assert (result.mode, result.counts.deleted) == (SyncMode.FULL, 1)
    assert len(crm.vendor.base("CRM").webhooks) == 1
    assert crm.plan("people").run(into=crm.platform.destination).mode is SyncMode.INCREMENTAL


def test_a_refresh_of_computed_fields_makes_no_webhook(crm: Stage) -> None:
    """What was deleted before it was made would look as if it had been told."""
    crm.vendor.add("People", Name="Ada")
    crm.sync("people")
    crm.webhook_of_others("DELETE", f"/{crm.vendor.base('CRM').webhooks[0].id}")
    crm.sync("people", SyncMode.COMPUTED)
    assert crm.vendor.base("CRM").webhooks == []


def test_a_base_whose_webhooks_we_may_not_manage_is_read_in_full_for_deletions(
    stage: Stage,
) -> None:
    base = stage.vendor.add_base("CRM", permission="edit")
    modified = ("lastModifiedTime", MODIFIED)
    stage.vendor.add_table(base, "People", Name="singleLineText", Modified=modified)
    gone = stage.vendor.add("People", Name="Ada")
    stage.vendor.add_many("People", 3)
    stage.connect()
    assert not stage.connector["people"].sees_deletes
    stage.sync("people")
    stage.clock.sleep(7200)
    stage.age("people")
    stage.vendor.delete("People", gone)
    assert stage.sync("people").deleted == 0
    assert stage.full("people").deleted == 1
    assert stage.vendor.base("CRM").webhooks == []


def test_a_base_that_takes_no_more_webhooks_is_read_in_full_for_deletions(crm: Stage) -> None:
    gone = crm.vendor.add("People", Name="Ada")
    crm.vendor.add_many("People", 3)
    wanted = {"specification": {"options": {"filters": {"dataTypes": ["tableFields"]}}}}
    others = [crm.webhook_of_others("POST", json=wanted).json()["id"] for _ in range(10)]
    assert crm.connector["people"].sees_deletes
    assert crm.sync("people").created == 4
    crm.clock.sleep(7200)
    crm.age("people")
    crm.vendor.delete("People", gone)
    assert crm.sync("people").deleted == 1  # nobody told: it read everything
    crm.platform.discover("acme")
    assert not crm.connector["people"].sees_deletes  # so nobody is promised any
    crm.webhook_of_others("DELETE", f"/{others[0]}")
    crm.platform.discover("acme")
    assert crm.connector["people"].sees_deletes


def test_a_table_that_tells_no_changes_is_read_in_full_each_time(crm: Stage) -> None:
    gone = crm.vendor.add("Things", Name="Chair", Price=12.5)
    crm.vendor.add_many("Things", 4)
    result = crm.plan("things").run(into=crm.platform.destination)
    assert (result.mode, result.counts.created) == (SyncMode.FULL, 5)
    crm.clock.sleep(60)
    crm.vendor.delete("Things", gone)
    assert crm.sync("things").deleted == 1
    assert crm.differences("things") == []
    with pytest.raises(Refused, match="only be synced in full"):
        crm.sync("things", SyncMode.FROM_DATE)


def test_a_from_date_sync_reads_exactly_its_window(crm: Stage) -> None:
    moments = []
    for name in ("Ada", "Bob", "Cyd"):
        crm.clock.sleep(86_400)
        moments.append(crm.clock.now())
        crm.clock.sleep(1)
        crm.vendor.add("People", Name=name)
    window = SyncWindow(moments[1], moments[2])
    crm.sync("people", SyncMode.FROM_DATE, window=window)
    assert [row["name"] for row in crm.rows("people")] == ["Bob"]


def test_a_view_and_a_formula_leave_records_out(crm: Stage) -> None:
    ada = crm.vendor.add("People", Name="Ada", Stage="Lead")
    crm.vendor.add("People", Name="Bob", Stage="Customer")
    crm.vendor.add("People", Name="Cyd", Stage="Customer")
    crm.vendor.hide("People", "Important", ada)
    filters = {"view": "Important", "formula": "OR({Stage} = 'Lead', {Name} = 'Cyd')"}
    crm.platform.set_filters("acme", "people", filters)
    crm.sync("people")
    assert [row["name"] for row in crm.rows("people")] == ["Cyd"]


def test_a_formula_is_one_text_with_commas_at_any_place(crm: Stage) -> None:
    crm.platform.set_filters("acme", "people", {"formula": "IF({Name},,1)"})
    choice = crm.platform.connection("acme").choice("people")
    assert choice is not None
    assert choice.filters == {"formula": "IF({Name},,1)"}


@pytest.mark.parametrize(
    "wrong", [{"view": "Nope, not there"}, {"formula": "NOPE({Name})"}], ids=["view", "formula"]
)
@pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_a_view_or_a_formula_that_the_vendor_does_not_take_is_a_persons_to_mend(
    crm: Stage, wrong: dict[str, str], mode: SyncMode
) -> None:
    crm.platform.set_filters("acme", "people", wrong)
    ((name, value),) = wrong.items()
    named = f"{name}={value}"
    with pytest.raises(ConfigurationError, match=re.escape(named)) as told:
        crm.sync("people", mode)
    assert "Choose another filter" in str(told.value)
    assert "connector must be mended" not in str(told.value)


def test_what_was_edited_while_filters_lagged_comes_with_a_later_tick(crm: Stage) -> None:
    id = crm.vendor.add("People", Name="Ada")
    crm.clock.sleep(60)
    crm.sync("people")
    crm.vendor.listing.lag = 10.0
    crm.vendor.edit("People", id, Name="Grace")
    crm.vendor.add("People", Name="Bob")
    crm.sync("people")
    crm.clock.sleep(30)
    crm.vendor.edit("People", crm.vendor.add("People", Name="Cyd"), Mail="c@example.com")
    crm.clock.sleep(30)
    crm.sync("people")
    assert crm.differences("people") == []


def test_numbers_keep_their_digits(crm: Stage) -> None:
    crm.vendor.add("Things", Name="Chair", Price=1234.56)
    crm.sync("things")
    assert crm.rows("things")[0]["price"] == Decimal("1234.56")
