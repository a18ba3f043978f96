"""Salesforce into Postgres: real HTTP, real Postgres, a whole org behind it."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from psycopg.rows import dict_row

from sync_platform.connectors.salesforce import CORE
from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync, SyncRequest
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    NotPermitted,
    RateLimited,
    UnexpectedResponse,
    UnknownObject,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.salesforce import Salesforce
from sync_platform.settings import Settings
from sync_platform.spec import OutboundChange, Request
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.person import Person

HERE = "http://127.0.0.1:8000/connect/callback"
BROWSER = "a-cookie-that-nobody-else-has"
SERVICE = {"client_id": "service-1", "client_secret": "service-secret-1"}
INSTANCE = {"instance_url": "https://acme.my.salesforce.com"}


class LateClock(HastyClock):
    """The machine's time and what a test adds, for us and the vendor."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later

    def seconds(self) -> float:
        return time.time() + self.later.total_seconds()


@dataclass
class Stage:
    platform: Platform
    vendor: Salesforce
    clock: LateClock

    def connect(self, *objects: str, **settings: str) -> None:
        self.platform.connect(
            "salesforce",
            "acme",
            Secret(SERVICE),
            base_url=self.vendor.url,
            settings={**INSTANCE, **settings},
            objects=objects or None,
        )

    def plan(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> Sync:
        request = SyncRequest(target=Target("acme", object), mode=mode, **asked)
        return self.platform.sync(request)

    def sync(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL, **asked: Any) -> SyncResult:
        return self.plan(object, mode, **asked).run(into=self.platform.destination)

    def told(self, object: str, mode: SyncMode = SyncMode.FULL, **asked: Any) -> list[str]:
        """Sync; the sentences that were told."""
        sentences: list[str] = []
        sync = self.plan(object, mode, **asked)
        sync.on_progress = lambda sentence, counts: sentences.append(sentence)
        sync.run(into=self.platform.destination)
        return sentences

    def rows(self, object: str, where: str = "_deleted_at IS NULL") -> list[dict[str, Any]]:
        query = f"SELECT * FROM acme.{object} WHERE {where} ORDER BY 1"
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            return postgres.execute(query).fetchall()

    def equal(self, object: str) -> bool:
        return not list(differences(self.platform, self.vendor.url, Target("acme", object)))

    def cursor(self, object: str) -> datetime:
        found = self.platform.cursors.get(Target("acme", object))
        assert found is not None
        return found

    def called(self, end: str) -> int:
        return sum(n for (_, path), n in self.vendor.calls.items() if path.endswith(end))


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


@pytest.fixture
def stage(settings: Settings, clock: LateClock) -> Iterator[Stage]:
    """An org without records but its admin."""
    clients = {"salesforce": ("sandbox-client", "sandbox-secret")}
    platform = Platform(replace(settings, oauth_clients=clients), clock=clock)
    services = {SERVICE["client_id"]: SERVICE["client_secret"]}
    with serve(Salesforce(services=services, clock=clock.seconds)) as vendor:
        yield Stage(platform, vendor, clock)
    platform.close()


# -- the account ----------------------------------------------------------------------------------


def test_a_person_signs_in_and_the_core_and_custom_objects_are_suggested(stage: Stage) -> None:
    begun = stage.platform.connecting.begin(
        "salesforce", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    back = Person().allows(begun.url)
    sign_in = stage.platform.connecting.finish(back, browser=BROWSER)
    assert sign_in.settings["instance_url"] == stage.vendor.url
    assert sign_in.account is not None
    assert sign_in.account.name == "Acme GmbH"
    offered = stage.platform.connecting.offered(sign_in.id, browser=BROWSER)
    suggested = {each.obj.name for each in offered if each.suggested}
    assert suggested == {*CORE, "Invoice__c"}
    others = {"AccountHistory", "Attachment", "Organization", "TaskStatus"}
    assert {each.obj.name for each in offered} - suggested == others
    assert stage.called("/describe") == len(suggested)  # an org may have a thousand others
    made = stage.platform.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    assert {each.object for each in made.objects} == suggested
    assert stage.sync("User").counts.created == 1
    stage.vendor.expire_tokens()  # a session ends without having said when
    assert stage.sync("User", SyncMode.FULL).counts.fetched == 1
    stage.vendor.revoke()
    with pytest.raises(NeedsReauth):
        stage.sync("User")


def test_refresh_tokens_may_rotate(stage: Stage) -> None:
    stage.vendor.oauth.rotates = True
    begun = stage.platform.connecting.begin(
        "salesforce", redirect_uri=HERE, browser=BROWSER, base_url=stage.vendor.url
    )
    sign_in = stage.platform.connecting.finish(Person().allows(begun.url), browser=BROWSER)
    stage.platform.connecting.complete(sign_in.id, browser=BROWSER, name="acme")
    for _ in range(3):
        stage.vendor.expire_tokens()
        stage.sync("User", SyncMode.FULL)
    assert stage.vendor.oauth.reused == 0


def test_a_service_account_signs_its_own_assertions(stage: Stage) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    stage.vendor.oauth.service_accounts = {"consumer-key": public.decode()}
    secret = {"client_id": "consumer-key", "username": "bot@acme.test", "private_key": pem}
    stage.platform.connect(
        "salesforce",
        "acme",
        Secret({**secret, "auth": "JwtBearer"}),
        base_url=stage.vendor.url,
        settings=INSTANCE,
        objects=["User"],
    )
    assert stage.sync("User").counts.created == 1


def test_what_the_account_may_not_read_is_told_plainly(stage: Stage) -> None:
    stage.vendor.hide("Case")
    with pytest.raises(UnknownObject, match="no object 'Case'"):
        stage.connect("Lead", "Case")
    stage.connect("Lead")
    stage.sync("Lead")
    stage.vendor.hide("Lead")
    with pytest.raises(NotPermitted, match="sObject type 'Lead' is not supported"):
        stage.sync("Lead")
    with pytest.raises(NotPermitted, match="Salesforce does not show Lead to this account"):
        stage.sync("Lead", SyncMode.FULL)


# -- reading --------------------------------------------------------------------------------------


def test_every_kind_of_value_arrives(stage: Stage) -> None:
    objects = (*CORE, "Invoice__c", "AccountHistory", "TaskStatus", "Attachment")
    stage.connect(*objects)
    for each in objects:
        stage.vendor.add_many(each, 30)
    stage.vendor.add("Invoice__c", Number__c='a"b,\nc', Place__Latitude__s=48.2, At__c=None)
    stage.vendor.answering.page_size = 7
    for each in objects:
        assert stage.sync(each, SyncMode.FULL).counts.rejected == 0
        if each != "Attachment":
            assert stage.equal(each), each
    assert "body" not in stage.rows("attachment")[0]
    invoice = stage.rows("invoice__c", "number__c LIKE 'a%'")[0]
    assert (float(invoice["place__latitude__s"]), invoice["paid__c"]) == (48.2, False)
    assert "place__c" not in invoice


def test_what_is_left_out_is_named_in_the_comment_of_the_id(stage: Stage) -> None:
    stage.connect("Attachment")
    id, *_ = stage.platform.catalogs.fields(Target("acme", "Attachment")) or []
    assert id.description == "Not synced: Body (a file)."


def test_an_incremental_sync_is_two_calls_and_brings_what_changed_and_went(stage: Stage) -> None:
    stage.connect("Contact")
    first, second, *_ = stage.vendor.add_many("Contact", 5)
    stage.sync("Contact")
    stage.vendor.edit("Contact", first, Title="Head of everything")
    stage.vendor.delete("Contact", second)
    new = stage.vendor.add("Contact", LastName="Nová")
    before = stage.vendor.calls.total()
    counts = stage.sync("Contact").counts
    assert (counts.created, counts.updated, counts.deleted) == (1, 1, 1)
    assert stage.vendor.calls.total() - before == 2
    assert stage.equal("Contact")
    stage.vendor.undelete("Contact", second)
    stage.vendor.edit("Contact", new, Title=None)
    stage.sync("Contact")
    assert stage.equal("Contact")


def test_a_record_that_was_removed_for_good_is_told_by_get_deleted(stage: Stage) -> None:
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.vendor.delete("Lead", gone)
    stage.vendor.purge("Lead", gone)
    stage.clock.later += timedelta(minutes=2)  # deletions are told by the minute
    assert stage.sync("Lead").counts.deleted == 1
    (row,) = stage.rows("lead", "_deleted_at IS NOT NULL")
    assert (row["id"], row["_deleted_by"]) == (gone, "vendor")


def test_deletions_that_are_told_late_are_asked_for_again(stage: Stage) -> None:
    """While a long transaction runs, getDeleted is behind; the cursor waits for it."""
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.clock.later += timedelta(hours=2)
    stage.vendor.purge("Lead", gone)
    stage.vendor.org.tables["Lead"].deleted[gone] = stage.clock.seconds() + 1e9  # not told yet
    stage.vendor.answering.covered_behind = 3600.0
    deleted_at = stage.clock.now()
    stage.vendor.add_many("Lead", 1)
    stage.clock.later += timedelta(minutes=10)
    assert stage.sync("Lead").counts.deleted == 0
    assert stage.cursor("Lead") < deleted_at
    stage.vendor.org.tables["Lead"].deleted[gone] = deleted_at.timestamp()
    stage.vendor.answering.covered_behind = 0.0
    stage.clock.later += timedelta(hours=1)
    assert stage.sync("Lead").counts.deleted == 1


def test_more_deletions_than_an_answer_holds_are_asked_for_by_halves(stage: Stage) -> None:
    stage.connect("Lead")
    leads = stage.vendor.add_many("Lead", 40)
    stage.sync("Lead")
    stage.vendor.answering.most_deleted = 10
    for id in leads[:32]:
        stage.clock.later += timedelta(minutes=1)
        stage.vendor.purge("Lead", id)
    stage.clock.later += timedelta(minutes=2)
    assert stage.sync("Lead").counts.deleted == 32
    assert stage.called("/Lead/deleted/") > 4
    assert stage.equal("Lead")


def test_a_pause_longer_than_deletions_are_remembered_is_followed_by_a_full_sync(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    gone, *_ = stage.vendor.add_many("Lead", 3)
    stage.sync("Lead")
    stage.vendor.purge("Lead", gone)
    stage.clock.later += timedelta(days=20)
    told = stage.told("Lead", SyncMode.INCREMENTAL, accept_deletes=True)
    assert "the vendor remembers deletions for 13 days only: this sync reads everything" in told[0]
    assert stage.equal("Lead")


def test_a_quiet_object_is_not_taken_for_a_paused_one(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    for _ in range(10):
        assert stage.sync("Lead").mode is SyncMode.INCREMENTAL
        stage.clock.later += timedelta(days=3)


def test_a_from_date_sync_of_long_ago_asks_for_no_deletions_that_are_forgotten(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    now = stage.clock.now()
    old = SyncWindow(now - timedelta(days=90), now - timedelta(days=89))
    assert stage.sync("Lead", SyncMode.FROM_DATE, window=old).counts.fetched == 0
    assert stage.called("/Lead/deleted/") == 0
    recent = SyncWindow(now - timedelta(days=90), None)
    assert stage.sync("Lead", SyncMode.FROM_DATE, window=recent).counts.created == 3
    assert stage.called("/Lead/deleted/") == 1


def test_history_moves_by_its_creation(stage: Stage) -> None:
    stage.connect("AccountHistory")
    stage.vendor.add_many("AccountHistory", 3)
    stage.sync("AccountHistory")
    stage.vendor.add_many("AccountHistory", 2)
    counts = stage.sync("AccountHistory").counts
    assert (counts.created, counts.rejected) == (2, 0)
    assert stage.cursor("AccountHistory") > datetime.now(UTC) - timedelta(hours=2)
    assert stage.equal("AccountHistory")


def test_archived_activities_are_read(stage: Stage) -> None:
    stage.connect("Task")
    stage.vendor.add("Task", Subject="Call", IsArchived=True)
    assert stage.sync("Task", SyncMode.FULL).counts.created == 1
    assert stage.equal("Task")


def test_eight_hundred_fields_are_read_by_post(stage: Stage) -> None:
    stage.vendor.add_fields(
        "Account", *(f"AVeryLongNameOfACustomField_{n:03d}__c double" for n in range(800))
    )
    stage.connect("Account")
    ids = stage.vendor.add_many("Account", 25)
    stage.vendor.edit("Account", ids[3], AVeryLongNameOfACustomField_799__c=4.5)
    stage.vendor.answering.page_size = 10
    assert stage.sync("Account", SyncMode.FULL).counts.created == 25
    assert stage.equal("Account")
    assert stage.vendor.statuses[414] == 0
    assert stage.called("/composite/sobjects/Account") == 3
    stage.vendor.edit("Account", ids[3], Name="Renamed")
    stage.vendor.delete("Account", ids[4])
    counts = stage.sync("Account").counts
    assert (counts.updated, counts.deleted) == (1, 1)
    assert stage.equal("Account")


def test_a_locator_that_has_ended_lets_the_read_begin_again(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 25)
    stage.vendor.answering.page_size = 10
    stage.vendor.fail(kind="status", status=503, times=50, path="*/query/*", after=1)
    with pytest.raises(Exception, match="at the moment"):
        stage.sync("Lead", SyncMode.FULL)
    stage.vendor.faults.clear()
    stage.clock.later += timedelta(hours=23)
    stage.vendor.answering.locator_lasts = -1.0
    stage.vendor.answering.page_size = 2000
    assert stage.sync("Lead", SyncMode.FULL).counts.rejected == 0
    assert stage.equal("Lead")


# -- bulk -----------------------------------------------------------------------------------------


def many(stage: Stage, object: str = "Opportunity") -> None:
    stage.connect(object)
    stage.vendor.add_many(object, 20_001)


def test_many_records_are_read_by_a_bulk_job_and_come_out_the_same(stage: Stage) -> None:
    many(stage)
    stage.vendor.bulk.looks = 3
    told = stage.told("Opportunity")
    assert "20,001 Opportunity to read: in bulk, as from 20,000 on." in told
    assert stage.called("/query") + stage.called("/queryAll") <= 3  # check, count, the job
    assert stage.equal("Opportunity")
    stage.vendor.org.tables["Opportunity"].latest.popitem()
    stage.vendor.org.tables["Opportunity"].seen.popitem()
    again = stage.sync("Opportunity", SyncMode.FULL)  # page by page
    assert (again.counts.created, again.counts.updated) == (0, 0)


def test_a_bulk_job_that_fails_is_told_in_salesforces_words(stage: Stage) -> None:
    many(stage)
    stage.vendor.bulk.fails = "InvalidBatch : Failed to process query"
    with pytest.raises(UnexpectedResponse, match="InvalidBatch : Failed to process query"):
        stage.sync("Opportunity", SyncMode.FULL)
    assert stage.platform.cursors.get(Target("acme", "Opportunity")) is None


def test_a_bulk_read_that_broke_off_goes_on_with_its_job(stage: Stage) -> None:
    many(stage)
    sync = stage.plan("Opportunity", SyncMode.FULL)
    sync.commit_bytes = 0
    stage.vendor.fail(kind="status", status=503, times=50, path="*/results", after=1)
    with pytest.raises(Exception, match="at the moment"):
        sync.run(into=stage.platform.destination)
    stage.vendor.faults.clear()
    result = stage.sync("Opportunity", SyncMode.FULL)
    assert result.resumed
    assert len(stage.vendor.bulk.jobs) == 1
    assert stage.equal("Opportunity")


# -- formulas, limits, writes ---------------------------------------------------------------------


def test_formulas_are_read_again_by_themselves(stage: Stage) -> None:
    stage.connect("Opportunity", "Lead")
    id, *_ = stage.vendor.add_many("Opportunity", 3)
    for each in ("Opportunity", "Lead"):
        stage.sync(each, SyncMode.FULL)
    stage.clock.later += timedelta(hours=2)
    stage.sync("Opportunity")
    stage.vendor.recalculate("Opportunity", id, Weighted__c=77.0)
    stage.sync("Opportunity")
    assert not stage.equal("Opportunity")  # nothing says that it changed
    stage.clock.later += timedelta(hours=13)
    (due,) = stage.platform.due_computed()
    assert due.objects == ("Opportunity",)  # leads have no formula
    counts = stage.sync("Opportunity", SyncMode.COMPUTED).counts
    assert (counts.updated, counts.created, counts.deleted) == (1, 0, 0)
    assert stage.equal("Opportunity")


def test_what_is_left_of_the_orgs_daily_limit_is_heeded_before_it_is_refused(
    stage: Stage,
) -> None:
    stage.connect("Lead")
    stage.vendor.set_limits({"daily": 1})
    with pytest.raises(RateLimited, match="used up the calls"):
        stage.sync("Lead", SyncMode.FULL)
    assert stage.vendor.statuses[403] == 0


def test_a_limit_that_is_used_up_by_others_is_no_missing_permission(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 3)
    stage.vendor.fail(kind="status", status=403, times=50)  # REQUEST_LIMIT_EXCEEDED
    with pytest.raises(RateLimited):
        stage.sync("Lead")
    stage.vendor.faults.clear()
    assert stage.platform.connection("acme").status is ConnectionStatus.ACTIVE
    assert stage.vendor.statuses[403] > 0


def test_a_filter_in_soql_is_the_vendors_to_apply(stage: Stage) -> None:
    stage.connect("Lead")
    stage.vendor.add_many("Lead", 9)
    kept = stage.vendor.add("Lead", LastName="Zuse", Company="Z, K & G")
    condition = "LastName = 'Zuse' OR Company = 'Nobody, Inc'"
    stage.platform.set_filters("acme", "Lead", {"where": condition, "created_within": "30"})
    assert stage.sync("Lead", SyncMode.FULL).counts.created == 1
    assert stage.rows("lead")[0]["id"] == kept


def test_a_renamed_custom_object_keeps_its_table(stage: Stage) -> None:
    stage.connect("Invoice__c")
    stage.vendor.add_many("Invoice__c", 2)
    stage.sync("Invoice__c")
    stage.vendor.rename("Invoice__c", "Bill__c", "Bills")
    changes = stage.platform.discover("acme")
    assert [(it.object, it.kind) for it in changes] == [("Invoice__c", "renamed")]
    assert stage.sync("Invoice__c", SyncMode.FULL).counts.unchanged == 2
    assert stage.called("/Bill__c/describe") == 2


def test_a_create_by_an_external_id_makes_one_record(stage: Stage) -> None:
    stage.connect("Account", "Lead", external_ids="Account.Number__c")
    connection = stage.platform.connection("acme")
    account = stage.platform.connector_of(connection)["Account"]
    change = OutboundChange(kind="create", values={"Number__c": "K/1", "Name": "Acme"})
    api = stage.platform.api(connection)
    assert isinstance(account.create, Request)
    with closing(api):
        first, second = (api.send(account.create, change) for _ in range(2))
    assert first["id"] == second["id"]
    (made,) = stage.vendor.records("Account").values()
    assert (made["Number__c"], made["Name"]) == ("K/1", "Acme")


def test_an_external_id_that_is_none_makes_no_connection(stage: Stage) -> None:
    for wrong in ("Acount.Number__c", "Account.Numbr__c"):
        with pytest.raises(ConfigurationError, match="The setting external_ids names"):
            stage.connect("Account", external_ids=wrong)
    assert stage.platform.connections() == []
