"""How an object's full syncs went: which was the last that went well, and what came since."""

from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    # When the last began that read everything: it went well, or waits for its deletes.
    op.execute("ALTER TABLE sync_platform.sync_targets ADD COLUMN full_well_at timestamptz")
    # Those that began since, and the error of the latest that failed.
    op.execute("""
        ALTER TABLE sync_platform.sync_targets ADD COLUMN full_tries integer DEFAULT 0 NOT NULL
    """)
    op.execute("ALTER TABLE sync_platform.sync_targets ADD COLUMN full_error text")
    # What was known until now: one that began counted for its day.
    op.execute("UPDATE sync_platform.sync_targets SET full_well_at = last_full_started_at")
