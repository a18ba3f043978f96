"""Dagster runs of a test: launched in this process, and what they left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from sync_platform.defs.build import build_definitions
from sync_platform.defs.resources import PlatformResource
from sync_platform.defs.sensors import config_for
from sync_platform.platform import Platform

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def handed(platform: Platform) -> PlatformResource:
    """A resource that gives this platform."""

    class Handed(PlatformResource):
        def get(self) -> Platform:
            return platform

    return Handed()


def definitions_of(platform: Platform, **settings: Any) -> dg.Definitions:
    """Everything that Dagster shows and runs, on this platform."""
    changed = {**vars(platform.settings), **settings}
    return build_definitions(
        type(platform.settings)(**changed),
        platform.connectors().values(),
        platform=handed(platform),
    )


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    instance: dg.DagsterInstance
    id: str

    @property
    def events(self) -> list[dg.DagsterEvent]:
        """What happened, oldest first."""
        entries = self.instance.all_logs(self.id)
        return [each.dagster_event for each in entries if each.dagster_event is not None]

    @property
    def ok(self) -> bool:
        """Whether every step went well."""
        run = self.instance.get_run_by_id(self.id)
        return run is not None and run.is_success

    @property
    def log(self) -> list[str]:
        """What was logged for people."""
        entries = self.instance.all_logs(self.id)
        told = [each.user_message for each in entries if each.dagster_event is None]
        return [each for each in told if not each.startswith("Skipping step ")]

    @property
    def everything(self) -> str:
        """All that the run left in Dagster's storage."""
        return "\n".join(map(repr, self.instance.all_logs(self.id)))

    def checks(self, *key: str) -> dict[str, dg.AssetCheckEvaluation]:
        """How the checks of an asset ended, by name."""
        found = [
            each.asset_check_evaluation_data
            for each in self.events
            if each.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ]
        return {each.check_name: each for each in found if each.asset_key == dg.AssetKey(key)}

    def materializations(self, *key: str) -> list[dg.AssetMaterialization]:
        """Of one asset, or of all."""
        found = [
            each.step_materialization_data.materialization
            for each in self.events
            if each.is_step_materialization
        ]
        return [each for each in found if not key or each.asset_key == dg.AssetKey(key)]

    def metadata(self, *key: str) -> dict[str, Any]:
        """The plain values of an asset's materialization (the same for each partition of a run)."""
        one, *others = self.materializations(*key)
        assert all(each.metadata == one.metadata for each in others)
        return {name: value.value for name, value in one.metadata.items()}

    @property
    def failures(self) -> dict[str, dg.Failure | str]:
        """The steps that failed and what they told: our Failure, or somebody else's error."""
        found: dict[str, dg.Failure | str] = {}
        for each in self.events:
            if each.is_step_failure:
                data = each.step_failure_data
                told = data.user_failure_data
                found[str(each.step_key)] = (
                    dg.Failure(told.description, told.metadata)
                    if told
                    else data.error_display_string
                )
        return found


@dataclass(frozen=True)
class Dagster:
    """A Dagster of one's own, whose runs take place here and now."""

    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def run(
        self,
        assets: Sequence[Sequence[str]],
        partitions: tuple[str, str] | str | None = None,
        *,
        config: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        """Materialize assets: over one partition (as the UI launches it), over a range of them from
        first to last (as a backfill does), or with none."""
        keys = [dg.AssetKey(list(each)) for each in assets]
        one = partitions if isinstance(partitions, str) else None
        span = (
            {RANGE_START: partitions[0], RANGE_END: partitions[1]}
            if isinstance(partitions, tuple)
            else {}
        )
        return self.launch(
            dg.RunRequest(
                asset_selection=keys,
                partition_key=one,
                run_config=config_for(keys, config) if config else {},
                tags={**(tags or {}), **span},
            )
        )

    def launch(self, request: dg.RunRequest) -> Run:
        """Run what a sensor or schedule asks for."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=self.instance,
            asset_selection=request.asset_selection,
            partition_key=request.partition_key,
            run_config=request.run_config,
            tags=request.tags,
            raise_on_error=False,
        )
        return Run(self.instance, result.run_id)
