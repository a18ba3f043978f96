"""Our tables, as SQLAlchemy Core sees them. The migrations make them; a test compares the two."""

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
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL, JSONB

metadata = MetaData(
    schema="sync_platform",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    },
)
Moment = DateTime(timezone=True)
COUNTED = ("fetched", "created", "updated", "deleted", "rejected", "calls", "bytes", "pages")


def _of_connection(*, primary_key: bool = False) -> Column[str]:
    """A row that goes with its connection."""
    parent = ForeignKey("sync_platform.connections.name", ondelete="CASCADE")
    return Column("connection", Text, parent, nullable=False, primary_key=primary_key)


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
    Column("label", Text),  # what people call it; NULL: by its name
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

discovered_objects = Table(  # of connections whose accounts have objects of their own
    "discovered_objects",
    metadata,
    _of_connection(primary_key=True),
    Column("object", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("id", Text),  # the vendor's
    Column("label", Text, nullable=False),
    Column("about", JSONB, nullable=False),
    Column("chosen", Boolean, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("vanished_at", Moment),
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
    *map(_count, COUNTED),
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
    Column("last_computed_at", Moment),
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

# -- connecting -----------------------------------------------------------------------------

oauth_clients = Table(  # our app at each vendor, where it is not in the settings
    "oauth_clients",
    metadata,
    Column("connector", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # client_id and client_secret, encrypted
    Column("updated_at", Moment, nullable=False),
)

sign_ins = Table(  # people on their way through connecting an account
    "sign_ins",
    metadata,
    Column("id", Text, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("connection", Text),  # the name wanted, or of the connection that is signed in anew
    Column("again", Boolean, nullable=False),  # a re-authentication
    Column("status", Text, nullable=False),  # begun, signed_in, done, failed
    Column("state_hash", LargeBinary, unique=True),  # single use: NULL once it came back
    Column("browser_hash", LargeBinary),  # of the cookie, or the terminal's secret, that began
    Column("redirect_uri", Text),
    Column("base_url", Text),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("objects", ARRAY(Text)),  # wanted; NULL: all
    Column("writing", Boolean, nullable=False, server_default=text("false")),
    Column("secret", LargeBinary),  # PKCE's verifier, then what the vendor gave; encrypted
    Column("account_id", Text),
    Column("account_name", Text),
    Column("error", Text),
    Column("begun_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# -- access ---------------------------------------------------------------------------------

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text),
    Column("role", Text, nullable=False),  # admin, member
    Column("password_hash", Text),  # NULL: signs in elsewhere
    Column("subject", Text, unique=True),  # "issuer subject" of OpenID Connect
    Column("created_at", Moment, nullable=False),
    Column("last_seen_at", Moment),
    Column("disabled_at", Moment),
)

one_time_links = Table(  # to choose a password: the first admin's, a new person's
    "one_time_links",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column(
        "person", Text, ForeignKey("sync_platform.people.id", ondelete="CASCADE"), nullable=False
    ),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column(
        "person", Text, ForeignKey("sync_platform.people.id", ondelete="CASCADE"), nullable=False
    ),
    Column("created_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),  # its beginning, to recognize it by
    Column("scopes", ARRAY(Text), nullable=False),  # read, sync, write, admin
    Column("schemas", ARRAY(Text)),  # the workspaces it is for; NULL: all
    Column("created_by", Text),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)

attempts = Table(  # failed sign-ins, counted by address and by name
    "attempts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("blocked_until", Moment),
)

# -- syncs asked for through the API ----------------------------------------------------------

sync_requests = Table(
    "sync_requests",
    metadata,
    Column("id", Text, primary_key=True),
    _of_connection(),
    Column("asked", JSONB, nullable=False),  # a list: object, mode, window, run
    Column("fingerprint", LargeBinary, nullable=False),  # of `asked`: the same request again
    Column("asked_by", Text),
    Column("status", Text, nullable=False),  # waiting, running, succeeded, failed, canceled
    Column("asked_at", Moment, nullable=False),
    Column("canceled_at", Moment),
    Column("ended_at", Moment),
    Index("sync_requests_connection_asked_idx", "connection", "asked_at"),
)

idempotency_keys = Table(  # answers to POSTs that may be sent twice
    "idempotency_keys",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # of who, route and key
    Column("fingerprint", LargeBinary, nullable=False),  # of the body
    Column("status", Integer),  # NULL while the first is under way
    Column("headers", JSONB),
    Column("body", LargeBinary),
    Column("asked_at", Moment, nullable=False),
    Index("idempotency_keys_asked_idx", "asked_at"),
)
