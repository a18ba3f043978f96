from datetime import timedelta

import pytest

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.ports import Budget, ObjectChoice, Secret
from sync_platform.engine.results import Target
from sync_platform.errors import ConfigurationError, Refused, UnknownConnection, UnknownObject
from sync_platform.spec import Field
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.connections import Connections
from sync_platform.store.credentials import Credentials
from sync_platform.store.cursors import Cursors
from sync_platform.store.database import Database
from sync_platform.store.quotas import Quotas
from sync_platform_tests.store.conftest import HandClock

CONTACTS = Target("acme-hubspot", "contacts")
DEALS = Target("acme-hubspot", "deals")
KEY = "A" * 43 + "="


def test_a_connection_comes_back_as_it_was_registered(store: Database, clock: HandClock) -> None:
    connections = Connections(store, clock)
    wanted = Connection(
        name="acme-stripe",
        connector="stripe",
        schema="acme_stripe",
        base_url="http://127.0.0.1:1",
        settings={"region": "eu"},
        interval=timedelta(minutes=7, seconds=30),
        objects=(
            ObjectChoice(object="invoices", filters={"status": "paid"}),
            ObjectChoice(object="charges", interval=timedelta(days=40, hours=1)),
        ),
        account_id="acct_1",
        created_at=clock.now(),
    )
    assert connections.register(wanted) == wanted
    assert connections.get("acme-stripe") == wanted


def test_a_new_connection_knows_when_it_was_made(acme: Connection, clock: HandClock) -> None:
    assert acme.created_at == clock.now()


def test_without_a_clock_the_database_tells_the_time(store: Database) -> None:
    made = Connections(store).register(Connection(name="a", connector="x", schema="a"))
    assert made.created_at is not None
    assert made.created_at.tzinfo is not None


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_cannot_be_kept_is_refused_and_nothing_is_changed(
    store: Database, acme: Connection, value: str
) -> None:
    connections = Connections(store)
    before, held = connections.get(acme.name), "'it' holds a NUL or half a character"
    with pytest.raises(ConfigurationError, match=f"The setting {held}"):
        connections.set_settings(acme.name, {"region": "eu", "it": value})
    with pytest.raises(Refused, match=f"The filter {held}"):
        connections.choose_objects(
            acme.name, [ObjectChoice(object="contacts", filters={"it": value})]
        )
    assert connections.get(acme.name) == before
    other = Connection(name="other", connector="hubspot", schema="other", settings={"it": value})
    with pytest.raises(ConfigurationError, match=f"The setting {held}"):
        connections.register(other)


def test_a_name_is_given_once(store: Database, acme: Connection) -> None:
    again = Connection(name="acme-hubspot", connector="hubspot", schema="other")
    with pytest.raises(ConfigurationError, match="There is a connection 'acme-hubspot' already"):
        Connections(store).register(again)


def test_a_schema_belongs_to_one_connection(store: Database, acme: Connection) -> None:
    other = Connection(name="other", connector="hubspot", schema="acme_hubspot")
    with pytest.raises(ConfigurationError, match="holds the tables of 'acme-hubspot' already"):
        Connections(store).register(other)


@pytest.mark.parametrize(("name", "schema"), [("Acme", "acme"), ("acme", "public")])
def test_what_cannot_be_a_name_or_a_schema_is_refused(
    store: Database, name: str, schema: str
) -> None:
    with pytest.raises(ConfigurationError):
        Connections(store).register(Connection(name=name, connector="hubspot", schema=schema))
    assert Connections(store).list() == []


def test_an_unknown_connection_is_told_with_those_that_come_close(store: Database) -> None:
    connections = Connections(store)
    with pytest.raises(UnknownConnection, match="There are none yet"):
        connections.get("acme")
    for name in ("acme-hubspot", "zenith"):
        connections.register(Connection(name=name, connector="x", schema=name.replace("-", "_")))
    with pytest.raises(UnknownConnection, match="Did you mean acme-hubspot"):
        connections.get("acme-hubsopt")
    with pytest.raises(UnknownConnection, match="There are: acme-hubspot, zenith"):
        connections.pause("quite-different", "?")


