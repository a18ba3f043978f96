import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform.errors import ConfigurationError
from sync_platform.settings import Settings
from sync_platform.store.credentials import load_or_make_keys
from sync_platform.store.keys import lock_for
from sync_platform_tests.store.processes import Process, process

MAKE = """
import sys
from pathlib import Path
from sync_platform.settings import Settings
from sync_platform.store.credentials import load_or_make_keys
print("ready", flush=True)
input()
print(load_or_make_keys(Settings(home=Path(sys.argv[1]))), flush=True)
"""


@dataclass
class Given:
    home: Path
    keys: tuple[str, ...] | None = None


def test_keys_that_are_set_need_no_file(tmp_path: Path) -> None:
    assert load_or_make_keys(Given(tmp_path, ("a", "b"))) == ("a", "b")
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_made_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    made = load_or_make_keys(settings)
    path = tmp_path / "home" / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_keys(settings) == made
    assert list(path.parent.iterdir()) == [path]
    lock_for(made)


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    home = str(tmp_path / "home")

    def together(*makers: Process) -> set[str]:
        assert {each.hear() for each in makers} == {"ready"}
        for each in makers:
            each.go_on()
        return {each.hear() for each in makers}

    with process(MAKE, home) as a, process(MAKE, home) as b, process(MAKE, home) as c:
        assert together(a, b, c) == {repr(load_or_make_keys(Settings(home=Path(home))))}


def test_a_key_file_holds_a_key_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# newest first\nnew\n\nold, older\n")
    assert load_or_make_keys(Given(tmp_path)) == ("new", "old", "older")


def test_an_empty_key_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("\n")
    with pytest.raises(ConfigurationError, match="holds no key"):
        load_or_make_keys(Given(tmp_path))


def test_a_key_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be read or made"):
        load_or_make_keys(Given(tmp_path / "home"))


def test_what_is_no_key_is_told_by_its_place_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="Key 2 of 2") as refused:
        lock_for(["A" * 43 + "=", "hush"])
    assert "hush" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="no key"):
        lock_for([])
