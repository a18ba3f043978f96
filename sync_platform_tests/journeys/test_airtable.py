"""Airtable into Postgres: real HTTP, real Postgres, bases that people change meanwhile."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import Counts, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import (
    CircuitOpen,
    ConfigurationError,
    NotPermitted,
    PageForgotten,
    RecordRejected,
    Refused,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform.settings import Settings
from sync_platform.spec import Connector, OutboundChange, Request
from sync_platform.transport.clock import SystemClock
from sync_platform_tests.consenting import allowed

HERE = "http://127.0.0.1:8000/connect/callback"
BROWSER = "a-cookie-that-nobody-else-has"


class TurningClock(SystemClock):
    """The machine's time and what was slept, for us and the vendor: nobody waits."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later

    def sleep(self, seconds: float) -> None:
        self.later += timedelta(seconds=seconds)

    def seconds(self) -> float:
        return time.time() + self.later.total_seconds()


@dataclass
class Stage:
    platform: Platform
    vendor: Airtable
    clock: TurningClock

    def connect(self, **settings: str) -> None:
        unlimited = {"rate_limit.base": "unlimited", "rate_limit.token": "unlimited"}
        self.platform.connect(
            "airtable",
            "acme",
            Secret({"token": "sandbox-token"}),
            base_url=self.vendor.url,
            settings=unlimited | settings,
        )

    def plan(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Sync:
        request = SyncRequest(target=Target("acme", object), mode=mode, **asked)
        return self.platform.sync(request)

    def sync(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Counts:
        return self.plan(object, mode, **asked).run(into=self.platform.destination).counts

    def full(self, object: str, **asked: Any) -> Counts:
        return self.sync(object, SyncMode.FULL, **asked)

    def rows(self, object: str, where: str = "_deleted_at IS NULL") -> list[dict[str, Any]]:
        query = f"SELECT * FROM acme.{object} WHERE {where} ORDER BY 1"
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            return postgres.execute(query.encode()).fetchall()

    def differences(self, object: str) -> list[str]:
        return list(differences(self.platform, self.vendor.url, Target("acme", object)))

    def webhook_of_others(self, method: str, path: str = "", **asked: Any) -> httpx.Response:
        """Another app makes a webhook in the CRM, or takes one away."""
        self.clock.sleep(1)
        at = f"{self.vendor.url}/v0/bases/{self.vendor.base('CRM').id}/webhooks{path}"
        signed = {"Authorization": "Bearer sandbox-token"}
        return httpx.request(method, at, headers=signed, **asked).raise_for_status()

    @property
    def connector(self) -> Connector:
        return self.platform.connector_of(self.platform.connection("acme"))


@pytest.fixture
def clock() -> TurningClock:
    return TurningClock()


@pytest.fixture
def stage(settings: Settings, clock: TurningClock) -> Iterator[Stage]:
    """An account without bases."""
    clients = {"airtable": ("sandbox-client", "sandbox-secret")}
    platform = Platform(replace(settings, oauth_clients=clients), clock=clock)
    with serve(Airtable(clock=clock.seconds)) as vendor:
        yield Stage(platform, vendor, clock)
    platform.close()


@pytest.fixture
def crm(stage: Stage) -> Stage:
    """A base with people and their team, who tell when they changed, and things, which do not;
    connected."""
    base = stage.vendor.add_base("CRM")
    stage.vendor.add_table(base, "Teams", Name="singleLineText", Size="number")
    stage.vendor.add_table(
        base,
        "People",
        Name="singleLineText",
        Mail="email",
        Stage=("singleSelect", {"choices": ["Lead", "Customer"]}),
        Team=("multipleRecordLinks", {"to": "Teams"}),
        Loud=("formula", {"formula": "UPPER({Name})", "result": {"type": "singleLineText"}}),
        Modified=("lastModifiedTime", MODIFIED),
    )
    stage.vendor.add_table(base, "Things", Name="singleLineText", Price="currency")
    stage.connect()
    return stage


# -- connecting -----------------------------------------------------------------------------------


def test_a_person_chooses_bases_and_their_tables_are_synced(stage: Stage) -> None:
    for name in ("CRM", "Office", "Private"):
        base = stage.vendor.add_base(name)
        stage.vendor.add_table(base, "People", Name="singleLineText")
    seen = [stage.vendor.base(name).id for name in ("CRM", "Office")]
    connecting = stage.platform.connecting
    begun = connecting.begin(
        "airtable", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = connecting.finish(allowed(begun.url, *seen), browser=BROWSER)
    (asked,) = connecting.asks(sign_in.id, browser=BROWSER)
    assert [(it.value, it.label) for it in asked.options] == list(
        zip(seen, ("CRM", "Office"), strict=True)
    )
    with pytest.raises(ConfigurationError, match="choose one by the setting 'bases'"):
        connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    connecting.answer(sign_in.id, {"bases": ",".join(seen)}, browser=BROWSER)
    made = connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert [it.object for it in made.objects] == ["crm_people", "office_people"]
    assert made.account_id == "usrL2PNC5o3H4lBEi"
    stage.vendor.add(stage.vendor.base("Office").tables[0].id, Name="Ada")
    assert stage.sync("office_people").created == 1


def test_an_expired_token_is_renewed_and_its_successor_kept(stage: Stage) -> None:
    base = stage.vendor.add_base("CRM")
    stage.vendor.add_table(base, "People", Name="singleLineText")
    connecting = stage.platform.connecting
    begun = connecting.begin(
        "airtable", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = connecting.finish(allowed(begun.url), browser=BROWSER)
    connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    first = stage.platform.credentials.read("acme")
    stage.clock.sleep(3700)  # an access token lasts an hour
    stage.sync("people")
    second = stage.platform.credentials.read("acme")
    assert second["refresh_token"] != first["refresh_token"]
    stage.clock.sleep(3700)
    stage.sync("people")
    assert stage.vendor.oauth.reused == 0


# -- reading --------------------------------------------------------------------------------------


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
    assert crm.vendor.calls.total() <= 3
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
    crm.vendor.delete("People", gone)
    plan = crm.plan("people")
    result = plan.run(into=crm.platform.destination)
    assert result.mode is SyncMode.FULL
    assert (result.counts.deleted, crm.differences("people")) == (1, [])


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
    crm.vendor.delete("People", gone)
    assert crm.sync("people").deleted == 0
    crm.platform.discover("acme")
    assert not crm.connector["people"].sees_deletes  # so nobody is promised any
    assert crm.full("people").deleted == 1
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


# -- fields ---------------------------------------------------------------------------------------


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


# -- limits and failures --------------------------------------------------------------------------


def test_half_a_minute_of_refusals_is_waited_for(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.vendor.per_base = 5
    base, table = crm.vendor.base("CRM").id, crm.vendor.workspace.find("People")[1].id
    signed = {"Authorization": "Bearer sandbox-token"}
    with httpx.Client(base_url=crm.vendor.url, headers=signed) as another:
        statuses = [another.get(f"/v0/{base}/{table}").status_code for _ in range(7)]
    assert statuses[-1] == 429
    crm.platform.store.set_settings("acme", {"bases": base})  # limits as they are declared
    assert crm.sync("people").created == 1
    assert timedelta(seconds=30) <= crm.clock.later < timedelta(minutes=3)
    assert crm.platform.connection("acme").status.value == "active"


def test_a_month_whose_calls_are_used_up_is_told_and_not_asked_for_again(crm: Stage) -> None:
    crm.vendor.add("People", Name="Ada")
    crm.vendor.set_limits({"month": 0})
    before = crm.vendor.statuses[429]
    with pytest.raises(NotPermitted, match=r"upgrade your workspace, or .* then resume acme\."):
        crm.sync("people")
    assert crm.vendor.statuses[429] == before + 1
    connection = crm.platform.connection("acme")
    assert connection.status is ConnectionStatus.NEEDS_ATTENTION
    assert "try again next month" in (connection.status_reason or "")
    with pytest.raises(CircuitOpen):
        crm.sync("people", automatic=True)
    crm.vendor.set_limits({"month": None})
    crm.platform.resume("acme")
    assert crm.sync("people", automatic=True).created == 1


def test_an_offset_that_expires_in_the_middle_begins_the_read_again(crm: Stage) -> None:
    crm.vendor.add_many("People", 250)
    lists = [0]

    def life() -> None:
        lists[0] += 1
        if lists[0] == 3:
            crm.vendor.forget_offsets()

    plan = crm.plan("people", SyncMode.FULL)
    told: list[str] = []
    plan.on_progress = lambda sentence, counts: told.append(sentence)
    crm.vendor.meanwhile = life
    plan.run(into=crm.platform.destination)
    assert "The vendor no longer knows the resume point; reading again." in told
    assert crm.differences("people") == []


def test_a_record_that_goes_while_its_page_is_next_is_no_harm(crm: Stage) -> None:
    crm.vendor.add_many("People", 250)
    crm.sync("people")
    crm.clock.sleep(7200)
    left = [True]

    def life() -> None:
        table = crm.vendor.workspace.find("People")[1]
        if left[0] and crm.vendor.listing.offsets:
            left[0] = False
            crm.vendor.delete("People", list(table.records)[100])  # the next page begins with it

    crm.vendor.meanwhile = life
    crm.full("people")
    assert not left[0]
    assert crm.differences("people") == []


def test_a_vendor_that_forgets_every_page_fails_the_sync_and_deletes_nothing(crm: Stage) -> None:
    crm.vendor.add_many("People", 150)
    crm.sync("people")
    crm.clock.sleep(7200)
    crm.vendor.meanwhile = crm.vendor.forget_offsets
    with pytest.raises(PageForgotten):
        crm.full("people")
    assert len(crm.rows("people")) == 150


# -- writing --------------------------------------------------------------------------------------


def test_ten_changes_are_written_by_one_call_and_an_eleventh_is_not_taken(crm: Stage) -> None:
    people = crm.connector["people"]
    assert isinstance(people.create, Request)
    assert isinstance(people.update, Request)
    assert isinstance(people.delete, Request)
    new = [
        OutboundChange(kind="create", values={"Name": f"N{n}", "Stage": "Lead"}) for n in range(11)
    ]
    with closing(crm.platform.api(crm.platform.connection("acme"))) as api:
        crm.vendor.calls.clear()
        made = api.send(people.create, new[:10])["records"]
        ids = [each["id"] for each in made]
        changed = [OutboundChange(kind="update", key=id, values={"Stage": None}) for id in ids[:3]]
        api.send(people.update, changed)
        api.send(people.delete, [OutboundChange(kind="delete", key=id) for id in ids[5:]])
        assert crm.vendor.calls.total() == 3
        with pytest.raises(RecordRejected, match="up to 10 record objects"):
            api.send(people.create, new)
    crm.sync("people")
    assert sorted((row["name"], row["stage"]) for row in crm.rows("people")) == [
        ("N0", None), ("N1", None), ("N2", None), ("N3", "Lead"), ("N4", "Lead"),
    ]  # fmt: skip


def test_a_computed_field_is_refused_in_airtables_words(crm: Stage) -> None:
    people = crm.connector["people"]
    assert isinstance(people.create, Request)
    with closing(crm.platform.api(crm.platform.connection("acme"))) as api:
        change = OutboundChange(kind="create", values={"Loud": "ADA"})
        with pytest.raises(RecordRejected, match='"Loud" cannot accept a value because the fie'):
            api.send(people.create, change)


def test_numbers_keep_their_digits(crm: Stage) -> None:
    crm.vendor.add("Things", Name="Chair", Price=1234.56)
    crm.sync("things")
    assert crm.rows("things")[0]["price"] == Decimal("1234.56")
