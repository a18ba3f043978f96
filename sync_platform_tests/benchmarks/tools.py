"""The tools that are compared: how each is set up, called and looked at."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sync_platform_tests.benchmarks.records import BEGINNING

HERE = Path(__file__).parent
JOBS = ("load", "tick", "incremental", "full")
DLT_PACKAGES = ("dlt[postgres]", "pyarrow", "httpx", "orjson")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one tool works in one round: an empty database and folder, and the API."""

    database: str
    api: str
    records: int
    page_size: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One contestant. `command` is what a job (load, tick, incremental, full) runs, of those in
    `jobs`."""

    name: str
    relation: str  # its rows that are not deleted
    command: Callable[[Place, str], list[str]]
    set_up: Callable[[Place], None] = lambda place: None
    environment: Callable[[Place], Mapping[str, str]] = field(default=lambda place: {})
    jobs: tuple[str, ...] = JOBS


def clean_environment() -> dict[str, str]:
    """This process's, without what would slow a tool down or lead it elsewhere."""
    dropped = ("PYTHON", "SYNC_PLATFORM_", "DAGSTER_")
    return {name: it for name, it in os.environ.items() if not name.startswith(dropped)}


def _own_environment(place: Place) -> dict[str, str]:
    return {
        "SYNC_PLATFORM_HOME": str(place.folder),
        "SYNC_PLATFORM_DATABASE_URL": place.database,
        "SYNC_PLATFORM_CONNECTORS": str(HERE / "own_connectors"),
    }


def _connect(place: Place) -> None:
    subprocess.run(
        [
            *(_script(), "connect", "bench", "ours", "--token-stdin"),
            *("--base-url", place.api, "--setting", f"page_size={place.page_size}"),
        ],
        input=b"token",
        env=clean_environment() | _own_environment(place),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _script() -> str:
    return str(Path(sys.executable).parent / "sync-platform")


def _ours(name: str, object: str) -> Tool:
    def command(place: Place, job: str) -> list[str]:
        return [_script(), "sync", "ours", object, *(["--full"] if job == "full" else [])]

    return Tool(
        name=name,
        relation=f"ours.{object} WHERE _deleted_at IS NULL",
        command=command,
        set_up=_connect,
        environment=_own_environment,
    )


OURS = _ours("sync-platform", "records")
BY_OFFSET = (  # pages of 100, whatever the setting
    _ours("sync-platform, offsets", "one_by_one"),
    _ours("sync-platform, offsets, 8 side by side", "side_by_side"),
)


def _by_window(name: str, object: str) -> Tool:
    """Loads the span of all first changes: a full sync has no windows."""

    def command(place: Place, job: str) -> list[str]:
        since, until = BEGINNING, BEGINNING + timedelta(seconds=place.records)
        window = ["--since", since.isoformat(), "--until", until.isoformat()]
        return [_script(), "sync", "ours", object, *window]

    return replace(_ours(name, object), command=command, jobs=("load",))


BY_WINDOW = (  # windows of 100 records, a page each, whatever the setting
    _by_window("sync-platform, windows", "windows_one_by_one"),
    _by_window("sync-platform, windows, 8 side by side", "windows_side_by_side"),
)

FLOOR = Tool(
    name="floor",
    relation="floor.records WHERE deleted_at IS NULL",
    command=lambda place, job: [
        *(sys.executable, str(HERE / "floor.py"), place.database, place.api),
        *(str(place.page_size), *(["--full"] if job == "full" else [])),
    ],
)


def dlt_tools(cache: Path, *, defaults: bool = False) -> list[Tool]:
    """dlt in its two forms (with `defaults`, also rest_api as it comes), in a virtual environment
    that is made in `cache` if need be."""
    python = str(_dlt_environment(cache) / "bin" / "python")

    def tool(name: str) -> Tool:
        def command(place: Place, job: str) -> list[str]:
            script = str(HERE / "dlt_scripts" / f"{name}.py")
            how = "incremental" if job == "tick" else job
            given = [place.database, place.api, str(place.page_size), how, str(place.folder)]
            return [python, script, *given]

        words = name.replace("_", ", ")
        return Tool(name=f"dlt {words}", relation=f"dlt_{name}.records", command=command)

    return [tool("arrow"), tool("rest"), *([tool("rest_defaults")] if defaults else [])]


def _dlt_environment(cache: Path) -> Path:
    folder = cache / "dlt"
    ready = folder / "ready"
    if not ready.exists():
        print(f"Installing dlt into {folder} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
        environment = clean_environment()
        subprocess.run([*pip, *DLT_PACKAGES], check=True, env=environment)
        ready.touch()
    return folder
