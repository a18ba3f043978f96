"""What took place in a stage's Dagster, by its GraphQL, and what its vendor holds."""

import socket
import threading
from collections.abc import Callable
from datetime import date
from time import monotonic
from typing import Any

import httpx

from sync_platform.demo.stage import Stage
from sync_platform.spec.times import moment

RUNS = """
query Runs($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { runs(limit: 50) { runId status endTime tags { key value } } }
  }
}
"""
MATERIALIZATIONS = """
{
  assetOrError(assetKey: {path: ["hubspot", "contacts"]}) {
    ... on Asset {
      assetMaterializations(limit: 50) {
        runId
        partition
        metadataEntries {
          label
          ... on TextMetadataEntry { text }
          ... on IntMetadataEntry { intValue }
        }
      }
    }
  }
}
"""
REPOSITORY = '{repositoryLocationName: "sync_platform", repositoryName: "__repository__"}'
TICKS = f"""
{{
  sensorsOrError(repositorySelector: {REPOSITORY}) {{
    ... on Sensors {{ results {{ name sensorState {{ status ticks {{ error {{ message }} }} }} }} }}
  }}
  schedulesOrError(repositorySelector: {REPOSITORY}) {{
    ... on Schedules {{
      results {{ name scheduleState {{ status ticks {{ error {{ message }} }} }} }}
    }}
  }}
}}
"""


def ticks(stage: Stage) -> dict[str, dict[str, Any]]:
    """The state of every sensor and schedule, with the errors of its ticks."""
    told = stage.platform.runs.ask(TICKS)
    automations = told["sensorsOrError"]["results"] + told["schedulesOrError"]["results"]
    return {each["name"]: each.get("sensorState") or each["scheduleState"] for each in automations}


def ended_runs(stage: Stage, backfill: str) -> list[dict[str, Any]]:
    """The backfill's runs; none while one of them is under way."""
    stage.processes.check()
    told = stage.platform.runs.ask(RUNS, {"id": backfill})["partitionBackfillOrError"]
    runs = list(told["runs"])
    return runs if all(each["endTime"] for each in runs) else []


def materializations(stage: Stage, run_id: str) -> dict[str, dict[str, Any]]:
    """What a run told of each partition of contacts."""
    told = stage.platform.runs.ask(MATERIALIZATIONS)["assetOrError"]["assetMaterializations"]
    return {
        each["partition"]: {
            entry["label"]: entry.get("text") or entry.get("intValue")
            for entry in each["metadataEntries"]
        }
        for each in told
        if each["runId"] == run_id
    }


def changed_since(stage: Stage, day: date) -> int:
    """How many contacts the vendor has that changed on or after that day."""
    answer = httpx.get(
        f"{stage.accounts[0].url}/_sandbox/records/contacts", timeout=30, trust_env=False
    )
    row = stage.platform.connector("hubspot")["contacts"].row
    stamps = [moment(row(each)["lastmodifieddate"]) for each in answer.json()["results"]]
    return len([each for each in stamps if each.date() >= day])


def ended(stage: Stage, api: httpx.Client, path: str) -> list[dict[str, Any]]:
    """The syncs asked for at that path of the API, once they have ended."""
    stage.processes.check()
    told = api.get(path).json()
    return [told] if told["ended_at"] else []


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(found: Callable[[], list[Any]], within: float) -> list[Any]:
    """What is found, as soon as there is any."""
    deadline = monotonic() + within
    tick = threading.Event()
    while monotonic() < deadline:
        it = found()
        if it:
            return it
        tick.wait(0.5)
    raise AssertionError(f"Nothing was found within {within:.0f} s.")
