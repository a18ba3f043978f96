"""The Dagster face: translates between Dagster and the platform, decides nothing."""
