"""The accounts that the demo connects: one at each sandbox vendor that is asked for."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from sync_platform.engine.ports import Secret
from sync_platform.errors import Unexpected, UnknownConnector
from sync_platform.platform import Platform
from sync_platform.up.supervising import Part, Supervisor

SANDBOX_WITHIN = 60.0  # seconds; six of them start at once on a small machine
SEARCH_LAG = 2.0  # seconds; some sandboxes' indexes are behind, as their vendors' are
SIZES = {"hubspot": ("--contacts", "1500", "--others", "200")}  # the others are smaller
SMALL = ("--contacts", "120", "--others", "60")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One vendor's sandbox, served, and what connects to it."""

    connector: str
    url: str
    secret: Mapping[str, Any]
    settings: Mapping[str, str]

    @property
    def connection(self) -> str:
        """What its connection is called."""
        return f"acme-{self.connector.replace('_', '-')}"

    def change(self, object: str, creates: int, updates: int, archives: int) -> bool:
        """Change some of an object's records at the vendor; whether it can be changed so."""
        wish = {"object": object, "creates": creates, "updates": updates, "archives": archives}
        answer = httpx.post(f"{self.url}/_sandbox/change", json=wish, timeout=30, trust_env=False)
        return answer.is_success


def chosen(platform: Platform, asked: str) -> list[str]:
    """The connectors that are asked for: names with commas between, or "all". Raises
    UnknownConnector."""
    if asked == "all":
        return sorted(platform.connectors(), key=lambda name: (name != "hubspot", name))
    names = [each.strip() for each in asked.split(",") if each.strip()]
    for name in names:
        platform.connector(name)
    if not names:
        raise UnknownConnector("--connectors names none. Name some, with commas between, or all.")
    return names


def served(
    supervisor: Supervisor, names: Sequence[str], folder: Path, logs: Path, *, living: bool
) -> None:
    """Start the sandbox of each connector; its state is kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        log = _log(logs, name)
        log.unlink(missing_ok=True)
        arguments = ["sync_platform.sandbox", name, "--port", "0"]
        arguments += ["--state", str(folder / f"{name}.json")]
        arguments += [*SIZES.get(name, SMALL), "--search-lag", str(SEARCH_LAG)]
        if living:
            arguments += ["--living", "4"]
        part = Part(name=f"sandbox-{name}", arguments=arguments, cwd=folder, ready=log.exists)
        supervisor.add(part)


def listening(
    supervisor: Supervisor, names: Sequence[str], logs: Path, stop: threading.Event
) -> Iterator[Account | None]:
    """The accounts, each as soon as its sandbox accepts connections; None while one is waited for.

    Raises Unexpected where one does not start.
    """
    deadline = monotonic() + SANDBOX_WITHIN
    waiting = list(names)
    while waiting:
        supervisor.check()
        log = _log(logs, waiting[0])
        told = log.read_text() if log.exists() else ""
        if told.endswith("\n"):
            said = json.loads(told.splitlines()[0])
            yield Account(
                connector=waiting.pop(0),
                url=said["url"],
                secret=said["connect"]["secret"],
                settings=said["connect"]["settings"],
            )
        elif monotonic() > deadline:
            raise Unexpected(f"The sandbox did not start. Its output is in {log}.")
        else:
            yield None


def connect(platform: Platform, account: Account) -> None:
    """Make the account's connection, or give it the sandbox's new address and secret."""
    secret, name = Secret(account.secret), account.connection
    if any(each.name == name for each in platform.connections()):
        platform.reconnect(name, secret, base_url=account.url)
        return
    platform.connect(
        account.connector, name, secret, base_url=account.url, settings=dict(account.settings)
    )
    platform.set_interval(name, platform.connector(account.connector).interval.shortest)


def _log(logs: Path, name: str) -> Path:
    return logs / f"sandbox-{name}.log"
