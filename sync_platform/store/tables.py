"""Our tables, as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import INTERVAL, JSONB

metadata = MetaData(
    schema="sync_platform",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    },
)
Moment = DateTime(timezone=True)


def _of_connection(**options: Any) -> Column[str]:
    """A row that goes with its connection."""
    parent = ForeignKey("sync_platform.connections.name", ondelete="CASCADE")
    return Column("connection", Text, parent, nullable=False, **options)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


connections = Table(
    "connections",
    metadata,
    Column("name", Text, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("schema", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    Column("status_reason", Text),
    Column("base_url", Text),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("interval", INTERVAL),
    Column("account_id", Text),
    Column("resumed_at", Moment),
    Column("created_at", Moment, nullable=False),
)

connection_objects = Table(
    "connection_objects",
    metadata,
    _of_connection(primary_key=True),
    Column("object", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("interval", INTERVAL),
    Column("filters", JSONB, nullable=False, server_default=text("'{}'")),
    Column("resumed_at", Moment),
)

credentials = Table(
    "credentials",
    metadata,
    _of_connection(primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    _of_connection(primary_key=True),
    Column("object", Text, primary_key=True),
    Column("cursor", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

catalogs = Table(
    "catalogs",
    metadata,
    _of_connection(primary_key=True),
    Column("object", Text, primary_key=True),
    Column("fields", JSONB, nullable=False),
    Column("vanished", JSONB, nullable=False, server_default=text("'{}'")),
    Column("found_at", Moment, nullable=False),
)

schema_changes = Table(
    "schema_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _of_connection(),
    Column("object", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("found_at", Moment, nullable=False),
    Index("schema_changes_connection_object_idx", "connection", "object"),
)

syncs = Table(
    "syncs",
    metadata,
    Column("id", Text, primary_key=True),
    _of_connection(),
    Column("object", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("since", Moment),
    Column("until", Moment),
    Column("status", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("finished_at", Moment),
    _count("fetched"),
    _count("created"),
    _count("updated"),
    _count("deleted"),
    _count("rejected"),
    _count("calls"),
    _count("bytes"),
    _count("pages"),
    Column("error", Text),
    Column("error_code", Text),
    Column("evidence", JSONB),
    Column("run_id", Text),
    Column("resumed", Boolean, nullable=False, server_default=text("false")),
    Column("automatic", Boolean, nullable=False, server_default=text("false")),
    Index("syncs_connection_object_idx", "connection", "object", "started_at"),
    Index("syncs_connection_finished_idx", "connection", "finished_at"),
    Index("syncs_started_at_idx", "started_at"),
    Index("syncs_running_idx", "heartbeat_at", postgresql_where=text("status = 'running'")),
)

sync_targets = Table(
    "sync_targets",
    metadata,
    _of_connection(primary_key=True),
    Column("object", Text, primary_key=True),
    Column("last_started_at", Moment, nullable=False),
    Column("last_full_started_at", Moment),
)

quotas = Table(
    "quotas",
    metadata,
    Column("connection", Text, primary_key=True),  # may be called before it is registered
    Column("name", Text, primary_key=True),
    Column("calls", Float(53), nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("tokens", Float(53), nullable=False),
    Column("filled_at", Moment, nullable=False),
    Column("blocked_until", Moment),
)
