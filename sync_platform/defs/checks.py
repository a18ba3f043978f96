"""Asset checks: what a data engineer wants to be warned of before building on a table.

Every run evaluates those of its objects after the materializations: Dagster shows a check as not
evaluated until it was since the latest of them. All of a run's checks are one step of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from sync_platform.defs.resources import PlatformResource
from sync_platform.engine.checks import CheckName, Trouble
from sync_platform.platform import Platform
from sync_platform.spec import Connector

DESCRIPTIONS: Mapping[CheckName, str] = {
    "rejected": "Every record that was read fits the table, on all connections. Those that do not "
    "are kept in the table _rejected of the connection's schema.",
    "fresh": "Every connection that should sync did so within twice its interval (and 15 minutes), "
    "and in full within 36 hours.",
    "breaker_closed": "No connection's automatic syncs are paused after failures.",
}
SEVERITY = {"breaker_closed": dg.AssetCheckSeverity.ERROR}  # a person must act
AT_ONCE = 100  # evaluations a tick; storing one takes 25 ms
SHOWN = 20  # connections in a description; the metadata names all


def object_checks(connector: Connector) -> dg.AssetChecksDefinition:
    """All checks of a connector's objects."""

    @dg.multi_asset_check(
        name=f"{connector.name}_checks",
        specs=[
            dg.AssetCheckSpec(name, asset=[connector.name, obj.name], description=told)
            for obj in connector.objects
            for name, told in DESCRIPTIONS.items()
        ],
        can_subset=True,
    )
    def checked(
        context: dg.AssetCheckExecutionContext, platform: PlatformResource
    ) -> Iterator[dg.AssetCheckResult]:
        troubles = platform.get().troubles(connector.name)
        for key in sorted(context.selected_asset_check_keys, key=str):
            yield dg.AssetCheckResult(
                asset_key=key.asset_key, check_name=key.name, **outcome(key, troubles)
            )

    return checked


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the outcome of an asset check where no run did: it turned since, or the run "
    "failed before its checks.",
)
def checks_turned(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> dg.SensorResult:
    """Evaluations without a run, of connectors that have connections."""
    outcomes = dict(evaluated(platform.get()))
    shown = context.instance.event_log_storage.get_latest_asset_check_execution_by_key([*outcomes])
    events = [
        dg.AssetCheckEvaluation(asset_key=key.asset_key, check_name=key.name, **found)
        for key, found in outcomes.items()
        if not _shows(context.instance, shown.get(key), found["description"])
    ]
    return dg.SensorResult(
        asset_events=events[:AT_ONCE],
        skip_reason=f"{len(events)} checks have turned." if events else "No check has turned.",
    )


def _shows(
    instance: dg.DagsterInstance, latest: AssetCheckExecutionRecord | None, description: str
) -> bool:
    """Whether Dagster shows this outcome already, or a run is about to tell it."""
    if latest is None:
        return False
    if latest.status is AssetCheckExecutionRecordStatus.PLANNED:
        run = instance.get_run_by_id(latest.run_id)
        return run is not None and not run.is_finished
    return latest.evaluation is not None and latest.evaluation.description == description


def evaluated(platform: Platform) -> Iterator[tuple[dg.AssetCheckKey, dict[str, Any]]]:
    """The outcome of every check of every connector that has connections."""
    connected = {each.connector for each in platform.connections()}
    for connector in platform.whole_connectors():
        name = connector.name
        if name not in connected:
            continue
        troubles = platform.troubles(name)
        for obj in connector.objects:
            for check in get_args(CheckName):
                key = dg.AssetCheckKey(dg.AssetKey([name, obj.name]), check)
                yield key, outcome(key, troubles)


def outcome(key: dg.AssetCheckKey, troubles: Iterable[Trouble]) -> dict[str, Any]:
    """How a check ended, for its result or its evaluation."""
    found = [
        it for it in troubles if it.check == key.name and it.target.object == key.asset_key.path[-1]
    ]
    return {
        "passed": not found,
        "severity": SEVERITY.get(key.name, dg.AssetCheckSeverity.WARN),
        "description": _said(found) or "All is well.",
        "metadata": {
            "connections": dg.MetadataValue.json(
                {it.target.connection: it.sentence for it in found}
            ),
            **({"rejected": sum(it.count for it in found)} if key.name == "rejected" else {}),
        },
    }


def _said(found: Sequence[Trouble]) -> str:
    more = f" And {len(found) - SHOWN} more." if len(found) > SHOWN else ""
    return "\n".join(it.sentence for it in found[:SHOWN]) + more
