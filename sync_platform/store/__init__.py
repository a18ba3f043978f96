"""What the platform remembers, in the Postgres schema `sync_platform`."""