def test_connections_are_listed_by_name_and_by_connector(store: Database) -> None:
    connections = Connections(store)
    for name, connector in (("b", "hubspot"), ("a", "stripe"), ("c", "hubspot")):
        connections.register(Connection(name=name, connector=connector, schema=name))
    assert [each.name for each in connections.list()] == ["a", "b", "c"]
    assert [each.name for each in connections.list("hubspot")] == ["b", "c"]
    assert connections.list("xero") == []


def test_objects_are_chosen_in_an_order_and_others_dropped(
    store: Database, acme: Connection
) -> None:
    connections = Connections(store)
    choices = (ObjectChoice(object="tickets"), ObjectChoice(object="contacts", filters={"a": "b"}))
    connections.choose_objects("acme-hubspot", choices)
    assert connections.get("acme-hubspot").objects == choices
    connections.choose_objects("acme-hubspot", [])
    assert connections.get("acme-hubspot").objects == ()
    with pytest.raises(UnknownConnection):
        connections.choose_objects("other", choices)


def test_what_is_chosen_later_than_its_connection_is_there_tells_since_when(
    store: Database, acme: Connection, clock: HandClock
) -> None:
    connections, since = Connections(store, clock), clock.now() + timedelta(hours=1)
    kept = acme.objects[0].object
    clock.sleep(3600)
    for _ in range(2):
        chosen = [ObjectChoice(object=each) for each in (kept, "invoices")]
        connections.choose_objects("acme-hubspot", chosen)
        found = connections.get("acme-hubspot").objects
        assert [it.chosen_at for it in found] == [None, since]
        clock.sleep(3600)
    connections.choose_objects("acme-hubspot", [ObjectChoice(object="invoices")])
    connections.choose_objects("acme-hubspot", [ObjectChoice(object=kept)])
    (again,) = connections.get("acme-hubspot").objects
    assert again.chosen_at == clock.now()


def test_only_what_stays_chosen_with_the_same_filters_keeps_its_cursor(
    store: Database, acme: Connection, clock: HandClock
) -> None:
    connections, cursors = Connections(store), Cursors(store)

    def kept(*choices: ObjectChoice) -> set[str]:
        """Whose cursors are left by that choice, if all of them have one."""
        for each in ("contacts", "deals", "tickets", "owners"):
            cursors.save(Target("acme-hubspot", each), clock.now())
        connections.choose_objects("acme-hubspot", choices)
        return set(cursors.of("acme-hubspot"))

    contacts, deals = ObjectChoice(object="contacts"), ObjectChoice(object="deals")
    hourly = ObjectChoice(object="contacts", interval=timedelta(hours=1))
    customers = ObjectChoice(object="contacts", filters={"stage": "customer", "owner": "7"})
    again = ObjectChoice(object="contacts", filters={"owner": "7", "stage": "customer"})
    assert kept(deals, contacts) == {"contacts", "deals", "tickets", "owners"}
    assert kept(hourly, deals) == {"contacts", "deals", "tickets", "owners"}
    assert kept(customers, deals) == {"deals", "tickets", "owners"}
    assert kept(again) == {"contacts", "tickets", "owners"}
    assert kept(again, ObjectChoice(object="tickets")) == {"contacts", "deals", "owners"}
    assert kept() == {"deals", "owners"}


def test_what_is_set_is_there(store: Database, acme: Connection) -> None:
    connections = Connections(store)
    connections.set_interval("acme-hubspot", timedelta(hours=1))
    connections.set_settings("acme-hubspot", {"portal": "7"})
    connections.set_base_url("acme-hubspot", "http://localhost:8080")
    connections.set_account("acme-hubspot", "4711")
    now = connections.get("acme-hubspot")
    assert now.interval == timedelta(hours=1)
    assert now.settings == {"portal": "7"}
    assert (now.base_url, now.account_id) == ("http://localhost:8080", "4711")
    connections.set_interval("acme-hubspot", None)
    connections.set_base_url("acme-hubspot", None)
    now = connections.get("acme-hubspot")
    assert (now.interval, now.base_url) == (None, None)


