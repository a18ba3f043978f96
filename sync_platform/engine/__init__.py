"""What a sync is. Knows no vendor, no HTTP library, no SQL and no Dagster."""
