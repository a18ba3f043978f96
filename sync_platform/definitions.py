"""Dagster's front door: `dagster dev` and workspace.yaml load this module."""

from sync_platform.defs.build import definitions_from_env

defs = definitions_from_env()
