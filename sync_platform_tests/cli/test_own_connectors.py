"""Connectors in folders of one's own."""

import json
from pathlib import Path

import pytest

from sync_platform_tests.cli.conftest import Command
from sync_platform_tests.defs.documented import code_in

DOCUMENTED = code_in("how-to/write-a-connector.md")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the platform takes connectors from."""
    made = tmp_path / "connectors"
    made.mkdir()
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(made))
    return made


def test_the_documented_connector_is_listed(command: Command, folder: Path) -> None:
    built_in = {row["name"] for row in json.loads(command("connectors --json").stdout)}
    (folder / "helpdesk.py").write_text(DOCUMENTED)
    rows = {row["name"]: row for row in json.loads(command("connectors --json").stdout)}
    assert set(rows) == built_in | {"helpdesk"}
    assert rows["helpdesk"]["objects"] == ["tickets"]
    assert (rows["helpdesk"]["sign_in"], rows["helpdesk"]["two_way"]) == (["token"], False)


def test_its_required_settings_are_asked_for_by_name(command: Command, folder: Path) -> None:
    (folder / "helpdesk.py").write_text(DOCUMENTED)
    refused = command("connect helpdesk acme --token-stdin", typed="t")
    assert refused.exit_code == 2
    assert "Helpdesk needs the setting 'subdomain'." in refused.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "slot"),
    [
        ('cursor="updated_at"', 'cursor="changed_at"', "cursor"),
        ('name="helpdesk"', 'name="Help desk!"', "name"),
        ('name="helpdesk"', 'name="hubspot"', "name"),
        ("limits=[spec.RateLimit(", "limits=[spec.Rate(", "spec"),
    ],
)
def test_a_faulty_one_is_refused_naming_file_and_slot(
    right: str, wrong: str, slot: str, command: Command, folder: Path
) -> None:
    assert right in DOCUMENTED
    file = folder / "helpdesk.py"
    file.write_text(DOCUMENTED.replace(right, wrong, 1))
    refused = command("connectors")
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert f"The connector in {file}" in refused.stderr
    assert slot in refused.stderr.split(str(file))[1]


def test_a_folder_that_is_not_there_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(tmp_path / "nowhere"))
    refused = command("connectors")
    assert refused.exit_code == 2
    assert f"The connector folder {tmp_path / 'nowhere'} does not exist." in refused.stderr
