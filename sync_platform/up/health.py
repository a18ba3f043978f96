"""How what runs in a home is doing, asked from outside, for containers and monitoring."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from sync_platform.up.line_up import CODE_SERVER, DAEMON_PART, WEB, WEBSERVER
from sync_platform.up.places import Entry, Register, dagster_home

HEARTBEAT_WITHIN = 90.0  # seconds; the daemon's threads send one twice a minute
WITHIN = 5.0  # seconds for an answer


@dataclass(frozen=True, kw_only=True)
class Health:
    """One part, and what was found."""

    part: str
    well: bool
    found: str


def health(home: Path, parts: tuple[str, ...] = ()) -> Iterator[Health]:
    """The parts that run in this home, or those that should; one that does not run is not well."""
    running = {entry.part: entry for entry in Register(home).running()}
    if not running and not parts:
        yield Health(part="up", well=False, found=f"Nothing runs in {home}: `sync-platform up`.")
    for part in parts or tuple(running):
        if part in running:
            yield _checked(running[part], home)
        else:
            yield Health(part=part, well=False, found=f"No `sync-platform up` in {home} runs it.")


def _checked(entry: Entry, home: Path) -> Health:
    checks: dict[str, Callable[[str], str]] = {
        WEB: _web,
        WEBSERVER: _webserver,
        DAEMON_PART: lambda _: _daemon(home),
        CODE_SERVER: _code_server,
    }
    try:
        return Health(part=entry.part, well=True, found=checks[entry.part](entry.address or ""))
    except _Unwell as error:
        return Health(part=entry.part, well=False, found=str(error))


class _Unwell(Exception):
    """Why a part is not well."""


def _web(address: str) -> str:
    _get(f"{address}/health/ready")
    return f"{address} answers and reaches the database"


def _webserver(address: str) -> str:
    version = _get(f"{address}/server_info").json().get("dagster_webserver_version")
    return f"{address} answers; Dagster {version}"


def _get(url: str) -> httpx.Response:
    try:
        answer = httpx.get(url, timeout=WITHIN, trust_env=False)
    except httpx.HTTPError as error:
        raise _Unwell(f"{url} does not answer ({type(error).__name__}).") from error
    if not answer.is_success:
        raise _Unwell(f"{url} answers HTTP {answer.status_code}.")
    return answer


def _code_server(address: str) -> str:
    from sync_platform.up.code_server import Place

    try:
        Place(address).client().ping("")
    except Exception as error:  # Dagster's own, and many: all of them mean that it does not answer
        raise _Unwell(f"{address} does not answer, or its code does not load.") from error
    return f"{address} answers"


def _daemon(home: Path) -> str:
    """By the heartbeats in Dagster's storage: they are those of the one daemon that there is, here
    or on another machine. Dagster reads from this process's environment where its storage is."""
    os.environ["SYNC_PLATFORM_HOME"] = str(home)
    os.environ.setdefault("PGCONNECT_TIMEOUT", f"{WITHIN:.0f}")  # libpq's own, of both drivers
    os.environ["DAGSTER_HOME"] = str(dagster_home(home, os.environ.get("DAGSTER_HOME")))
    from dagster import DagsterInstance
    from dagster._daemon.controller import get_daemon_statuses

    try:
        with DagsterInstance.get() as instance:
            statuses = get_daemon_statuses(
                instance,
                instance.get_required_daemon_types(),
                heartbeat_tolerance_seconds=HEARTBEAT_WITHIN,
                ignore_errors=True,
            )
    except Exception as error:  # of two drivers and of Dagster, which may quote the address
        raise _Unwell(
            f"Dagster's tables cannot be read ({type(error).__name__}): is its database away?"
        ) from error
    silent = sorted(name.lower() for name, status in statuses.items() if not status.healthy)
    if silent:
        raise _Unwell(f"No heartbeat for {HEARTBEAT_WITHIN:.0f} s of: {', '.join(silent)}.")
    return f"all {len(statuses)} of its threads have sent heartbeats"
