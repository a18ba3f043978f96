"""The fake Airtable's answers beside answers of Airtable's: the same names, nested alike."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_bases import COMPUTED
from sync_platform.sandbox.airtable_kinds import NUMBERS, TEXTS
from sync_platform_tests.contract.airtable_samples import FOLDER, MISSING, field_samples, sample

Json = dict[str, Any]

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def airtable() -> Iterator[Airtable]:
    with serve(Airtable(records=60)) as vendor:
        yield vendor


@pytest.fixture(scope="module")
def client(airtable: Airtable) -> Iterator[httpx.Client]:
    signed = {"Authorization": "Bearer sandbox-token"}
    with httpx.Client(base_url=airtable.url, headers=signed) as client:
        yield client


def unlike(found: Any, wanted: Any) -> list[str]:
    """Where they differ in names or kinds of values; what the sample leaves empty fits all."""
    return list(_unlike(found, wanted, ""))


def _unlike(found: Any, wanted: Any, place: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in found.items():
            if name in wanted:
                yield from _unlike(value, wanted[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is no name of Airtable's"
    elif isinstance(wanted, list) and isinstance(found, list):
        for each in found if wanted else ():
            yield from _unlike(each, wanted[0], f"{place}[]")
    elif not isinstance(found, type(wanted)) and None not in (found, wanted):
        yield f"{place} is a {type(found).__name__}"


def test_bases_are_listed_alike(client: httpx.Client) -> None:
    found = client.get("/v0/meta/bases").json()
    assert unlike(found, sample("Bases")) == []
    assert found["bases"][0].keys() == sample("Bases")["bases"][0].keys()


def test_tables_are_told_alike(client: httpx.Client, airtable: Airtable) -> None:
    base = airtable.base("Product Roadmap").id
    tables = client.get(f"/v0/meta/bases/{base}/tables").json()["tables"]
    wanted = sample("TableSchema")
    for table in tables:
        assert unlike({**table, "fields": []}, wanted) == []
        assert {"id", "name", "primaryFieldId", "fields", "views"} <= table.keys()


def test_fields_of_every_kind_are_told_alike(client: httpx.Client, airtable: Airtable) -> None:
    samples = {it["type"]: it for it in field_samples()}
    seen = set()
    for base in ("Product Roadmap", "Office"):
        tables = client.get(f"/v0/meta/bases/{airtable.base(base).id}/tables").json()["tables"]
        for field in (it for table in tables for it in table["fields"]):
            wanted = samples[field["type"]]
            seen.add(field["type"])
            links = {"inverseLinkFieldId": "fld", **(wanted.get("options") or {})}
            known = wanted | {"description": "", "options": links}
            assert unlike(field, known) == [], field["type"]
    assert len(seen) > 20


def test_the_sandbox_knows_the_kinds_there_are() -> None:
    kinds = {it["type"] for it in field_samples()}
    assert set(COMPUTED) <= kinds
    assert {*TEXTS, *NUMBERS} <= kinds


def test_webhooks_are_told_alike(client: httpx.Client, airtable: Airtable) -> None:
    base = airtable.base("Product Roadmap")
    hooks = f"/v0/bases/{base.id}/webhooks"
    asked = {"specification": sample("Webhook")["specification"]}
    asked["specification"]["options"]["filters"]["recordChangeScope"] = base.tables[2].id
    made = client.post(hooks, json=asked).json()
    assert made.keys() == {"id", "macSecretBase64", "expirationTime"}
    (found,) = client.get(hooks).json()["webhooks"]
    assert unlike(found, sample("Webhook")) == []
    assert found.keys() == sample("Webhook").keys()
    id = airtable.add("Tasks", Name="Ship it")
    airtable.edit("Tasks", id, Name="Ship it now")
    airtable.delete("Tasks", id)
    told = client.get(f"{hooks}/{made['id']}/payloads").json()
    assert len(told["payloads"]) == 3
    changed = sample("WebhookPayload.TableChanged")
    for payload in told["payloads"]:
        (table,) = payload.pop("changedTablesById").values()
        assert table.keys() <= changed.keys()
        assert unlike(payload, _with_any_user(sample("WebhookPayload"))) == []


def _with_any_user(payload: Json) -> Json:
    payload["actionMetadata"]["sourceMetadata"]["user"]["name"] = ""
    return payload


def test_the_comparison_notices_what_is_strange() -> None:
    assert unlike({"a": 1}, {"b": 1}) == [".a is no name of Airtable's"]
    assert unlike({"a": [{"b": "x"}]}, {"a": [{"b": 1}]}) == [".a[].b is a str"]
