"""What is wrong with this installation, so that support begins with facts."""

from collections.abc import Callable, Iterator

from sync_platform import __version__
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.errors import ConfigurationError, SyncPlatformError
from sync_platform.platform import Platform

Finding = dict[str, str]


def findings() -> Iterator[Finding]:
    """One row a check: `check`, `status` (good, wrong) and what was `found`."""
    yield good("version", __version__)
    try:
        platform = Platform.from_env()
    except SyncPlatformError as error:
        yield wrong("settings", error)
        return
    yield good("settings", f"home is {platform.settings.home}")
    try:
        yield from _parts(platform)
    finally:
        platform.close()


def good(check: str, found: str) -> Finding:
    """A check that went well."""
    return {"check": check, "status": "good", "found": found}


def wrong(check: str, found: object) -> Finding:
    """A check that did not."""
    return {"check": check, "status": "wrong", "found": str(found)}


def _parts(platform: Platform) -> Iterator[Finding]:
    checks: list[tuple[str, Callable[[Platform], str]]] = [
        ("connectors", _connectors),
        ("database", _database),
        ("keys", _keys),
    ]
    for name, check in checks:
        try:
            yield good(name, check(platform))
        except SyncPlatformError as error:
            yield wrong(name, error)
            if name == "database":
                return
    for each in platform.connections():
        try:
            yield _connection(platform, each)
        except SyncPlatformError as error:
            yield wrong(each.name, error)


def _connectors(platform: Platform) -> str:
    return ", ".join(sorted(platform.connectors()))


def _database(platform: Platform) -> str:
    platform.database.apply_migrations()
    if platform.settings.database_url is None:
        return f"the embedded server in {platform.settings.home / 'postgres'} answers"
    return "the server of SYNC_PLATFORM_DATABASE_URL answers"


def _keys(platform: Platform) -> str:
    connections = platform.connections()
    for each in connections:
        platform.credentials.read(each.name)
    old = sum(len(each.old()) for each in platform.locked)
    if old:
        told = "secret is" if old == 1 else "secrets are"
        raise ConfigurationError(
            f"{old} {told} not encrypted with the newest key, so an older one cannot go yet. Run: "
            "sync-platform rotate-keys"
        )
    return "every connection's secret can be opened" if connections else "nothing is connected yet"


def _connection(platform: Platform, it: Connection) -> Finding:
    states = platform.objects(it.name)
    paused = [state.obj.name for state in states if state.paused]
    told = []
    if it.status is not ConnectionStatus.ACTIVE:
        told.append(f"{it.status.value}: {it.status_reason or 'no reason was given'}")
    if paused:
        told.append(f"Paused after failures: {', '.join(paused)}.")
    told += [f"{state.obj.name}: {state.full_failing}" for state in states if state.full_failing]
    if told:
        return wrong(it.name, " ".join(told))
    count = len(it.objects)
    return good(it.name, f"active, {count} {'object' if count == 1 else 'objects'}")
