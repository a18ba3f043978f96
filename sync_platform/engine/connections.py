"""A connection, as a value: one account of a connector that someone has connected."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sync_platform.engine.ports import ObjectChoice
from sync_platform.errors import ConfigurationError, ObjectGone, UnknownObject
from sync_platform.spec import Connector, ConnectorObject

LONGEST_LABEL = 80  # characters
SLUG = re.compile(r"[a-z][a-z0-9-]{0,47}")
RESERVED_SCHEMAS = ("public", "information_schema", "sync_platform", "dagster")


class ConnectionStatus(StrEnum):
    """Whether a connection may sync by itself."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person
    NEEDS_REAUTH = "needs_reauth"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One connected account. `schema` is where its tables are (its workspace)."""

    name: str
    connector: str
    schema: str
    status: ConnectionStatus = ConnectionStatus.ACTIVE
    status_reason: str | None = None  # a sentence for people; None while active
    base_url: str | None = None  # instead of the connector's: a sandbox, a proxy
    settings: Mapping[str, str] = field(default_factory=dict)
    interval: timedelta | None = None  # None: the connector's default
    objects: Sequence[ObjectChoice] = ()  # the chosen ones
    account_id: str | None = None  # the vendor's, from the connector's check
    created_at: datetime | None = None
    # Last resumed or signed in anew, else made; None: not kept yet.
    allowed_since: datetime | None = field(default=None, compare=False)
    label: str | None = None  # what people call it; None: by its name

    @property
    def title(self) -> str:
        """What people call it. Its `name` stays what it was: it is part of partitions and keys."""
        return self.label or self.name

    def choice(self, object: str) -> ObjectChoice | None:
        """How this object is synced; None where it is not chosen."""
        return next((it for it in self.objects if it.object == object), None)


def why_missing(connection: Connection) -> str:
    """What it means that the connection's connector is not there, and what to do."""
    return (
        f"There is no connector {connection.connector!r} here (any more), so {connection.name} "
        "cannot sync. Its tables stay as they are. Put the connector back where it was, or "
        f"disconnect {connection.name}."
    )


def without_connector(connection: Connection) -> Connection:
    """The connection as it is shown while its connector is not there: it needs attention, and says
    why. One that a person paused stays so, and says both. Nothing of this is kept."""
    if connection.status is ConnectionStatus.PAUSED:
        reason = f"{connection.status_reason or ''} {why_missing(connection)}".strip()
        return replace(connection, status_reason=reason)
    needs = ConnectionStatus.NEEDS_ATTENTION
    return replace(connection, status=needs, status_reason=why_missing(connection))


def object_of(connection: Connection, connector: Connector, name: str) -> ConnectorObject:
    """The connection's object of that name. Raises ObjectGone where it is chosen and not there any
    more, UnknownObject where it is neither."""
    try:
        return connector[name]
    except UnknownObject as error:
        if connection.choice(name) is None:
            raise
        raise ObjectGone(_why_gone(connection, connector, name)) from error


def _why_gone(connection: Connection, connector: Connector, object: str) -> str:
    there = {each.name for each in connector.objects}
    left = ",".join(each.object for each in connection.objects if each.object in there)
    return (
        f"{connector.label} has no object {object!r} any more, so it was not synced; its table "
        f"stays as it is. Choose the objects of {connection.name} anew, on its page or with: "
        f"sync-platform objects {connection.name} --choose {left or 'OBJECT,...'}"
    )


def checked_name(name: str) -> str:
    """The name, if it can be a connection's; raises ConfigurationError."""
    if not SLUG.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a connection's name: use small letters, digits and '-', "
            "starting with a letter, at most 48."
        )
    return name


def checked_label(label: str) -> str | None:
    """The label without blanks around it, None for an empty one; raises ConfigurationError."""
    label = " ".join(label.split())
    if len(label) > LONGEST_LABEL:
        raise ConfigurationError(f"A label may have {LONGEST_LABEL} characters at most.")
    if not label.isprintable():
        raise ConfigurationError("A label may hold printable characters only.")
    return label or None


def checked_schema(schema: str) -> str:
    """The schema, if a connection's tables may live there; raises ConfigurationError."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema) or schema.startswith("pg_"):
        raise ConfigurationError(
            f"{schema!r} cannot be a schema: use small letters, digits and '_', at most 63."
        )
    if schema in RESERVED_SCHEMAS:
        raise ConfigurationError(f"The schema {schema!r} is reserved; choose another.")
    return schema
