"""How commands end: a sentence, and an exit code for each family of errors."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from sync_platform import errors
from sync_platform.cli.endings import Commands, exit_code
from sync_platform.errors import SyncPlatformError

FAMILIES = {
    errors.ConfigurationError: 2,
    errors.Refused: 3,
    errors.NeedsPerson: 4,
    errors.RetryLater: 5,
    errors.Unexpected: 6,
}


def kinds(of: type[SyncPlatformError]) -> Iterator[type[SyncPlatformError]]:
    yield of
    for each in of.__subclasses__():
        yield from kinds(each)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_error_of_a_family_has_its_exit_code(family: type[SyncPlatformError]) -> None:
    assert {exit_code(each()) for each in kinds(family)} == {FAMILIES[family]}


def test_every_error_belongs_to_a_family() -> None:
    assert set(SyncPlatformError.__subclasses__()) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_command_ends_with_the_sentence_and_without_evidence_or_traceback(
    family: type[SyncPlatformError],
) -> None:
    @click.group(cls=Commands)
    def cli() -> None: ...

    @cli.command()
    def fail() -> None:
        raise family("HubSpot [sic] said no.", evidence={"status": 500})

    result = CliRunner().invoke(cli, ["fail"])
    assert result.exit_code == FAMILIES[family]
    assert (result.stdout, result.stderr) == ("", "sync-platform: HubSpot [sic] said no.\n")


def test_an_interrupted_command_ends_as_shells_expect_it() -> None:
    @click.group(cls=Commands)
    def cli() -> None: ...

    @cli.command()
    def wait() -> None:
        raise KeyboardInterrupt

    result = CliRunner().invoke(cli, ["wait"])
    assert result.exit_code == 130
    assert result.stderr == "sync-platform: interrupted; what was committed stays.\n"
