"""Keeps the data of SaaS tools current in Postgres, as partitioned Dagster assets."""

__version__ = "0.1.0"
