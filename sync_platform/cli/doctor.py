"""What is wrong with this installation, so that support begins with facts."""

from collections.abc import Callable, Iterator

from sync_platform import __version__
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.errors import SyncPlatformError
from sync_platform.platform import Platform


def findings() -> Iterator[dict[str, str]]:
    """One row a check: `check`, `status` (good, wrong) and what was `found`."""
    yield {"check": "version", "status": "good", "found": __version__}
    try:
        platform = Platform.from_env()
    except SyncPlatformError as error:
        yield {"check": "settings", "status": "wrong", "found": str(error)}
        return
    yield {"check": "settings", "status": "good", "found": f"home is {platform.settings.home}"}
    checks: list[tuple[str, Callable[[Platform], str]]] = [
        ("connectors", _connectors),
        ("database", _database),
        ("keys", _keys),
    ]
    for name, check in checks:
        try:
            yield {"check": name, "status": "good", "found": check(platform)}
        except SyncPlatformError as error:
            yield {"check": name, "status": "wrong", "found": str(error)}
            if name == "database":
                return
    yield from _connections(platform)
    platform.close()


def _connectors(platform: Platform) -> str:
    return ", ".join(sorted(platform.connectors()))


def _database(platform: Platform) -> str:
    return str(platform.database)


def _keys(platform: Platform) -> str:
    for each in platform.connections():
        platform.credentials.read(each.name)
    return "every connection's secret can be opened"


def _connections(platform: Platform) -> Iterator[dict[str, str]]:
    for it in platform.connections():
        broken = [state.obj.name for state in platform.objects(it.name) if state.paused]
        if it.status is ConnectionStatus.ACTIVE and not broken:
            yield {"check": it.name, "status": "good", "found": f"{len(it.objects)} objects"}
            continue
        told = [it.status_reason or it.status.value] if it.status is not it.status.ACTIVE else []
        if broken:
            told.append(f"paused after repeated failures: {', '.join(broken)}")
        yield {"check": it.name, "status": "wrong", "found": "; ".join(told)}
