"""The Airtable connector beside answers of Airtable's: what it makes of them, and that it asks in
their words."""

from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions as deletions
from sync_platform.connectors._airtable_fields import COMPUTED, TYPES, watches_everything
from sync_platform.connectors.airtable import connector, discovered, field
from sync_platform.errors import NotPermitted
from sync_platform_tests.contract.airtable_samples import FOLDER, MISSING, field_samples, sample

OURS = {
    "aiText": "json",
    "autoNumber": "integer",
    "barcode": "json",
    "button": "json",
    "checkbox": "boolean",
    "count": "integer",
    "createdBy": "json",
    "createdTime": "timestamp",
    "currency": "number",
    "date": "date",
    "dateTime": "timestamp",
    "duration": "number",
    "email": "text",
    "externalSyncSource": "json",
    "formula": "number",
    "lastModifiedBy": "json",
    "lastModifiedTime": "timestamp",
    "manualSort": "text",
    "multilineText": "text",
    "multipleAttachments": "json",
    "multipleCollaborators": "json",
    "multipleLookupValues": "json",
    "multipleRecordLinks": "json",
    "multipleSelects": "json",
    "number": "number",
    "percent": "number",
    "phoneNumber": "text",
    "rating": "integer",
    "richText": "text",
    "rollup": "number",
    "singleCollaborator": "json",
    "singleLineText": "text",
    "singleSelect": "text",
    "somethingUnrecognizable": "json",
    "url": "text",
}

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=MISSING)


class Samples:
    """An Api that answers with them. Webhooks are refused unless there are `payloads`."""

    def __init__(self, *payloads: Any) -> None:
        self.payloads = payloads

    @property
    def settings(self) -> dict[str, str]:
        return {"bases": "appLkNDICXNqxSDhG"}

    def get(self, path: str, **params: str) -> spec.Json:
        match path.split("/")[2:]:
            case ["meta", "bases"]:
                return sample("Bases")
            case ["meta", "bases", "appLkNDICXNqxSDhG", "tables"]:
                return sample("BaseSchema")
            case [*_, "payloads"]:
                return {"payloads": list(self.payloads), "cursor": len(self.payloads) + 1}
            case [*_, "webhooks"] if self.payloads:
                ours = {"specification": deletions.SPECIFICATION, "notificationUrl": None}
                told = {**sample("Webhook"), **ours, "cursorForNextPayload": len(self.payloads) + 1}
                return {"webhooks": [sample("Webhook"), told]}
        raise NotPermitted

    def send(self, request: spec.Request, asked: object = None) -> spec.Json:
        raise AssertionError("not asked")

    def ask(self, request: spec.Request, asked: object = None) -> spec.Answer:
        raise AssertionError("not asked")

    def pause(self, seconds: float) -> None:
        raise AssertionError("not asked")


def test_every_kind_of_field_has_its_type() -> None:
    assert {it["type"]: field(it).type for it in field_samples()} == OURS


def test_every_kind_that_is_known_is_in_the_samples() -> None:
    assert {*TYPES, *COMPUTED} <= set(OURS)


def test_every_field_keeps_its_id_and_name() -> None:
    for it in field_samples():
        assert (field(it).id, field(it).name) == (it["id"], it["name"])


def test_computed_fields_are_read_only() -> None:
    computed = {it["type"] for it in field_samples() if field(it).computed}
    assert computed == {
        *("formula", "rollup", "count", "multipleLookupValues", "autoNumber", "createdTime"),
        *("createdBy", "lastModifiedTime", "lastModifiedBy", "button", "aiText"),
        *("externalSyncSource", "manualSort"),
    }
    assert all(field(it).read_only == field(it).computed for it in field_samples())


def test_the_last_modified_time_of_the_samples_watches_everything() -> None:
    (it,) = [it for it in field_samples() if it["type"] == "lastModifiedTime"]
    assert watches_everything(it)
    it["options"]["referencedFieldIds"] = ["fld1"]
    assert not watches_everything(it)


def test_the_tables_of_a_base_become_objects() -> None:
    assert connector.discover is not None
    found = list(connector.discover(Samples()))
    assert [(it.name, it.id) for it in found] == [
        ("apartments", "tbltp8DGLhqbUmjK1"),
        ("districts", "tblK6MZHez0ZvBChZ"),
    ]
    apartments = discovered(found[0])
    assert (apartments.label, apartments.description) == (
        "Apartments (Apartment Hunting)",
        "Apartments to track.",
    )
    assert callable(apartments.fields)
    assert [it.name for it in apartments.fields(Samples())] == [
        "id", "createdTime", "Name", "Pictures", "District",
    ]  # fmt: skip


def test_payloads_tell_of_deletions_in_the_words_that_are_read() -> None:
    changed = {"changedTablesById": {"tblT": sample("WebhookPayload.TableChanged")}}
    payload = sample("WebhookPayload") | changed
    *told, end = deletions.of("appB", "tblT")(Samples(payload), spec.Read())
    assert [page.gone for page in told] == [[("rec00000000000002",)]]
    assert end == spec.Page()


def test_a_webhook_is_asked_for_in_known_words() -> None:
    known = sample("Webhook")["specification"]["options"]["filters"]
    for name, values in deletions.FILTERS.items():
        assert set(values) <= set(known[name])
    assert not deletions.is_ours(sample("Webhook"))
