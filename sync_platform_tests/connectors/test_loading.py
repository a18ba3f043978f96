import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sync_platform import spec
from sync_platform.connectors import Connectors, load_connectors
from sync_platform.errors import ConnectorFault

SOUND = """
from sync_platform import spec

connector = spec.Connector(
    name="{name}",
    label="Acme",
    base_url="https://acme.test",
    auth=[spec.BearerToken()],
    check=spec.get("/me"),
    objects=[
        spec.ConnectorObject(name="things", fields=[spec.Field("id")], read=spec.get("{path}"))
    ],
)
"""

Write = Callable[..., Path]


def sound(name: str = "acme", path: str = "/things") -> str:
    return SOUND.format(name=name, path=path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file into a folder of own connectors, and gives it."""

    def write(source: str, name: str = "acme.py") -> Path:
        file = tmp_path / name
        file.write_text(source)
        return file

    return write


def refusal(*folders: Path) -> str:
    with pytest.raises(ConnectorFault) as refused:
        load_connectors(folders)
    return str(refused.value)


def test_ours_are_there() -> None:
    connectors = load_connectors()
    assert "hubspot" in connectors
    assert all(isinstance(it, spec.Connector) for it in connectors.values())
    assert all(name == it.name for name, it in connectors.items())


def test_a_file_in_an_own_folder_is_a_connector(write: Write, tmp_path: Path) -> None:
    write(sound("acme_crm"), "any-name.py")
    assert load_connectors([tmp_path])["acme_crm"].label == "Acme"


def test_files_that_start_with_an_underscore_are_left_alone(write: Write, tmp_path: Path) -> None:
    write("raise RuntimeError", "_shared.py")
    write("not python", "notes.txt")
    assert load_connectors([tmp_path]).keys() == load_connectors().keys()


def test_an_own_connector_may_import_from_its_own_module(write: Write, tmp_path: Path) -> None:
    source = "from dataclasses import dataclass\n\n@dataclass\nclass Helper:\n    x: 'int' = 1\n"
    write(source + sound("acme"))
    assert "acme" in load_connectors([tmp_path])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == (
        f"The connector folder {tmp_path / 'nowhere'} does not exist."
    )


def test_a_faulty_declaration_is_refused_with_file_and_slot(write: Write, tmp_path: Path) -> None:
    file = write(sound(path="things"))
    assert refusal(tmp_path) == (
        f"The connector in {file} is faulty:\n"
        "  objects['things'].read: the path 'things' must start with '/'."
    )


def test_all_faulty_files_are_told_at_once(write: Write, tmp_path: Path) -> None:
    write(sound("Acme"), "one.py")
    write("connector = None", "two.py")
    write("import nothing_of_that_name", "three.py")
    told = refusal(tmp_path)
    assert f"The connector in {tmp_path / 'one.py'} is faulty:\n  name: 'Acme' must" in told
    assert f"{tmp_path / 'two.py'} holds no `connector = spec.Connector(...)`: found None." in told
    assert f"The connector in {tmp_path / 'three.py'} cannot be imported: ModuleNotFound" in told


def test_a_file_that_is_no_python_is_told(write: Write, tmp_path: Path) -> None:
    file = write("connector = (")
    assert f"The connector in {file} cannot be imported: SyntaxError" in refusal(tmp_path)


def test_a_name_may_be_taken_once(write: Write, tmp_path: Path) -> None:
    write(sound("hubspot"))
    told = refusal(tmp_path)
    assert "name: 'hubspot' is taken by sync_platform.connectors.hubspot." in told


def test_one_that_is_called_like_its_file_is_imported_alone(write: Write, tmp_path: Path) -> None:
    write(sound("acme"))
    other = write("raise RuntimeError('imported')", "other.py")
    connectors = Connectors([tmp_path])
    acme = connectors["acme"]
    assert acme.label == "Acme"
    assert connectors["acme"] is acme
    with pytest.raises(ConnectorFault, match="imported"):
        connectors["crm"]  # it may be in any file
    other.write_text(sound("crm"))
    assert connectors["crm"].name == "crm"
    assert connectors["acme"] is acme
    assert "crm" in connectors
    assert "nothing" not in connectors


def test_a_file_may_be_called_like_another_connector(write: Write, tmp_path: Path) -> None:
    write(sound("stripes"), "stripe.py")
    connectors = Connectors([tmp_path])
    assert connectors["stripe"].label == "Stripe"
    assert connectors["stripes"].label == "Acme"


def test_an_installed_package_may_bring_connectors(tmp_path: Path) -> None:
    """As pip leaves it: a module, and its metadata with the entry point."""
    (tmp_path / "acme_for_sync_platform.py").write_text(
        sound("acme").replace("connector =", "it =")
    )
    metadata = tmp_path / "acme_for_sync_platform-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-for-sync-platform\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(
        "[sync_platform.connectors]\nacme = acme_for_sync_platform:it\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        assert load_connectors()["acme"].label == "Acme"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("acme_for_sync_platform", None)
