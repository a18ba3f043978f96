"""Fields whose types are told from values, in the catalog: without any they stay what they were."""

from sync_platform.engine.connections import Connection
from sync_platform.engine.results import Target
from sync_platform.spec import Field
from sync_platform.store.catalogs import Catalogs
from sync_platform.store.database import Database

CONTACTS = Target("acme-hubspot", "contacts")
EMPTY = Field("age", empty=True)


def test_a_field_that_lost_its_values_is_not_retyped(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [Field("age", "integer")])
    assert catalogs.save(CONTACTS, [EMPTY]) == []
    assert catalogs.fields(CONTACTS) == [Field("age", "integer", empty=True)]
    assert catalogs.save(CONTACTS, [EMPTY]) == []
    assert catalogs.save(CONTACTS, [Field("age", "integer")]) == []


def test_a_first_value_is_no_news(store: Database, acme: Connection) -> None:
    catalogs = Catalogs(store)
    catalogs.save(CONTACTS, [EMPTY])
    assert catalogs.save(CONTACTS, [Field("age", "integer")]) == []
    assert [it.kind for it in catalogs.save(CONTACTS, [Field("age", "number")])] == ["retyped"]
