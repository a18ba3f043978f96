"""The command `up`: an installation, or a part of one, started, kept running and stopped."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from types import FrameType

from sync_platform.embedded import leave, server_url
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform.store.standing import Standing, lock_of
from sync_platform.up.line_up import (
    CHOICES,
    CODE_SERVER,
    GRACE,
    WEB,
    WEBSERVER,
    Address,
    LineUp,
    PartName,
)
from sync_platform.up.places import Register
from sync_platform.up.processes import Hear, refuse_busy_port
from sync_platform.up.supervising import Restarts, Supervisor
from sync_platform.up.telling import Telling, secrets_of
from sync_platform.up.warden import Warden

LOOK_EVERY = 0.25  # seconds
HOLD_EVERY = 5.0  # seconds between two looks at our lock


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asked `up` for."""

    parts: Sequence[PartName] = CHOICES
    home: Path | None = None  # None: of the settings
    web: Address = Address(host="127.0.0.1", port=8000)
    webserver: Address = Address(host="127.0.0.1", port=3000)
    code_server: str | None = None  # host:port; None: a socket in home
    grace: float = GRACE


class Signals:
    """What this process was told by signals."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reload = False
        self._times = 0

    def hurry(self) -> bool:
        """Whether somebody asked to stop more than once."""
        return self._times > 1

    @contextmanager
    def heard(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP ask to stop, SIGUSR1 asks to reload."""
        asks_to_stop = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {each: signal.signal(each, self._on_stop) for each in asks_to_stop}
        before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._on_reload)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._times += 1
        self.stop.set()

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self.reload = True


@dataclass(frozen=True, kw_only=True)
class Raised:
    """What a line-up needs is there; its parts can be added to the supervisor."""

    line_up: LineUp
    platform: Platform
    supervisor: Supervisor


@contextmanager
def raised(
    line_up: LineUp,
    *,
    hear: Hear,
    say: Callable[[str], None],
    restarts: Restarts | None = None,
    hurry: Callable[[], bool] = lambda: False,
) -> Iterator[Raised]:
    """The database, with our tables up to date, and a supervisor without parts; in the end all
    that was started is stopped, the embedded PostgreSQL last.

    Raises ConfigurationError where a port is in use or a connector faulty, Refused where another
    `up` runs one of these parts in this home, StoreUnavailable; nothing is left running then.
    """
    for part, option, address in (
        (WEB, "--port", line_up.web),
        (WEBSERVER, "--dagster-port", line_up.webserver),
    ):
        if part in line_up.parts:
            refuse_busy_port(address.port, option, address.host)
    settings = line_up.settings
    settings.home.mkdir(parents=True, exist_ok=True)
    embedded = settings.home if settings.database_url is None else None
    with ExitStack() as stack:
        register = Register(settings.home)
        stack.callback(register.leave)
        locked = register.enter(line_up.addresses)
        url = server_url(settings.database_url, settings.home)
        stack.callback(say, "Everything that was started has been stopped.")
        warden = Warden(embedded, keep=locked)
        stack.callback(warden.close)
        if embedded:
            stack.callback(leave, embedded)
        line_up = replace(line_up, settings=replace(settings, database_url=url))
        platform = Platform(line_up.settings)
        stack.callback(platform.close)
        platform.connectors()  # a faulty one is told before anything is started
        _ = platform.database  # brings our tables up to date
        stack.enter_context(held_up(url, line_up.up))
        supervisor = Supervisor(hear=hear, say=say, restarts=restarts, watcher=warden)
        stack.callback(supervisor.stop, hurry)
        yield Raised(line_up=line_up, platform=platform, supervisor=supervisor)


def run_up(wanted: Wanted) -> None:
    """Run it until a signal asks to stop.

    Raises what `raised` does, and Unexpected, with the last that it said, where a part keeps dying.
    """
    signals, began = Signals(), monotonic()
    settings = _settings(wanted)
    line_up = LineUp(
        settings=settings,
        parts=wanted.parts,
        web=wanted.web,
        webserver=wanted.webserver,
        code_server=wanted.code_server,
        grace=wanted.grace,
    )
    telling = Telling(secrets_of(settings))
    with (
        signals.heard(),
        raised(line_up, hear=telling.hear, say=telling.say, hurry=signals.hurry) as it,
    ):
        if settings.database_url is None:
            telling.say(f"An embedded PostgreSQL runs in {settings.home / 'postgres'}.")
        it.supervisor.add(*it.line_up.build())
        _until_stopped(it, signals, telling, began)


def _settings(wanted: Wanted) -> Settings:
    """The environment's; what it leaves open follows from what was asked for."""
    settings = Settings.from_env()
    given = {
        name: os.environ.get(f"SYNC_PLATFORM_{name}", "").strip()
        for name in ("PUBLIC_URL", "DAGSTER_URL")
    }
    return replace(
        settings,
        home=(wanted.home or settings.home).absolute(),
        public_url=settings.public_url if given["PUBLIC_URL"] else wanted.web.url,
        dagster_url=settings.dagster_url if given["DAGSTER_URL"] else wanted.webserver.url,
    )


def _until_stopped(it: Raised, signals: Signals, telling: Telling, began: float) -> None:
    announced, parts = False, it.line_up.addresses
    while not signals.stop.wait(LOOK_EVERY):
        it.supervisor.check()
        if not announced and it.supervisor.ready():
            announced = True
            telling.say(f"Ready after {monotonic() - began:.1f} s.")
            _announce(it, telling)
        if signals.reload:
            signals.reload = False
            _reload(it, telling)
    grace = f" Running syncs have {it.line_up.grace:.0f} s to end; asked again, it does not wait."
    telling.say(f"Stopping.{grace if CODE_SERVER in parts else ''}")


def _reload(it: Raised, telling: Telling) -> None:
    try:
        Platform(it.line_up.settings).connectors()
    except SyncPlatformError as error:
        telling.say(f"Nothing was loaded anew; the connectors stay as they were. {error}")
        return
    telling.say("Connectors are loaded anew, as was asked for.")
    if CODE_SERVER in it.line_up.addresses and it.supervisor.ready(CODE_SERVER):
        it.supervisor.signal(CODE_SERVER, signal.SIGUSR1)
    if WEB in it.line_up.parts:
        it.supervisor.restart(WEB)


def _announce(it: Raised, telling: Telling) -> None:
    parts = it.line_up.parts
    if WEB in parts:
        telling.say(f"  Pages     {it.line_up.settings.public_url}")
    if WEBSERVER in parts:
        telling.say(f"  Dagster   {it.line_up.dagster_url}")
    link = it.platform.access.first_link() if WEB in parts else None
    if link:
        telling.say(f"  Make the first admin's password, once and within a day: {link}")
    notify_service_manager(os.environ.get("NOTIFY_SOCKET", ""))


def notify_service_manager(address: str) -> None:
    """Tell systemd that all is ready, at the socket that it named; "" where there is none."""
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1", f"\0{address[1:]}" if address[0] == "@" else address)


@contextmanager
def held_up(url: str, up: str) -> Iterator[None]:
    """Hold the lock that says that this `up` lives; taken again where its session was lost."""
    lock, ended = Standing(url, lock_of(up)), threading.Event()
    lock.take()

    def hold() -> None:
        while not ended.wait(HOLD_EVERY):
            try:
                lock.check()
            except SyncPlatformError:
                with suppress(SyncPlatformError):
                    lock.take()

    holder = threading.Thread(target=hold, name="lock", daemon=True)
    holder.start()
    try:
        yield
    finally:
        ended.set()
        holder.join()
        lock.close()