def test_a_flag_is_shown_until_it_is_resumed(
    store: Database, acme: Connection, clock: HandClock
) -> None:
    connections = Connections(store, clock)
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_REAUTH, "Reconnect.")
    now = connections.get("acme-hubspot")
    assert (now.status, now.status_reason) == (ConnectionStatus.NEEDS_REAUTH, "Reconnect.")
    assert connections.resumed_at(CONTACTS) is None
    connections.resume("acme-hubspot")
    now = connections.get("acme-hubspot")
    assert (now.status, now.status_reason) == (ConnectionStatus.ACTIVE, None)
    assert connections.resumed_at(CONTACTS) == clock.now()


def test_a_flag_does_not_lift_a_person_s_pause(store: Database, acme: Connection) -> None:
    connections = Connections(store)
    connections.pause("acme-hubspot", "Paused by Ann.")
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Too many deletes.")
    now = connections.get("acme-hubspot")
    assert (now.status, now.status_reason) == (ConnectionStatus.PAUSED, "Paused by Ann.")


def test_a_lesser_flag_does_not_hide_that_a_new_sign_in_is_needed(
    store: Database, acme: Connection
) -> None:
    connections = Connections(store)
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Too many deletes.")
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_REAUTH, "Reconnect.")
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Too many deletes.")
    now = connections.get("acme-hubspot")
    assert (now.status, now.status_reason) == (ConnectionStatus.NEEDS_REAUTH, "Reconnect.")
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_REAUTH, "Revoked. Reconnect.")
    assert connections.get("acme-hubspot").status_reason == "Revoked. Reconnect."


def test_taking_a_flag_off_resumes_nothing_and_leaves_another_flag(
    store: Database, acme: Connection
) -> None:
    connections = Connections(store)
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "Too many deletes.")
    seen = connections.get("acme-hubspot")
    connections.flag("acme-hubspot", ConnectionStatus.NEEDS_ATTENTION, "A scope is missing.")
    connections.unflag(seen)
    now = connections.get("acme-hubspot")
    assert now.status_reason == "A scope is missing."
    connections.unflag(now)
    now = connections.get("acme-hubspot")
    assert (now.status, now.status_reason) == (ConnectionStatus.ACTIVE, None)
    assert connections.resumed_at(CONTACTS) is None


def test_an_object_was_resumed_with_its_connection_or_by_itself(
    store: Database, acme: Connection, clock: HandClock
) -> None:
    connections = Connections(store, clock)
    connections.resume_object("acme-hubspot", "contacts")
    first = clock.now()
    assert connections.resumed_at(CONTACTS) == first
    assert connections.resumed_at(DEALS) is None
    clock.sleep(60)
    connections.resume("acme-hubspot")
    assert connections.resumed_at(CONTACTS) == connections.resumed_at(DEALS) == clock.now()
    clock.sleep(60)
    connections.resume_object("acme-hubspot", "deals")
    assert connections.resumed_at(DEALS) == clock.now()
    connections.choose_objects("acme-hubspot", [ObjectChoice(object="deals")])
    assert connections.resumed_at(DEALS) == clock.now()


def test_an_object_that_is_not_chosen_cannot_be_resumed(store: Database, acme: Connection) -> None:
    connections = Connections(store)
    with pytest.raises(UnknownObject, match="Chosen are: contacts, deals"):
        connections.resume_object("acme-hubspot", "tickets")
    with pytest.raises(UnknownConnection):
        connections.resume_object("other", "tickets")


def test_a_removed_connection_leaves_nothing_behind(
    store: Database, acme: Connection, clock: HandClock
) -> None:
    connections = Connections(store)
    credentials = Credentials(store, [KEY])
    budget = Budget(name="api", calls=2, seconds=3600)
    credentials.save("acme-hubspot", Secret({"token": "t"}))
    Cursors(store).save(CONTACTS, clock.now())
    Catalogs(store).save(CONTACTS, [Field("id")])
    Quotas(store).take("acme-hubspot", [budget] * 1)
    Quotas(store).take("acme-hubspot", [budget] * 1)
    connections.remove("acme-hubspot")
    with pytest.raises(UnknownConnection):
        connections.get("acme-hubspot")
    connections.register(Connection(name="acme-hubspot", connector="hubspot", schema="again"))
    assert Cursors(store).get(CONTACTS) is None
    assert Catalogs(store).fields(CONTACTS) is None
    assert Quotas(store).take("acme-hubspot", [budget]) == 0
    assert connections.get("acme-hubspot").objects == ()
    with pytest.raises(UnknownConnection):
        connections.remove("other")
