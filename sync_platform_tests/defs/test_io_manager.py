"""Tables as inputs of other assets, and the DataFrames that those return as tables."""

import dagster as dg
import pandas as pd
import psycopg
import pytest
from psycopg.rows import dict_row

from sync_platform.defs.partitions import current_partition
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot
from sync_platform_tests.defs.runs import Dagster

CONTACTS = ("hubspot", "contacts")
pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def today(platform: Platform) -> str:
    """The date of the current partition."""
    return current_partition("any", "day", platform.settings.first_day).split("|")[1]


@pytest.fixture
def synced(acme: Connection, dagster: Dagster, hubspot: HubSpot, today: str) -> None:
    """Three contacts of acme-hubspot, of which one is gone at the vendor."""
    hubspot.add("contacts", email="ada@example.com", annualrevenue="1200.50")
    hubspot.add("contacts", email="grace@example.com", annualrevenue="7")
    gone = hubspot.add("contacts", email="gone@example.com")
    assert dagster.run([CONTACTS], f"acme-hubspot|{today}").ok
    hubspot.archive("contacts", gone)
    assert dagster.run([CONTACTS], f"acme-hubspot|{today}").ok


def with_assets(dagster: Dagster, *assets: dg.AssetsDefinition) -> Dagster:
    """That Dagster, with assets of one's own."""
    own = dg.Definitions(assets=list(assets))
    return Dagster(dagster.instance, dg.Definitions.merge(dagster.definitions, own))


def reader(seen: list[pd.DataFrame], **metadata: object) -> dg.AssetsDefinition:
    """An asset that keeps what it is given."""

    @dg.asset(ins={"contacts": dg.AssetIn(list(CONTACTS), metadata=metadata)})
    def read(contacts: pd.DataFrame) -> None:
        seen.append(contacts)

    return read


def table(platform: Platform, name: str) -> list[dict[str, object]]:
    with psycopg.connect(platform.database_url, row_factory=dict_row) as postgres:
        return postgres.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()


# -- inputs -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("synced")
def test_an_input_is_the_table_of_the_connection_that_its_metadata_names(
    dagster: Dagster, platform: Platform, hubspot: HubSpot
) -> None:
    platform.connect("hubspot", "beta", Secret({"token": "sandbox-token"}), base_url=hubspot.url)
    seen: list[pd.DataFrame] = []
    assert with_assets(dagster, reader(seen, connection="acme-hubspot")).run([["read"]]).ok
    (frame,) = seen
    assert sorted(frame["email"]) == ["ada@example.com", "grace@example.com"]
    assert isinstance(frame["createdate"].dtype, pd.DatetimeTZDtype)
    assert sorted(frame["annualrevenue"]) == [7.0, 1200.5]


@pytest.mark.usefixtures("synced")
def test_an_input_has_only_the_columns_that_were_asked_for(dagster: Dagster) -> None:
    seen: list[pd.DataFrame] = []
    wanted = {"connection": "acme-hubspot", "columns": ["email", "annualrevenue"]}
    assert with_assets(dagster, reader(seen, **wanted)).run([["read"]]).ok
    assert list(seen[0].columns) == ["email", "annualrevenue"]


@pytest.mark.usefixtures("synced")
def test_deleted_rows_are_left_out_unless_they_were_asked_for(dagster: Dagster) -> None:
    seen: list[pd.DataFrame] = []
    wanted = {"connection": "acme-hubspot", "include_deleted": True}
    assert with_assets(dagster, reader(seen, **wanted)).run([["read"]]).ok
    (frame,) = seen
    assert len(frame) == 3
    assert list(frame.loc[frame["_deleted_at"].notna(), "email"]) == ["gone@example.com"]


@pytest.mark.usefixtures("synced")
def test_the_partition_tells_the_connection_where_an_asset_has_the_objects_partitions(
    dagster: Dagster, platform: Platform, hubspot: HubSpot, today: str
) -> None:
    platform.connect("hubspot", "beta", Secret({"token": "sandbox-token"}), base_url=hubspot.url)
    dagster.instance.add_dynamic_partitions("hubspot_connections", ["beta"])
    hubspot.add("contacts", email="only-at-beta@example.com")
    assert dagster.run([CONTACTS], f"beta|{today}").ok
    seen: list[pd.DataFrame] = []
    partitions = dagster.definitions.resolve_assets_def(dg.AssetKey(CONTACTS)).partitions_def

    @dg.asset(
        ins={"contacts": dg.AssetIn(list(CONTACTS), metadata={"columns": ["email"]})},
        partitions_def=partitions,
    )
    def read(contacts: pd.DataFrame) -> None:
        seen.append(contacts)

    own = with_assets(dagster, read)
    assert own.run([["read"]], f"acme-hubspot|{today}").ok
    assert own.run([["read"]], f"beta|{today}").ok
    assert [len(frame) for frame in seen] == [2, 3]


