"""What can be told before a person signs in or types a key."""

from collections.abc import Sequence

from sync_platform.engine.connections import Connection, checked_name, checked_schema
from sync_platform.errors import ConfigurationError, Refused
from sync_platform.spec import Connector
from sync_platform.waist.parts import Parts


def refuse_impossible(
    parts: Parts,
    connector: str,
    *,
    connection: str,
    schema: str | None = None,
    objects: Sequence[str] | None = None,
) -> None:
    """Raise ConfigurationError for a new connection's name or schema that is taken or cannot be,
    UnknownConnector or UnknownObject."""
    it = parts.connector(connector)
    before(parts, it, connection, again=False)
    schema = checked_schema(schema or connection.replace("-", "_"))
    for each in parts.store.list():
        if each.schema == schema:
            raise ConfigurationError(
                f"The schema {schema!r} holds the tables of {each.name!r} already. Choose another."
            )
    for name in objects or () if it.discover is None else ():
        it[name]  # raises where there is none


def before(parts: Parts, connector: Connector, name: str | None, again: bool) -> Connection | None:
    """The connection that is signed in anew; None for a new one, whose name must be free."""
    if again:
        if name is None:
            raise ConfigurationError("Which connection is to be signed in anew?")
        connection = parts.store.get(name)
        if connection.connector != connector.name:
            raise Refused(f"{name} is a connection to {connection.connector}.")
        return connection
    if name is not None and checked_name(name) in {each.name for each in parts.store.list()}:
        raise ConfigurationError(
            f"There is a connection {name!r} already. Choose another name, or sign that one in "
            "anew."
        )
    return None
