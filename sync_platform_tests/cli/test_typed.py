"""What people type, before any installation is looked at."""

import pytest
from click.testing import CliRunner

from sync_platform.cli.commands import cli


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--full --since 2026-01-01", "--full reads everything; leave --since and --until out."),
        ("--until 2026-01-01", "--until needs --since."),
        ("--since yesterday", "--since 'yesterday' is neither a date such as 2026-01-31"),
        ("--since 2026-02-30", "--since '2026-02-30' is neither a date"),
        ("--since 2026-02-03 --until 2026-02-02", "--until 2026-02-02 is not after --since"),
        ("--wait soon", "Invalid value for '--wait'"),
        ("--wait -1", "Invalid value for '--wait'"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(options: str, sentence: str) -> None:
    refused = CliRunner().invoke(
        cli, ["sync", "acme-hubspot", *options.split()], prog_name="sync-platform"
    )
    assert refused.exit_code == 2
    assert "Usage: sync-platform sync" in refused.stderr
    assert sentence in refused.stderr
    assert refused.stdout == ""
