"""Our apps at the vendors: in the settings, or given at run time and kept encrypted."""

from sync_platform.engine.ports import OAuthClient
from sync_platform.errors import ConfigurationError, Refused
from sync_platform.spec import Connector, OAuth2
from sync_platform.waist.parts import Parts


def oauth_of(connector: Connector) -> OAuth2:
    """The connector's OAuth; raises Refused where it has none."""
    for each in connector.auth:
        if isinstance(each, OAuth2):
            return each
    raise Refused(f"{connector.label} has no sign-in by OAuth; give it a key instead.")


def listed(parts: Parts) -> list[tuple[str, OAuthClient, str]]:
    """Connector, client and where it is set ("settings", "store"), of all there are."""
    in_settings, in_store = parts.settings.oauth_clients, parts.oauth_clients.connectors()
    found = []
    for name in sorted({*in_settings, *in_store}):
        client = parts.oauth_client(name)
        if client is not None:
            found.append((name, client, "settings" if name in in_settings else "store"))
    return found


def keep(parts: Parts, connector: str, client: OAuthClient) -> None:
    """Keep our app at the vendor. Raises Refused where the connector has no OAuth,
    ConfigurationError where id or secret is empty."""
    it = parts.connector(connector)
    oauth_of(it)
    client = OAuthClient(client.client_id.strip(), client.client_secret.strip())
    if not client.client_id or not client.client_secret:
        raise ConfigurationError(f"{it.label}'s OAuth client needs an id and a secret.")
    parts.oauth_clients.set(connector, client)


def forget(parts: Parts, connector: str) -> None:
    """Forget our app at the vendor: what it signed in cannot be renewed then. Raises
    ConfigurationError where there is none."""
    if not parts.oauth_clients.remove(connector):
        raise ConfigurationError(f"No OAuth client of {connector!r} is in the store.")
