"""The store, against a real Postgres."""
