"""The whole platform at work on one machine: Postgres, sandbox vendors, Dagster, real syncs."""
