"""The command line, on an installation of the test's own."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from sync_platform.cli.commands import cli
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.environment import variables

Command = Callable[..., Result]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command as a shell would, its words separated by spaces; `typed` is its input."""
    for name, value in variables(settings).items():
        monkeypatch.setenv(name, value)

    def run(line: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(cli, line.split(), input=typed, prog_name="sync-platform")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    return run


@pytest.fixture
def connect(command: Command, hubspot: HubSpot) -> Command:
    """Connects that HubSpot, by default as acme-hubspot with the token that it accepts."""

    def run(name: str = "acme-hubspot", more: str = "", token: str = "sandbox-token") -> Result:
        unlimited = "--setting rate_limit.burst=unlimited --setting rate_limit.search=unlimited"
        line = f"connect hubspot {name} --token-stdin --base-url {hubspot.url} {unlimited} {more}"
        return command(line, typed=f"{token}\n")

    return run
