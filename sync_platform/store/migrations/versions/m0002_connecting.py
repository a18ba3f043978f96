"""Tables for connecting accounts, for people and keys with access, and for requested syncs."""

from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    # What people call a connection; NULL: by its name.
    op.execute("ALTER TABLE sync_platform.connections ADD COLUMN label text")
    # Our app at each vendor, where it is not in the settings.
    op.execute("""
        CREATE TABLE sync_platform.oauth_clients (
            connector text NOT NULL,
            secret bytea NOT NULL,  -- client_id and client_secret, encrypted
            updated_at timestamptz NOT NULL,
            CONSTRAINT oauth_clients_pkey PRIMARY KEY (connector)
        )
    """)
    # People on their way through connecting an account.
    op.execute("""
        CREATE TABLE sync_platform.sign_ins (
            id text NOT NULL,
            connector text NOT NULL,
            connection text,  -- the name wanted, or of the connection that is signed in anew
            again boolean NOT NULL,  -- a re-authentication
            status text NOT NULL,  -- begun, signed_in, done, failed
            state_hash bytea,  -- single use: NULL once it came back
            browser_hash bytea,  -- of the cookie, or the terminal's secret, that began
            redirect_uri text,
            base_url text,
            settings jsonb DEFAULT '{}' NOT NULL,
            objects text[],  -- wanted; NULL: all
            writing boolean DEFAULT false NOT NULL,
            secret bytea,  -- PKCE's verifier, then what the vendor gave; encrypted
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
            role text NOT NULL,  -- admin, member
            password_hash text,  -- NULL: signs in elsewhere
            subject text,  -- "issuer subject" of OpenID Connect
            created_at timestamptz NOT NULL,
            last_seen_at timestamptz,
            disabled_at timestamptz,
            CONSTRAINT people_pkey PRIMARY KEY (id),
            CONSTRAINT people_email_key UNIQUE (email),
            CONSTRAINT people_subject_key UNIQUE (subject)
        )
    """)
    # To choose a password: the first admin's, a new person's.
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
            hint text NOT NULL,  -- its beginning, to recognize it by
            scopes text[] NOT NULL,  -- read, sync, write, admin
            schemas text[],  -- the workspaces it is for; NULL: all
            created_by text,
            created_at timestamptz NOT NULL,
            last_used_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT api_keys_pkey PRIMARY KEY (id),
            CONSTRAINT api_keys_hash_key UNIQUE (hash)
        )
    """)
    # Failed sign-ins, counted by address and by name.
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
            asked jsonb NOT NULL,  -- a list: object, mode, window, run
            fingerprint bytea NOT NULL,  -- of `asked`: the same request again
            asked_by text,
            status text NOT NULL,  -- waiting, running, succeeded, failed, canceled
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
    # Answers to POSTs that may be sent twice.
    op.execute("""
        CREATE TABLE sync_platform.idempotency_keys (
            hash bytea NOT NULL,  -- of who, route and key
            fingerprint bytea NOT NULL,  -- of the body
            status integer,  -- NULL while the first is under way
            headers jsonb,
            body bytea,
            asked_at timestamptz NOT NULL,
            CONSTRAINT idempotency_keys_pkey PRIMARY KEY (hash)
        )
    """)
    op.execute("""
        CREATE INDEX idempotency_keys_asked_idx ON sync_platform.idempotency_keys (asked_at)
    """)
    # Of connections whose accounts have objects of their own.
    op.execute("""
        CREATE TABLE sync_platform.discovered_objects (
            connection text NOT NULL REFERENCES sync_platform.connections ON DELETE CASCADE,
            object text NOT NULL,
            position integer NOT NULL,
            id text,  -- the vendor's
            label text NOT NULL,
            about jsonb NOT NULL,
            chosen boolean NOT NULL,
            found_at timestamptz NOT NULL,
            vanished_at timestamptz,
            PRIMARY KEY (connection, object)
        )
    """)
    op.execute("ALTER TABLE sync_platform.sync_targets ADD COLUMN last_computed_at timestamptz")
