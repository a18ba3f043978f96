"""What took place in a stage's Dagster, by its GraphQL, and what its vendor holds."""

from datetime import date
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
    answer = httpx.get(f"{stage.vendor_url}/_sandbox/records/contacts", timeout=30, trust_env=False)
    row = stage.platform.connector("hubspot")["contacts"].row
    stamps = [moment(row(each)["lastmodifieddate"]) for each in answer.json()["results"]]
    return len([each for each in stamps if each.date() >= day])
