"""Tables as DataFrames, and DataFrames as tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync_platform.engine.connections import checked_schema
from sync_platform.engine.destination import Table
from sync_platform.errors import ConfigurationError
from sync_platform.waist.parts import Parts

if TYPE_CHECKING:
    import pandas


def read(
    parts: Parts,
    table: Table | str,
    columns: Sequence[str] | None = None,
    *,
    include_deleted: bool = False,
) -> "pandas.DataFrame":
    """A table of a connection, or one that `store` made (schema.name), as a DataFrame."""
    from sync_platform.destination.frames import read_frame  # pandas takes a second to import

    if isinstance(table, str):
        return read_frame(parts.database_url, table, columns)
    return read_frame(parts.database_url, table, columns, include_deleted=include_deleted)


def store(
    parts: Parts, schema: str, table: str, frame: "pandas.DataFrame", partition: str | None
) -> None:
    """Put a DataFrame into a table of its own, in place of what is there (of its partition).

    Raises ConfigurationError where the schema is the platform's or a connection's.
    """
    from sync_platform.destination.frames import write_frame

    if checked_schema(schema) in {each.schema for each in parts.store.list()}:
        raise ConfigurationError(
            f"The schema {schema!r} holds a connection's tables. Give the asset the metadata "
            "'schema' with another name."
        )
    write_frame(parts.database_url, schema, table, frame, partition)
