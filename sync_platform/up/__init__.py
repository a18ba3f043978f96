"""The installation at work: web pages, Dagster's webserver and daemon, started and kept running."""
