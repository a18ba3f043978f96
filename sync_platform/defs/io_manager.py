"""Loads Postgres and reads from it: runs planned syncs, and passes tables on as DataFrames."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pandas

from sync_platform.defs.partitions import connection_in
from sync_platform.defs.resources import PlatformResource
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import Sync
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform


class PostgresIOManager(dg.ConfigurableIOManager):
    """Runs a Sync into its table; stores a DataFrame as a table; loads tables as DataFrames.

    A downstream asset may say in the metadata of its input which `columns` it wants, which
    `connection` (needed only where its own partitions do not tell) and `include_deleted`. In its
    own metadata it may say the `schema` that its DataFrame goes to (default: `analytics`).
    """

    platform: dg.ResourceDependency[PlatformResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Run the sync, or store the DataFrame; raises dagster.Failure with our sentence."""
        if isinstance(obj, pandas.DataFrame):
            with as_failure():
                context.add_output_metadata(self._store(context, obj))
            return
        if not isinstance(obj, Sync):
            raise dg.Failure(
                f"The Postgres IO manager stores syncs and DataFrames, not {type(obj).__name__}. "
                "Return a pandas DataFrame, or give the asset another io_manager_key."
            )
        with as_failure(obj):
            context.add_output_metadata(loaded(self.platform.get(), obj))

    def load_input(self, context: dg.InputContext) -> pandas.DataFrame:
        """The table of the upstream asset; of an object, the rows of one connection."""
        with as_failure():
            return self._load(context)

    def _load(self, context: dg.InputContext) -> pandas.DataFrame:
        asked = context.definition_metadata or {}
        columns = asked.get("columns")
        path = context.asset_key.path
        platform = self.platform.get()
        if not platform.is_object(path):
            made = context.upstream_output
            return platform.read_stored(
                schema_of(made.definition_metadata if made else None), path[-1], columns=columns
            )
        connection = asked.get("connection") or connection_in(context.asset_partition_keys)
        return platform.read_frame(
            Target(str(connection), path[-1]),
            columns=columns,
            include_deleted=bool(asked.get("include_deleted", False)),
        )

    def _store(self, context: dg.OutputContext, frame: pandas.DataFrame) -> dict[str, Any]:
        schema = schema_of(context.definition_metadata)
        table = context.asset_key.path[-1]
        keys = context.asset_partition_keys if context.has_asset_partitions else []
        if len(keys) > 1:
            raise dg.Failure("A DataFrame can be stored for one partition at a time.")
        self.platform.get().store_frame(schema, table, frame, partition=keys[0] if keys else None)
        return {
            "dagster/row_count": len(frame),
            "dagster/relation_identifier": f"{schema}.{table}",
        }


def schema_of(metadata: Mapping[str, Any] | None) -> str:
    """The schema that an asset's DataFrame is stored in."""
    return str((metadata or {}).get("schema", "analytics"))


@contextmanager
def as_failure(sync: Sync | None = None) -> Iterator[None]:
    """Our errors fail the step with their own sentence, code and evidence."""
    try:
        yield
    except SyncPlatformError as error:
        result = sync.result if sync else None
        raise dg.Failure(
            str(error), metadata=failure_metadata(result, error), allow_retries=False
        ) from error


def loaded(platform: Platform, sync: Sync) -> dict[str, Any]:
    """Run the sync; what its materialization tells about it and the table."""
    sync.count_rows = True
    result = sync.run(into=platform.destination)
    types = platform.destination.column_types(sync.table)
    return {
        **sync_metadata(result),
        "dagster/row_count": dg.MetadataValue.int(sync.rows_now or 0),
        "dagster/relation_identifier": f"{sync.table.schema}.{sync.table.name}",
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name, kind, description=comment) for name, kind, comment in types
            ]
        ),
    }


def sync_metadata(result: SyncResult) -> dict[str, Any]:
    """A sync's result as Dagster metadata."""
    counts, usage = result.counts, result.usage
    return {
        "mode": result.mode.value,
        "window": str(result.window),
        "fetched": counts.fetched,
        "created": counts.created,
        "updated": counts.updated,
        "deleted": counts.deleted,
        "unchanged": counts.unchanged,
        "rejected": counts.rejected,
        "api_calls": usage.calls,
        "bytes": usage.bytes,
        "seconds": round(result.seconds or 0.0, 3),
        "sync": result.id,
    }


def failure_metadata(result: SyncResult | None, error: SyncPlatformError) -> dict[str, Any]:
    """What a failed step shows: the error's code and evidence, and how far the sync got."""
    told: dict[str, Any] = {"code": error.code}
    if error.evidence:
        told["evidence"] = dg.MetadataValue.json(
            {name: str(value) for name, value in error.evidence.items()}
        )
    return told | (sync_metadata(result) if result else {})
