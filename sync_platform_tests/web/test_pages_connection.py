"""The pages of one connection: what they show, what can be done there, and by whom."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import NotPermitted, TooManyDeletes
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform.spec import ConnectorObject, Filter, get
from sync_platform.store.history import KEPT
from sync_platform.web.api.connectors import object_of
from sync_platform.web.rendering import templates
from sync_platform_tests.failing_fulls import full_syncs_fail
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.transport.wire import unused_url
from sync_platform_tests.web.serving import Visitor
from sync_platform_tests.web.visiting import member, read, words

ACME = "/connections/acme-hubspot"
PAGES = ("", "/tables", "/syncs", "/changes", "/settings")


@pytest.fixture
def dagster(platform: Platform, acme: Connection) -> Iterator[SmallDagster]:
    with small_dagster(*(("hubspot", each.object) for each in acme.objects)) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


@pytest.fixture
def ann(acme: Connection, dagster: SmallDagster, signed_in: Visitor) -> Visitor:
    """An admin, at the pages of acme-hubspot."""
    signed_in.look(ACME)
    return signed_in


def synced(platform: Platform, *objects: str, run_id: str | None = None) -> None:
    for each in objects:
        request = SyncRequest(Target("acme-hubspot", each), run_id=run_id)
        platform.sync(request).run(into=platform.destination)


def ended(platform: Platform, object: str, mode: SyncMode, error: Exception | None = None) -> None:
    """A sync in the history that went well, or ended by that error."""
    target, now = Target("acme-hubspot", object), platform.clock.now()
    recording = platform.past.record(target, mode=mode, window=SyncWindow(), started_at=now)
    with suppress(TooManyDeletes), recording:
        if error is not None:
            raise error


def test_the_overview_tells_of_account_workspace_and_each_object(
    ann: Visitor, platform: Platform, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    synced(platform, "contacts")
    told = read(ann, ACME)
    assert "acme-hubspot Healthy HubSpot" in told
    assert "Account 24117733 Workspace acme_hubspot" in told
    assert "Contacts Succeeded just now in 15 minutes" in told
    assert "Deals Not yet synced never due now nothing yet" in told


def test_a_sync_is_asked_for_and_followed(
    ann: Visitor, platform: Platform, dagster: SmallDagster, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 3)
    answer = ann.submit(f"{ACME}/syncs", mode="", objects="contacts")
    place = answer.headers["location"]
    assert "Under way" in read(ann, place)
    assert 'name="live-every" content="2"' in ann.get(place).text
    run = dagster.runs[0]
    run.status = "STARTED"
    synced(platform, "contacts", run_id=run.id)
    run.status = "SUCCESS"
    told = read(ann, place)
    assert "Done: 3 records read" in told
    assert f'href="{dagster.url}/runs/{run.id}"' in ann.get(place).text
    assert "Contacts just now Everything by hand Succeeded 3 3 0 0 0" in told


def test_full_and_from_a_date(ann: Visitor, dagster: SmallDagster) -> None:
    ann.submit(f"{ACME}/syncs", mode="full")
    assert {str(each) for each in dagster.runs[0].config["deals"].items()} >= {"('mode', 'full')"}
    ann.submit(f"{ACME}/syncs", mode="from_date", since="2024-02-01", objects=["deals"])
    assert dagster.runs[1].config == {"deals": {"since": "2024-02-01T00:00:00+00:00"}}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"mode": "from_date", "objects": "deals"}, "Choose the date from which to sync."),
        ({"mode": "from_date", "since": "2024-02-01"}, "Choose the objects to sync"),
        ({"mode": "from_date", "since": "2024-02-01", "objects": "owners"}, "only be synced in"),
        ({"objects": "unicorns"}, "has no object 'unicorns'"),
    ],
)
def test_what_cannot_be_synced_is_told_and_nothing_starts(
    ann: Visitor, dagster: SmallDagster, form: dict[str, str], sentence: str
) -> None:
    answer = ann.submit(f"{ACME}/syncs", **form)
    assert answer.status_code in (404, 409, 422)
    assert sentence in words(answer.text)
    assert dagster.runs == []


def test_without_dagster_it_says_so(ann: Visitor, platform: Platform) -> None:
    platform.settings = replace(platform.settings, dagster_url=unused_url())
    platform.__dict__.pop("runs", None)
    answer = ann.submit(f"{ACME}/syncs")
    assert answer.status_code == 503
    assert "Dagster, which runs the syncs, cannot be reached" in words(answer.text)
    assert "Overview" in words(answer.text)


def test_what_was_asked_for_is_stopped(ann: Visitor, dagster: SmallDagster) -> None:
    ann.submit(f"{ACME}/syncs")
    (request,) = ann.get("/api/v1/connections/acme-hubspot/syncs").json()["items"] or [None]
    html = ann.look(f"{ACME}/syncs").text
    path = html.split(f'action="{ACME}/syncs/')[1].split('"')[0]
    assert request is None
    assert ann.submit(f"{ACME}/syncs/{path}").status_code == 303
    assert dagster.runs[0].status == "CANCELED"


def test_deletes_that_the_guard_held_back_are_accepted_by_a_button(
    ann: Visitor, platform: Platform, dagster: SmallDagster, hubspot: HubSpot
) -> None:
    ids = hubspot.add_many("deals", 10)
    synced(platform, "deals")
    older = "UPDATE acme_hubspot.deals SET _synced_at = _synced_at - interval '2 days'"
    with platform.database.statement() as session:  # beyond the search's lag
        session.execute(older)
    for id in ids[:8]:
        hubspot.purge("deals", id)
    full = SyncRequest(Target("acme-hubspot", "deals"), mode=SyncMode.FULL)
    with pytest.raises(TooManyDeletes):
        platform.sync(full).run(into=platform.destination)
    assert "Needs attention" in read(ann, ACME)
    told = read(ann, f"{ACME}/syncs")
    assert "Deals : 8 of 10 records" in told
    form = {"mode": "full", "objects": "deals", "accept_deletes": "yes"}
    assert ann.submit(f"{ACME}/syncs", **form).status_code == 303
    assert dagster.runs[0].config["deals"] == {"mode": "full", "accept_deletes": True}


def test_the_button_that_accepts_deletes_stays_however_many_syncs_follow(
    ann: Visitor, platform: Platform
) -> None:
    ended(platform, "deals", SyncMode.FULL, TooManyDeletes("8 of 10 records would go."))
    for _ in range(KEPT + 5):
        ended(platform, "contacts", SyncMode.INCREMENTAL)
    assert {it.target.object for it in platform.history("acme-hubspot")} == {"contacts"}
    told = read(ann, f"{ACME}/syncs")
    assert "Deals : 8 of 10 records would go. Accept deletes of Deals" in told
    ended(platform, "deals", SyncMode.FULL)
    assert "Accept deletes" not in read(ann, f"{ACME}/syncs")


def test_a_stale_sync_is_named_and_can_be_started_again(
    ann: Visitor, platform: Platform, dagster: SmallDagster
) -> None:
    long_ago = platform.clock.now() - timedelta(minutes=20)
    window = SyncWindow()
    target = Target("acme-hubspot", "deals")
    with platform.past.record(
        target, mode=SyncMode.INCREMENTAL, window=window, started_at=long_ago, run_id="run-1"
    ):
        platform.mark_stale()
        told = read(ann, f"{ACME}/syncs")
    assert "Not heard of for five minutes; its process (Dagster run run-1)" in told
    assert "Sync Deals again" in told
    ann.submit(f"{ACME}/syncs", mode="incremental", objects="deals")
    assert dagster.runs[0].objects == ["deals"]


def test_full_syncs_that_fail_are_told_on_the_connection_and_in_the_list(
    ann: Visitor, platform: Platform
) -> None:
    full_syncs_fail(platform)
    assert "Contacts : no full sync has gone well since" in read(ann, ACME)
    assert "Last: A page is not JSON." in read(ann, ACME)
    assert "No full sync of contacts has gone well of late." in read(ann, "/")


def test_an_object_that_is_stopped_is_resumed(ann: Visitor, platform: Platform) -> None:
    deals = Target("acme-hubspot", "deals")
    with (
        pytest.raises(NotPermitted),
        platform.past.record(
            deals,
            mode=SyncMode.INCREMENTAL,
            window=SyncWindow(),
            started_at=platform.clock.now(),
        ),
    ):
        raise NotPermitted("Give the app the scope crm.objects.deals.read.")
    assert "<title>(1) " in ann.get(ACME).text
    told = read(ann, ACME)
    assert "Automatic syncs of Deals are stopped" in told
    assert "Give the app the scope crm.objects.deals.read." in told
    assert ann.submit(f"{ACME}/objects/deals/resume").status_code == 303
    assert "are stopped" not in read(ann, ACME)


def test_objects_filters_and_intervals_are_chosen(ann: Visitor, platform: Platform) -> None:
    html = ann.look(f"{ACME}/tables").text
    assert 'min="5" max="1440"' in html
    form = {
        "interval": "30",
        "objects": ["contacts", "deals"],
        "interval.deals": "60",
        "filter.contacts.lifecyclestage": "customer,lead",
    }
    assert ann.submit(f"{ACME}/tables", **form).status_code == 303  # type: ignore[arg-type]
    it = platform.connection("acme-hubspot")
    chosen = {each.object: (each.interval, dict(each.filters)) for each in it.objects}
    assert chosen.keys() == {"contacts", "deals"}
    assert chosen["contacts"] == (None, {"lifecyclestage": "customer,lead"})
    assert str(chosen["deals"][0]) == "1:00:00"
    assert "every 1 hour" in read(ann, f"{ACME}/tables")
    wrong = ann.submit(f"{ACME}/tables", objects="contacts", interval="2")
    assert wrong.status_code == 409
    assert len(platform.connection("acme-hubspot").objects) == 2


def test_a_filter_that_is_one_text_is_asked_for_as_one() -> None:
    filters = [
        Filter(name="stage", label="Stage"),
        Filter(name="formula", label="Formula", kind="text"),
    ]
    deals = ConnectorObject(name="deals", fields=(), read=get("/deals"), filters=filters)
    fields = templates.get_template("filters.html").module.filter_fields  # type: ignore[attr-defined]
    html = str(fields(deals, {"formula": "IF({Name},,1)"}))
    assert 'name="filter.deals.formula" value="IF({Name},,1)"' in html
    assert html.count("with commas between") == html.count("aria-describedby") == 1
    kinds = {each.name: each.kind for each in object_of(deals).filters}
    assert kinds == {"stage": "values", "formula": "text"}


def test_columns_are_shown_with_types_and_comments(ann: Visitor, platform: Platform) -> None:
    synced(platform, "contacts")
    told = read(ann, f"{ACME}/tables")
    assert "acme_hubspot.contacts" in told
    assert "email text synced from HubSpot Contacts: Email" in told
    assert "Its table is made by its first sync." in told


def test_schema_changes_are_looked_for_and_listed(ann: Visitor, hubspot: HubSpot) -> None:
    assert "Nothing has changed" in read(ann, f"{ACME}/changes")
    hubspot.add_property("contacts", "shoe_size", "number")
    place = ann.submit(f"{ACME}/changes").headers["location"]
    assert "Contacts The field 'shoe_size' is new (number)." in read(ann, place)


def test_an_object_whose_fields_cannot_be_asked_for_is_told_above_the_changes_of_the_others(
    ann: Visitor, hubspot: HubSpot
) -> None:
    for name in ("contacts", "companies", "deals"):
        hubspot.add_property(name, "fresh")
    hubspot.fail(status=403, path="/crm/v3/properties/companies", times=9)
    told = words(ann.submit(f"{ACME}/changes").text)
    assert "The fields of companies could not be asked for: " in told
    for label in ("Contacts", "Deals"):
        assert f"{label} The field 'fresh' is new (text)." in told
    assert "Companies The field" not in told


def test_what_became_of_a_table_is_listed_with_the_schema_changes(
    ann: Visitor, platform: Platform
) -> None:
    synced(platform, "contacts")
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("SET LOCAL sync_platform.own_ddl = 'on'")
        postgres.execute("DROP TABLE acme_hubspot.contacts")
    synced(platform, "contacts")
    told = read(ann, f"{ACME}/changes")
    assert "Contacts The table was dropped or renamed, and is made anew; what it held" in told


def test_a_column_says_that_its_field_is_gone(
    ann: Visitor, platform: Platform, hubspot: HubSpot
) -> None:
    for name in ("shoe_size", "hat_size"):
        hubspot.add_property("contacts", name)
    platform.discover("acme-hubspot")
    synced(platform, "contacts")
    with psycopg.connect(platform.database_url) as postgres:
        postgres.execute("COMMENT ON COLUMN acme_hubspot.contacts.hat_size IS 'in inches'")
    for name in ("shoe_size", "hat_size"):
        hubspot.remove_property("contacts", name)
    platform.discover("acme-hubspot")
    synced(platform, "contacts")
    told = read(ann, f"{ACME}/tables")
    gone = "shoe_size text synced from HubSpot Contacts: Shoe size (no longer at the vendor)"
    assert gone in told
    assert "hat_size text in inches (no longer at the vendor)" in told
    assert told.count("no longer at the vendor") == 2


def test_it_is_renamed_by_a_label_and_keeps_its_name(ann: Visitor, platform: Platform) -> None:
    ann.submit(f"{ACME}/settings/label", label="  Acme <b>GmbH</b> ")
    html = ann.get(ACME).text
    assert "<h1>Acme &lt;b&gt;GmbH&lt;/b&gt;</h1>" in html
    assert platform.connection("acme-hubspot").title == "Acme <b>GmbH</b>"
    assert ann.submit(f"{ACME}/settings/label", label="x" * 81).status_code == 422
    ann.submit(f"{ACME}/settings/label", label="")
    assert platform.connection("acme-hubspot").label is None


def test_it_is_paused_and_resumed(ann: Visitor, platform: Platform) -> None:
    assert ann.submit(f"{ACME}/settings/pause").status_code == 303
    assert "Paused by ann@example.com. It does not sync by itself." in read(ann, ACME)
    assert ann.submit(f"{ACME}/settings/resume").status_code == 303
    assert platform.connection("acme-hubspot").status is ConnectionStatus.ACTIVE


def test_it_is_disconnected_only_when_its_name_is_typed(ann: Visitor, platform: Platform) -> None:
    assert "The tables in acme_hubspot stay" in read(ann, f"{ACME}/disconnect")
    assert ann.submit(f"{ACME}/disconnect", name="acme").status_code == 422
    assert platform.connections() != []
    assert ann.submit(f"{ACME}/disconnect", name="acme-hubspot").headers["location"] == "/"
    assert platform.connections() == []


def test_a_connection_that_there_is_not_is_not_found(ann: Visitor) -> None:
    for page in PAGES:
        assert ann.get(f"/connections/nobody{page}").status_code == 404


def test_members_see_and_sync_and_change_nothing(
    acme: Connection, dagster: SmallDagster, web: str, platform: Platform
) -> None:
    with closing(member(web, platform)) as bob:
        for page in PAGES:
            html = bob.look(f"{ACME}{page}").text
            assert "/disconnect" not in html
            assert "/sign-in" not in html
            assert "settings/pause" not in html
        assert bob.submit(f"{ACME}/syncs").status_code == 303
        for path in (
            "tables",
            "settings/label",
            "settings/pause",
            "settings/resume",
            "disconnect",
            "sign-in/oauth",
            "sign-in/key",
        ):
            assert bob.submit(f"{ACME}/{path}", name=acme.name).status_code == 403, path
        assert [bob.get(f"{ACME}/{it}").status_code for it in ("disconnect", "sign-in")] == [
            403
        ] * 2
    assert platform.connection(acme.name) == acme


def test_nothing_is_done_without_the_pages_own_token(ann: Visitor, platform: Platform) -> None:
    ann.headers.pop("X-CSRF-Token", None)
    for path in ("syncs", "tables", "settings/pause", "disconnect", "changes"):
        answer = ann.post(f"{ACME}/{path}", data={"name": "acme-hubspot"})
        assert answer.status_code == 403, path
    assert platform.connection("acme-hubspot").status is ConnectionStatus.ACTIVE
