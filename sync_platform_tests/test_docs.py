"""What the documents say is so."""

import builtins
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from click import Context
from click.testing import CliRunner

from sync_platform import spec
from sync_platform.cli.commands import cli
from sync_platform.spec import times
from sync_platform_tests.connector_table import readme_with_table
from sync_platform_tests.contract.conformance.stage import Vouched
from sync_platform_tests.contract.scorecards import pages

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "how-to" / "write-a-connector.md").read_text()


def test_readmes_table_of_connectors_is_what_the_declarations_say() -> None:
    assert readme_with_table(README) == README


def test_the_connectors_pages_are_what_their_declarations_say() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{path.name}: write it anew"


def test_ci_runs_the_two_commands_of_readme_to_the_letter() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    for command in re.findall(r"^python3 -m venv .*$", README, re.MULTILINE):
        assert command in ci


def test_every_command_that_the_documents_name_exists() -> None:
    texts = [path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]]
    command = re.compile(r"sync-platform ([a-z]+(?:-[a-z]+)*)")
    named = {name for text in texts for name in command.findall(text)}
    assert named, "the documents name no command"
    assert named <= set(cli.list_commands(Context(cli)))


def test_every_command_explains_itself() -> None:
    for name in cli.list_commands(Context(cli)):
        answer = CliRunner().invoke(cli, [name, "--help"])
        assert answer.exit_code == 0
        assert "Usage:" in answer.output


def test_every_setting_in_readme_is_read_and_every_one_read_is_in_readme() -> None:
    source = (ROOT / "sync_platform" / "settings.py").read_text()
    read = {f"SYNC_PLATFORM_{name}" for name in re.findall(r'read\("([A-Z_]+)"', source)}
    assert read == set(re.findall(r"^\| `(SYNC_PLATFORM_[A-Z_]+)`", README, re.MULTILINE))


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


SAID: list[Any] = [
    spec.Connector,
    spec.ConnectorObject,
    spec.Field,
    spec.Filter,
    spec.Changes,
    spec.Bulk,
    spec.Discovered,
    spec.Setting,
    spec.OAuth2,
    spec.JwtBearer,
    spec.ClientCredentials,
    spec.ApiKey,
    spec.BasicAuth,
    spec.RateLimit,
    spec.Interval,
    spec.Page,
    spec.OutboundChange,
]


class Known(dict[str, Any]):
    """The names that the guide's examples may use; of others, any function will do."""

    def __missing__(self, name: str) -> Any:
        return lambda *given, **named: None


def examples() -> Iterator[str]:
    """The guide's pieces of Python."""
    return iter(re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))


def known() -> Known:
    return Known(vars(builtins), spec=spec, Vouched=Vouched, timedelta=timedelta)


def test_the_first_connector_of_the_guide_is_sound() -> None:
    made: dict[str, Any] = {}
    exec(next(examples()), made)
    assert spec.faults(made["connector"]) == []


def test_every_example_of_the_guide_is_python_of_our_words() -> None:
    slots = {each.name for each in (*fields(spec.Connector), *fields(spec.ConnectorObject))}
    for example in list(examples())[1:]:
        if example.startswith("def "):
            compile(example, "write-a-connector.md", "exec")
        elif example.startswith("vouched = "):
            assert isinstance(eval(example.partition(" = ")[2], {}, known()), Vouched)
        else:
            assert set(eval(f"dict(\n{example})", {}, known())) <= slots, example


def test_the_guide_knows_every_word_of_a_connector() -> None:
    words = {each.name for value in SAID for each in fields(value)}
    words |= {each.__name__ for each in SAID}
    words |= {name for name in spec.__all__ if name.endswith("_pages") or name in vars(times)}
    assert words - set(re.findall(r"\w+", GUIDE)) == set()
