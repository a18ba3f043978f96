"""What runs in an installation: how each part is started, and how one sees that it is ready."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx

from sync_platform.errors import SyncPlatformError
from sync_platform.settings import Settings
from sync_platform.store.standing import held
from sync_platform.up.places import dagster_home, socket_path, workspace
from sync_platform.up.standby import DAEMON
from sync_platform.up.supervising import Part

WEB, WEBSERVER, DAEMON_PART, CODE_SERVER = "web", "webserver", "daemon", "code-server"
PartName = Literal["web", "webserver", "daemon"]
CHOICES: tuple[PartName, ...] = ("web", "webserver", "daemon")  # the code server goes with two
LOCATION = "sync_platform"  # the code location's name in Dagster
GRACE = 30.0  # seconds for runs to end by themselves when all is stopped
# No access log: addresses hold one-time links, and codes of sign-ins at vendors. What a proxy says
# in its headers is believed where FORWARDED_ALLOW_IPS (by default loopback) lets it.
SERVE = (
    *("uvicorn", "--factory", "sync_platform.web.app:create_app"),
    *("--no-access-log", "--no-server-header", "--log-level", "warning"),
    *("--timeout-graceful-shutdown", "8"),
)
DAEMON_PATIENCE = 35.0  # its threads end what they are at, such as launching a run


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a part listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class LineUp:
    """What is to run, and where."""

    settings: Settings  # with a database_url when it is built
    web: Address
    webserver: Address
    parts: Sequence[PartName] = CHOICES
    code_server: str | None = None  # host:port; None: a socket in home
    grace: float = GRACE
    up: str = field(default_factory=lambda: secrets.token_hex(8))  # the id of this start

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def addresses(self) -> dict[str, str | None]:
        """Every part, in the order of their start, and where it listens."""
        known: dict[str, str | None] = {
            CODE_SERVER: self._place,
            WEBSERVER: self.dagster_url,
            DAEMON_PART: None,
            WEB: self.web.url,
        }
        chosen: set[str] = set(self.parts)
        if chosen & {WEBSERVER, DAEMON_PART}:
            chosen.add(CODE_SERVER)
        return {part: address for part, address in known.items() if part in chosen}

    @property
    def dagster_url(self) -> str:
        """Dagster's UI, as this machine reaches it."""
        return f"{self.webserver.url}{self._prefix}"

    @property
    def _prefix(self) -> str:
        """The path of Dagster's UI: that of its address behind a proxy; "" where it has none."""
        return urlsplit(self.settings.dagster_url).path

    @property
    def _internal_url(self) -> str | None:
        """Where our parts reach Dagster: straight, where it runs here; a proxy before it may ask
        who they are."""
        here = self.dagster_url if WEBSERVER in self.parts else None
        return self.settings.dagster_internal_url or here

    @property
    def _place(self) -> str:
        """The code server's: a socket's path, or host:port."""
        return self.code_server or str(socket_path(self.home))

    def build(self) -> list[Part]:
        """The parts, in the order of their start. Writes the files that they read.

        Raises ConfigurationError where DAGSTER_HOME has no dagster.yaml.
        """
        made = {
            CODE_SERVER: self._code_server,
            WEBSERVER: self._webserver,
            DAEMON_PART: self._daemon,
            WEB: self._web,
        }
        return [made[name]() for name in self.addresses]

    def _code_server(self) -> Part:
        return Part(
            name=CODE_SERVER,
            arguments=("sync_platform.up.code_server", self._place),
            cwd=self.home,
            env=self._env,
            ready=lambda: listens(self._place),
            patience=self.grace,  # it waits for its runs
        )

    def _webserver(self) -> Part:
        path = str(workspace(self.home, self._place, LOCATION))
        listen = ("-h", self.webserver.host, "-p", str(self.webserver.port), "-l", self._prefix)
        return Part(
            name=WEBSERVER,
            arguments=("dagster_webserver", *listen, "-w", path),
            cwd=self.home,
            env=self._env,
            ready=lambda: answers(f"{self.dagster_url}/server_info"),
            after=(CODE_SERVER,),
        )

    def _daemon(self) -> Part:
        path = str(workspace(self.home, self._place, LOCATION))
        return Part(
            name=DAEMON_PART,
            arguments=("sync_platform.up.standby", path),
            cwd=self.home,
            env=self._env,
            ready=self._somebody_is_the_daemon,
            after=(CODE_SERVER,),
            patience=DAEMON_PATIENCE,
        )

    def _web(self) -> Part:
        return Part(
            name=WEB,
            arguments=(*SERVE, "--host", self.web.host, "--port", str(self.web.port)),
            cwd=self.home,
            env=self._env,
            ready=lambda: answers(f"{self.web.url}/health/live"),
        )

    def _somebody_is_the_daemon(self) -> bool:
        with suppress(SyncPlatformError):
            return bool(held(self.settings.database_url or "", [DAEMON]))
        return False

    @property
    def _env(self) -> Mapping[str, str]:
        settings = self.settings
        return {
            "SYNC_PLATFORM_DATABASE_URL": settings.database_url or "",
            "SYNC_PLATFORM_HOME": str(settings.home),
            "SYNC_PLATFORM_PARTITION_GRAIN": settings.grain,
            "SYNC_PLATFORM_PUBLIC_URL": settings.public_url,
            "SYNC_PLATFORM_DAGSTER_URL": settings.dagster_url,
            "SYNC_PLATFORM_DAGSTER_INTERNAL_URL": self._internal_url or "",
            "SYNC_PLATFORM_UP": self.up,
            "DAGSTER_HOME": str(dagster_home(settings.home, os.environ.get("DAGSTER_HOME"))),
            # Runs over many dates write one event for each: 22 s one by one, 1 s in batches.
            "DAGSTER_EVENT_BATCH_SIZE": os.environ.get("DAGSTER_EVENT_BATCH_SIZE", "500"),
            # Else four lines every half minute to say that there is nothing to do.
            "DAGSTER_DAEMON_LOG_LEVEL": os.environ.get("DAGSTER_DAEMON_LOG_LEVEL", "warning"),
            "PYTHONWARNINGS": "ignore",
        }


def answers(url: str) -> bool:
    """Whether a GET there is answered with success."""
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2, trust_env=False).is_success
    return False


def listens(address: str) -> bool:
    """Whether a socket's path, or host:port, takes connections."""
    is_path = address.startswith("/")
    host, _, port = address.rpartition(":")
    try:
        if not is_path:
            socket.create_connection((host, int(port)), timeout=1).close()
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(address)
            return True
    except OSError:
        return False
