import pytest

from sync_platform import spec
from sync_platform.errors import UnknownObject

ID = spec.Field("id")
READ = spec.get("/things")


def test_a_slot_left_out_is_something_the_api_cannot_do() -> None:
    bare = spec.ConnectorObject(name="things", fields=[ID], read=READ)
    assert not any((bare.incremental, bare.sees_deletes, bare.writable))


def test_a_slot_filled_is_something_it_can() -> None:
    full = spec.ConnectorObject(
        name="things",
        fields=[ID],
        read=READ,
        cursor="id",
        deletes=READ,
        delete=spec.delete("/{key}"),
    )
    assert full.incremental
    assert full.sees_deletes
    assert full.writable


def test_a_key_may_have_parts() -> None:
    def keys(key: str | tuple[str, ...]) -> tuple[str, ...]:
        return spec.ConnectorObject(name="things", fields=[ID], read=READ, key=key).keys

    assert keys("id") == ("id",)
    assert keys(("shop", "id")) == ("shop", "id")


def test_a_row_is_the_record_unless_said_otherwise() -> None:
    record = {"id": 1}
    row = spec.ConnectorObject(name="things", fields=[ID], read=READ).row(record)
    assert row == record
    assert row is not record


def test_a_connector_has_its_objects_by_name() -> None:
    things = spec.ConnectorObject(name="things", fields=[ID], read=READ)
    others = spec.ConnectorObject(name="others", fields=[ID], read=READ)
    connector = spec.Connector(
        name="acme",
        label="Acme",
        base_url="https://acme.test",
        auth=[spec.BearerToken()],
        objects=[things, others],
        check=READ,
    )
    assert connector["others"] is others
    with pytest.raises(UnknownObject, match=r"Acme has no object 'x'\. It has: things, others\."):
        connector["x"]
    assert connector.account({"id": 1}) is None
