"""Sign-ins that nobody uses are renewed before they die: a pause must not lose them."""

import logging
from contextlib import suppress

from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.errors import (
    NeedsPerson,
    NeedsReauth,
    RetryLater,
    SignedInAnew,
    SyncPlatformError,
    UnknownConnection,
)
from sync_platform.spec import OAuth2
from sync_platform.waist import gate
from sync_platform.waist.parts import Parts
from sync_platform.waist.renewing import Renewal

log = logging.getLogger("sync_platform")


def refresh_idle(parts: Parts) -> list[str]:
    """Renew the sign-ins whose refresh token has lived half of its life unused, of paused
    connections too; the names of those that were renewed.

    A connection that cannot be renewed is flagged; where the vendor does not answer, the next call
    tries again. Raises StoreUnavailable.
    """
    renewed = []
    for connection in parts.store.list():
        connector = parts.connectors().get(connection.connector)
        if connector is None or connection.status is ConnectionStatus.NEEDS_REAUTH:
            continue
        if not any(isinstance(way, OAuth2) for way in connector.auth):
            continue
        try:
            if Renewal(parts, connection).refresh_idle():
                renewed.append(connection.name)
        except (RetryLater, SignedInAnew) as error:
            log.warning("%s: its sign-in could not be renewed: %s", connection.name, error)
        except SyncPlatformError as error:
            log.warning("%s: its sign-in could not be renewed: %s", connection.name, error)
            with suppress(UnknownConnection):  # it was removed meanwhile
                _flag(parts, connection, error)
    return renewed


def _flag(parts: Parts, connection: Connection, error: SyncPlatformError) -> None:
    """Tell on the connection that someone must act. One that is paused stays so, and says both; one
    that was resumed meanwhile stays that, too."""
    if connection.status is ConnectionStatus.PAUSED:
        reason = connection.status_reason or ""
        if isinstance(error, NeedsReauth) and str(error) not in reason:
            parts.store.explain(connection, f"{reason} {error}".strip())
    elif isinstance(error, NeedsPerson):
        gate.flag(parts, connection.name, error, since=connection.allowed_since)
    else:
        parts.store.flag(connection.name, ConnectionStatus.NEEDS_ATTENTION, str(error))
