"""Runs launched, followed and ended through the calls that Dagster's webserver takes."""

from collections.abc import Iterator

import pytest

from sync_platform.engine.requested import AskedStatus
from sync_platform.errors import DagsterUnavailable, Refused, Unexpected
from sync_platform.transport.dagster import REQUEST_TAG, DagsterRuns, Launch
from sync_platform_tests.transport.small_dagster import SmallDagster, small_dagster
from sync_platform_tests.transport.wire import Wire, unused_url

CONTACTS = Launch(
    connector="hubspot",
    connection="acme-hubspot",
    objects=["contacts", "deals"],
    date="2026-11-21",
    config={"mode": "full"},
    tags={REQUEST_TAG: "r1"},
)


@pytest.fixture
def dagster() -> Iterator[SmallDagster]:
    with small_dagster(("hubspot", "contacts"), ("hubspot", "deals")) as it:
        yield it


@pytest.fixture
def runs(dagster: SmallDagster) -> DagsterRuns:
    return DagsterRuns(dagster.url)


def test_a_run_is_launched_over_its_objects_on_the_partition_of_connection_and_date(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    run = dagster.run(runs.launch(CONTACTS))
    assert run.objects == ["contacts", "deals"]
    assert run.config == {"contacts": {"mode": "full"}, "deals": {"mode": "full"}}
    assert run.tags == {
        "dagster/partition": "acme-hubspot|2026-11-21",
        "dagster/partition/connection": "acme-hubspot",
        "dagster/partition/date": "2026-11-21",
        "sync_platform/connection": "acme-hubspot",
        "sync_platform/request": "r1",
    }


def test_the_partition_of_a_new_connection_is_made_first_and_one_that_is_there_does_no_harm(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    runs.launch(CONTACTS)
    runs.launch(CONTACTS)
    assert dagster.partitions == {"hubspot_connections": {"acme-hubspot"}}


def test_states_are_told_in_our_words_and_runs_that_dagster_forgot_are_left_out(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    ids = [runs.launch(CONTACTS) for _ in range(3)]
    dagster.run(ids[1]).status = "STARTED"
    dagster.run(ids[2]).status = "SUCCESS"
    assert runs.states([*ids, "gone"]) == {
        ids[0]: AskedStatus.WAITING,
        ids[1]: AskedStatus.RUNNING,
        ids[2]: AskedStatus.SUCCEEDED,
    }
    assert runs.states([]) == {}


def test_a_request_finds_its_runs_by_their_tag(runs: DagsterRuns) -> None:
    id = runs.launch(CONTACTS)
    assert list(runs.of_request("r1")) == [id]
    assert runs.of_request("r2") == {}


def test_a_run_that_waits_is_canceled_at_once_and_one_that_runs_is_asked_to_stop(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    waits, works, ended = (runs.launch(CONTACTS) for _ in range(3))
    dagster.run(works).status = "STARTED"
    dagster.run(ended).status = "SUCCESS"
    runs.cancel([waits, works, ended, "gone"])
    assert dagster.run(waits).status == "CANCELED"
    assert dagster.run(works).status == "CANCELING"
    assert dagster.run(ended).status == "SUCCESS"


def test_a_run_whose_worker_is_gone_is_crossed_out(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    id = runs.launch(CONTACTS)
    dagster.run(id).status, dagster.workers_gone = "STARTED", True
    runs.cancel([id])
    assert runs.states([id]) == {id: AskedStatus.CANCELED}


def test_where_nobody_listens_the_error_says_what_to_do_and_shows_no_password() -> None:
    url = unused_url().replace("//", "//me:very-secret@")
    with pytest.raises(DagsterUnavailable, match="sync-platform up") as error:
        DagsterRuns(url).launch(CONTACTS)
    assert "very-secret" not in f"{error.value} {error.value.evidence}"
    assert not DagsterRuns(url).ready()


@pytest.mark.parametrize("body", [b"<html>starting</html>", b"[]x"])
def test_what_is_no_graphql_is_no_dagster(wire: Wire, body: bytes) -> None:
    wire.say(body, status=502)
    with pytest.raises(DagsterUnavailable):
        DagsterRuns(wire.url).states(["a"])


def test_an_object_that_dagster_has_not_loaded_is_named(runs: DagsterRuns) -> None:
    stranger = Launch(
        connector="hubspot", connection="acme-hubspot", objects=["contacts", "calls"], date="2026"
    )
    with pytest.raises(DagsterUnavailable, match="has not loaded calls of hubspot"):
        runs.launch(stranger)


def test_a_launch_that_is_refused_tells_dagsters_reason(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    errors = [{"message": "Undefined field mode"}]
    dagster.refuse_launch = {"__typename": "RunConfigValidationInvalid", "errors": errors}
    with pytest.raises(Unexpected, match="Undefined field mode"):
        runs.launch(CONTACTS)


def test_a_query_that_is_refused_tells_why(wire: Wire) -> None:
    wire.say({"errors": [{"message": "Cannot query field"}]}, status=400)
    with pytest.raises(Unexpected, match="Cannot query field"):
        DagsterRuns(wire.url).states(["a"])


def test_links_lead_where_people_reach_it() -> None:
    assert DagsterRuns("http://10.0.0.5:3000").link("1") == "http://10.0.0.5:3000/runs/1"
    behind_a_proxy = DagsterRuns("http://10.0.0.5:3000", shown_at="https://dagster.example.com/")
    assert behind_a_proxy.link("1") == "https://dagster.example.com/runs/1"


def test_a_run_on_a_machine_that_is_not_reached_goes_on_and_that_is_told(
    runs: DagsterRuns, dagster: SmallDagster
) -> None:
    id = runs.launch(CONTACTS)
    dagster.elsewhere = "The sync runs on another machine."
    with pytest.raises(Refused) as refused:
        runs.cancel([id])
    assert str(refused.value) == "The sync runs on another machine."
    assert runs.states([id]) == {id: AskedStatus.WAITING}
