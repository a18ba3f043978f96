"""Tables for connecting accounts, for people and keys with access, and for requested syncs."""

from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE sync_platform.connections ADD COLUMN label text")
    op.execute("""
        CREATE TABLE sync_platform.oauth_clients (
            connector text NOT NULL,
            secret bytea NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT oauth_clients_pkey PRIMARY KEY (connector)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.sign_ins (
            id text NOT NULL,
            connector text NOT NULL,
            connection text,
            again boolean NOT NULL,
            status text NOT NULL,
            state_hash bytea,
            browser_hash bytea,
            redirect_uri text,
            base_url text,
            settings jsonb DEFAULT '{}' NOT NULL,
            objects text[],
            writing boolean DEFAULT false NOT NULL,
            secret bytea,
            account_id text,
            account_name text,
            error text,
            begun_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT sign_ins_pkey PRIMARY KEY (id),
            CONSTRAINT sign_ins_state_hash_key UNIQUE (state_hash)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.people (
            id text NOT NULL,
            email text NOT NULL,
            name text,
            role text NOT NULL,
            password_hash text,
            subject text,
            created_at timestamptz NOT NULL,
            last_seen_at timestamptz,
            disabled_at timestamptz,
            CONSTRAINT people_pkey PRIMARY KEY (id),
            CONSTRAINT people_email_key UNIQUE (email),
            CONSTRAINT people_subject_key UNIQUE (subject)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.one_time_links (
            hash bytea NOT NULL,
            person text NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            CONSTRAINT one_time_links_pkey PRIMARY KEY (hash),
            CONSTRAINT one_time_links_person_fkey FOREIGN KEY(person)
                REFERENCES sync_platform.people (id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.sessions (
            hash bytea NOT NULL,
            person text NOT NULL,
            created_at timestamptz NOT NULL,
            last_seen_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT sessions_pkey PRIMARY KEY (hash),
            CONSTRAINT sessions_person_fkey FOREIGN KEY(person)
                REFERENCES sync_platform.people (id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.api_keys (
            id text NOT NULL,
            name text NOT NULL,
            hash bytea NOT NULL,
            hint text NOT NULL,
            scopes text[] NOT NULL,
            schemas text[],
            created_by text,
            created_at timestamptz NOT NULL,
            last_used_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT api_keys_pkey PRIMARY KEY (id),
            CONSTRAINT api_keys_hash_key UNIQUE (hash)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.attempts (
            key text NOT NULL,
            failures integer NOT NULL,
            last_at timestamptz NOT NULL,
            blocked_until timestamptz,
            CONSTRAINT attempts_pkey PRIMARY KEY (key)
        )
    """)
    op.execute("""
        CREATE TABLE sync_platform.sync_requests (
            id text NOT NULL,
            connection text NOT NULL,
            asked jsonb NOT NULL,
            fingerprint bytea NOT NULL,
            asked_by text,
            status text NOT NULL,
            asked_at timestamptz NOT NULL,
            canceled_at timestamptz,
            ended_at timestamptz,
            CONSTRAINT sync_requests_pkey PRIMARY KEY (id),
            CONSTRAINT sync_requests_connection_fkey FOREIGN KEY(connection)
                REFERENCES sync_platform.connections (name) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE INDEX sync_requests_connection_asked_idx
            ON sync_platform.sync_requests (connection, asked_at)
    """)
    op.execute("""
        CREATE TABLE sync_platform.idempotency_keys (
            hash bytea NOT NULL,
            fingerprint bytea NOT NULL,
            status integer,
            headers jsonb,
            body bytea,
            asked_at timestamptz NOT NULL,
            CONSTRAINT idempotency_keys_pkey PRIMARY KEY (hash)
        )
    """)
    op.execute("""
        CREATE INDEX idempotency_keys_asked_idx ON sync_platform.idempotency_keys (asked_at)
    """)
    op.execute("""
        CREATE TABLE sync_platform.discovered_objects (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            position integer NOT NULL,
            id text,
            label text NOT NULL,
            about jsonb NOT NULL,
            chosen boolean NOT NULL,
            found_at timestamptz NOT NULL,
            vanished_at timestamptz,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("ALTER TABLE sync_platform.sync_targets ADD COLUMN last_computed_at timestamptz")
