"""The tables of the first version."""

from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sync_platform.connections (
            name text PRIMARY KEY,
            connector text NOT NULL,
            schema text NOT NULL UNIQUE,
            status text NOT NULL DEFAULT 'active',
            status_reason text,
            base_url text,
            settings jsonb NOT NULL DEFAULT '{}',
            interval interval,
            account_id text,
            resumed_at timestamptz,
            created_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.connection_objects (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            position integer NOT NULL,
            interval interval,
            filters jsonb NOT NULL DEFAULT '{}',
            resumed_at timestamptz,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.credentials (
            connection text PRIMARY KEY REFERENCES sync_platform.connections ON DELETE CASCADE,
            secret bytea NOT NULL,
            version integer NOT NULL,
            updated_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.cursors (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            cursor timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.catalogs (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            fields jsonb NOT NULL,
            vanished jsonb NOT NULL DEFAULT '{}',
            found_at timestamptz NOT NULL,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.schema_changes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            field text NOT NULL,
            kind text NOT NULL,
            before text,
            after text,
            found_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        CREATE INDEX schema_changes_connection_object_idx
            ON sync_platform.schema_changes (connection, object)
    """)
    op.execute("""
        CREATE TABLE sync_platform.syncs (
            id text PRIMARY KEY,
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            mode text NOT NULL,
            since timestamptz,
            until timestamptz,
            status text NOT NULL,
            started_at timestamptz NOT NULL,
            heartbeat_at timestamptz NOT NULL,
            finished_at timestamptz,
            fetched bigint NOT NULL DEFAULT 0,
            created bigint NOT NULL DEFAULT 0,
            updated bigint NOT NULL DEFAULT 0,
            deleted bigint NOT NULL DEFAULT 0,
            rejected bigint NOT NULL DEFAULT 0,
            calls bigint NOT NULL DEFAULT 0,
            bytes bigint NOT NULL DEFAULT 0,
            pages bigint NOT NULL DEFAULT 0,
            error text,
            error_code text,
            evidence jsonb,
            run_id text,
            resumed boolean NOT NULL DEFAULT false,
            automatic boolean NOT NULL DEFAULT false
        )
    """)
    op.execute("""
        CREATE INDEX syncs_connection_object_idx
            ON sync_platform.syncs (connection, object, started_at)
    """)
    op.execute("""
        CREATE INDEX syncs_connection_finished_idx
            ON sync_platform.syncs (connection, finished_at)
    """)
    op.execute("CREATE INDEX syncs_started_at_idx ON sync_platform.syncs (started_at)")
    op.execute("""
        CREATE INDEX syncs_running_idx
            ON sync_platform.syncs (heartbeat_at) WHERE status = 'running'
    """)
    op.execute("""
        CREATE TABLE sync_platform.sync_targets (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            last_started_at timestamptz NOT NULL,
            last_full_started_at timestamptz,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.quotas (
            connection text NOT NULL,  -- it may be called before it is registered
            name text NOT NULL,
            calls double precision NOT NULL,
            seconds double precision NOT NULL,
            tokens double precision NOT NULL,
            filled_at timestamptz NOT NULL,
            blocked_until timestamptz,
            PRIMARY KEY (connection, name)
        )
    """)
