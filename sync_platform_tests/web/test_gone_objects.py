"""Syncs of a connection that has chosen an object which its connector no longer has."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.web.conftest import MakeKey
from sync_platform_tests.web.serving import Visitor
from sync_platform_tests.web.visiting import read

SYNCS = "/api/v1/connections/acme-hubspot/syncs"
GONE = Target("acme-hubspot", "fax_numbers")
SENTENCE = "HubSpot has no object 'fax_numbers' any more, so it was not synced"
TO_DO = "sync-platform objects acme-hubspot --choose contacts,deals"


def choose(platform: Platform, *objects: str) -> None:
    """Have these objects chosen, whether or not there are such."""
    platform.store.choose_objects("acme-hubspot", [ObjectChoice(object=each) for each in objects])


@pytest.fixture
def dagster(platform: Platform, acme: Connection) -> Iterator[SmallDagster]:
    """A Dagster that has the objects which there still are."""
    choose(platform, "contacts", "fax_numbers", "deals")
    with small_dagster(("hubspot", "contacts"), ("hubspot", "deals")) as it:
        platform.settings = replace(platform.settings, dagster_url=it.url)
        yield it


def carry_out(platform: Platform, dagster: SmallDagster) -> None:
    """Sync what the only run is to sync."""
    (run,) = dagster.runs
    for each in run.objects:
        request = SyncRequest(Target("acme-hubspot", each), run_id=run.id)
        platform.sync(request).run(into=platform.destination)
    run.status = "SUCCESS"


def test_the_api_syncs_the_others_and_tells_of_the_one_that_is_gone(
    platform: Platform, dagster: SmallDagster, api_key: MakeKey
) -> None:
    client = api_key("read", "sync")
    answer = client.post(SYNCS)
    assert answer.status_code == 202, answer.text
    asked = answer.json()
    assert sorted(dagster.runs[0].objects) == ["contacts", "deals"]
    assert asked["status"] == "waiting"
    states = {each["object"]: each["status"] for each in asked["syncs"]}
    assert states == {"contacts": "waiting", "deals": "waiting", "fax_numbers": "failed"}
    assert client.post(SYNCS).json()["id"] == asked["id"]

    carry_out(platform, dagster)
    done = client.get(f"{SYNCS}/{asked['id']}").json()
    assert done["status"] == "failed"
    told = {each["object"]: each for each in done["syncs"]}
    assert {told[each]["status"] for each in ("contacts", "deals")} == {"succeeded"}
    assert told["fax_numbers"]["run_id"] is None
    assert told["fax_numbers"]["error"].startswith(SENTENCE)
    assert told["fax_numbers"]["error"].endswith(TO_DO)
    assert client.get(f"{SYNCS}/{asked['id']}").json() == done


def test_what_was_asked_while_an_object_was_gone_is_asked_anew_once_it_is_back(
    platform: Platform, dagster: SmallDagster, api_key: MakeKey
) -> None:
    client = api_key("read", "sync")
    first = client.post(SYNCS).json()["id"]
    choose(platform, "contacts", "deals")
    assert client.post(SYNCS).json()["id"] != first


@pytest.mark.usefixtures("dagster")
def test_the_pages_button_syncs_the_others_and_tells_of_the_one_that_is_gone(
    platform: Platform, dagster: SmallDagster, signed_in: Visitor
) -> None:
    answer = signed_in.post("/connections/acme-hubspot/syncs")
    assert answer.status_code == 303
    carry_out(platform, dagster)
    told = read(signed_in, answer.headers["Location"])
    assert "Ended, 1 of 3 not well" in told
    assert SENTENCE in told


def test_where_all_are_gone_nothing_is_started(
    platform: Platform, dagster: SmallDagster, api_key: MakeKey
) -> None:
    choose(platform, "fax_numbers", "pagers")
    answer = api_key("sync").post(SYNCS)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_gone")
    for each in ("fax_numbers", "pagers"):
        assert f"HubSpot has no object '{each}' any more" in answer.json()["detail"]
    assert dagster.runs == []


@pytest.mark.usefixtures("dagster")
def test_an_automatic_run_over_it_ends_quietly(platform: Platform) -> None:
    told = platform.nothing_to_do(SyncRequest(GONE, automatic=True))
    assert told is not None
    assert told.startswith(SENTENCE)
    other = Target("acme-hubspot", "deals")
    assert platform.nothing_to_do(SyncRequest(other, automatic=True)) is None
