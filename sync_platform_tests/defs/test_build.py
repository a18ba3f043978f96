"""What Dagster is given to show."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.connectors import load_connectors
from sync_platform.defs.build import build_definitions, definitions_from_env
from sync_platform.settings import Grain, Settings
from sync_platform_tests.defs.documented import code_in
from sync_platform_tests.environment import variables


def definitions_with(**settings: object) -> dg.Definitions:
    given = Settings(home=Path("/nowhere"), **settings)  # type: ignore[arg-type]
    return build_definitions(given, load_connectors().values())


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return definitions_with()


def test_the_definitions_load_without_any_database(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_object_of_every_connector_is_an_asset(definitions: dg.Definitions) -> None:
    keys = {spec.key for spec in definitions.resolve_all_asset_specs()}
    assert keys == {
        dg.AssetKey([connector.name, obj.name])
        for connector in load_connectors().values()
        for obj in connector.objects
    }


def test_an_asset_has_a_partition_for_each_connection_and_day_and_syncs_many_in_one_run(
    definitions: dg.Definitions,
) -> None:
    for asset in definitions.resolve_asset_graph().assets_defs:
        if not asset.keys:
            continue  # it holds checks
        partitions = asset.partitions_def
        assert isinstance(partitions, dg.MultiPartitionsDefinition)
        by_name = {each.name: each.partitions_def for each in partitions.partitions_defs}
        assert sorted(by_name) == ["connection", "date"]
        connections, days = by_name["connection"], by_name["date"]
        assert isinstance(connections, dg.DynamicPartitionsDefinition)
        assert connections.name == f"{asset.key.path[0]}_connections"
        assert isinstance(days, dg.DailyPartitionsDefinition)
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.parametrize(
    ("grain", "first"),
    [("day", "2025-03-12"), ("week", "2025-03-10"), ("month", "2025-03-01")],
)
def test_the_grain_of_the_dates_is_a_setting_and_the_first_day_is_within_the_first_of_them(
    grain: Grain, first: str
) -> None:
    wednesday = date(2025, 3, 12)
    made = definitions_with(grain=grain, first_day=wednesday)
    partitions = made.resolve_assets_def(dg.AssetKey(["hubspot", "contacts"])).partitions_def
    assert isinstance(partitions, dg.MultiPartitionsDefinition)
    dates = partitions.get_partitions_def_for_dimension("date")
    assert isinstance(dates, dg.TimeWindowPartitionsDefinition)
    assert dates.get_first_partition_key() == first
    *_, last = dates.get_partition_keys()
    window = dates.time_window_for_partition_key(last)
    assert window.start <= datetime.now(UTC) < window.end


def test_several_connectors_load_together(settings: Settings) -> None:
    hubspot = load_connectors()["hubspot"]
    other = replace(hubspot, name="other", label="Other")
    repository = build_definitions(settings, [hubspot, other]).get_repository_def()
    repository.load_all_definitions()  # as Dagster does: every job is made
    assert {key.path[0] for key in repository.assets_defs_by_key} == {"hubspot", "other"}


def test_what_runs_by_itself_runs_from_the_start(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {each.name: each.default_status.value for each in repository.sensor_defs} == {
        "checks_turned": "RUNNING",
        "old_runs": "RUNNING",
        "connections_as_partitions": "RUNNING",
        "incremental_due": "RUNNING",
        "stale_syncs": "RUNNING",
        "idle_sign_ins": "RUNNING",
        "own_objects": "RUNNING",
    }
    assert {each.name: each.default_status.value for each in repository.schedule_defs} == {
        "daily_full": "RUNNING",
        "computed_fields": "RUNNING",
    }


def test_every_asset_has_its_checks_and_none_of_them_blocks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        checks = graph.get_check_keys_for_assets({key})
        assert {each.name for each in checks} == {"rejected", "fresh", "breaker_closed"}
        for each in checks:
            spec = graph.get_check_spec(each)
            assert not spec.blocking
            assert spec.description


def test_an_asset_says_what_it_can_do(definitions: dg.Definitions) -> None:
    specs = {each.key.to_user_string(): each for each in definitions.resolve_all_asset_specs()}
    contacts, owners = specs["hubspot/contacts"], specs["hubspot/owners"]
    assert "incremental, from-date and full syncs" in str(contacts.description)
    assert owners.metadata["cursor"] == "none: full syncs only"
    assert contacts.group_name == "hubspot"
    assert {"hubspot", "postgres"} <= contacts.kinds


def test_definitions_from_the_environment_hold_the_connectors_of_a_folder_of_ones_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helpdesk.py").write_text(code_in("how-to/write-a-connector.md"))
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(tmp_path))
    keys = {spec.key for spec in definitions_from_env().resolve_all_asset_specs()}
    assert dg.AssetKey(["helpdesk", "tickets"]) in keys