@pytest.mark.usefixtures("synced")
def test_an_input_of_which_nobody_tells_the_connection_is_refused_with_a_sentence(
    dagster: Dagster,
) -> None:
    dagster.instance.add_dynamic_partitions("hubspot_connections", ["beta"])
    run = with_assets(dagster, reader([])).run([["read"]])
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    assert "Say which you mean in the input's metadata" in str(failure.description)


def test_an_input_that_was_never_synced_is_refused_with_a_sentence(dagster: Dagster) -> None:
    run = with_assets(dagster, reader([], connection="acme-hubspot")).run([["read"]])
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    assert failure.description == "There is no table acme_hubspot.contacts; has it been synced?"


@pytest.mark.usefixtures("synced")
def test_a_column_that_is_not_there_is_refused_by_name(dagster: Dagster) -> None:
    wanted = {"connection": "acme-hubspot", "columns": ["email", "shoe_size"]}
    run = with_assets(dagster, reader([], **wanted)).run([["read"]])
    (failure,) = run.failures.values()
    assert not isinstance(failure, str)
    assert "has no column 'shoe_size'" in str(failure.description)


# -- outputs ----------------------------------------------------------------------------------


@dg.asset(io_manager_key="postgres")
def stages() -> pd.DataFrame:
    return pd.DataFrame({"Stage Name": ["lead", "customer"], "share": [0.25, 0.75]})


@dg.asset(io_manager_key="postgres", metadata={"schema": "marts"})
def doubled(stages: pd.DataFrame) -> pd.DataFrame:
    return stages.assign(share=stages["share"] * 2)


def test_a_dataframe_becomes_a_table_of_the_assets_name_in_the_schema_analytics(
    dagster: Dagster, platform: Platform
) -> None:
    own = with_assets(dagster, stages)
    run = own.run([["stages"]])
    assert own.run([["stages"]]).ok
    assert table(platform, "analytics.stages") == [
        {"stage_name": "customer", "share": 0.75},
        {"stage_name": "lead", "share": 0.25},
    ]
    told = run.metadata("stages")
    assert told["dagster/row_count"] == 2
    assert told["dagster/relation_identifier"] == "analytics.stages"


def test_a_further_asset_reads_the_table_back_and_may_name_a_schema_of_its_own(
    dagster: Dagster, platform: Platform
) -> None:
    assert with_assets(dagster, stages, doubled).run([["stages"], ["doubled"]]).ok
    found = table(platform, "marts.doubled")
    assert [each["share"] for each in found] == [1.5, 0.5]


def test_a_further_asset_reads_it_back_in_another_run_from_the_schema_it_was_put_into(
    dagster: Dagster, platform: Platform
) -> None:
    seen: list[pd.DataFrame] = []

    @dg.asset(ins={"doubled": dg.AssetIn(metadata={"columns": ["share"]})})
    def last(doubled: pd.DataFrame) -> None:
        seen.append(doubled)

    own = with_assets(dagster, stages, doubled, last)
    assert own.run([["stages"], ["doubled"]]).ok
    assert own.run([["last"]]).ok
    assert list(seen[0].columns) == ["share"]
    assert sorted(seen[0]["share"]) == [0.5, 1.5]


def test_of_a_partitioned_asset_the_rows_of_its_partition_are_replaced(
    dagster: Dagster, platform: Platform
) -> None:
    rows = {"north": 2, "south": 1}

    @dg.asset(io_manager_key="postgres", partitions_def=dg.StaticPartitionsDefinition([*rows]))
    def regions(context: dg.AssetExecutionContext) -> pd.DataFrame:
        name = context.partition_key
        return pd.DataFrame({"row": [f"{name} {number}" for number in range(rows[name])]})

    own = with_assets(dagster, regions)
    assert own.run([["regions"]], "north").ok
    assert own.run([["regions"]], "south").ok
    rows["north"] = 1
    assert own.run([["regions"]], "north").ok
    assert table(platform, "analytics.regions") == [
        {"row": "north 0", "_partition": "north"},
        {"row": "south 0", "_partition": "south"},
    ]


def test_a_dataframe_may_not_go_into_a_connections_schema(
    dagster: Dagster, acme: Connection
) -> None:
    @dg.asset(io_manager_key="postgres", metadata={"schema": acme.schema})
    def intruder() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    (failure,) = with_assets(dagster, intruder).run([["intruder"]]).failures.values()
    assert not isinstance(failure, str)
    assert "holds a connection's tables" in str(failure.description)


def test_what_is_no_dataframe_is_refused_with_a_sentence(dagster: Dagster) -> None:
    @dg.asset(io_manager_key="postgres")
    def listed() -> list[int]:
        return [1]

    (failure,) = with_assets(dagster, listed).run([["listed"]]).failures.values()
    assert not isinstance(failure, str)
    assert "stores syncs and DataFrames, not list" in str(failure.description)
