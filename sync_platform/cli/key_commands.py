"""The commands about what lets us in: our apps at the vendors, and the keys of our own secrets."""

import sys

import click

from sync_platform.cli.connect_commands import PORT
from sync_platform.cli.endings import complain
from sync_platform.cli.installation import platform
from sync_platform.cli.shows import listing, show
from sync_platform.engine.ports import OAuthClient


@click.group("oauth-client")
def oauth_client() -> None:
    """Our apps at the vendors, for signing in with OAuth."""


@oauth_client.command("set")
@click.argument("connector")
@click.option("--client-id", required=True, help="As the vendor shows it for the app.")
@click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input.")
def set_client(connector: str, client_id: str, secret_stdin: bool) -> None:
    """Keep the id and secret of an app that was registered at a vendor.

    The secret is asked for, and kept encrypted.
    """
    with platform() as it:
        label = it.connector(connector).label
        secret = (
            sys.stdin.read() if secret_stdin else click.prompt("Client secret", hide_input=True)
        )
        it.set_oauth_client(connector, OAuthClient(client_id, secret))
        pages = it.settings.public_url
    click.echo(f"{label} has its OAuth client. Register these redirect addresses there:")
    click.echo(f"  http://127.0.0.1:{PORT}/callback (sync-platform connect)")
    click.echo(f"  {pages}/connect/callback (the web pages)")


@oauth_client.command("list")
@listing
def list_clients(as_json: bool) -> None:
    """List the OAuth clients; their secrets are not shown."""
    with platform() as it:
        rows = [
            {"connector": name, "client_id": client.client_id, "set_in": where}
            for name, client, where in it.oauth_client_list()
        ]
    show(rows, as_json=as_json, empty="There are none. Begin with: sync-platform oauth-client set")


@oauth_client.command("remove")
@click.argument("connector")
def remove_client(connector: str) -> None:
    """Forget an OAuth client.

    Connections that it signed in cannot be renewed any more, unless it is in the settings, too.
    """
    with platform() as it:
        it.remove_oauth_client(connector)
    click.echo(f"The OAuth client of {connector} is forgotten.")


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt every secret with the newest key.

    Put the new key first (SYNC_PLATFORM_KEYS, or the first line of the file `keys` in the home
    folder), restart what runs, then run this; the older keys can go afterwards.
    """
    with platform() as it:
        done = it.rotate_keys()
    total = sum(each.count for each in done.values())
    click.echo(f"{total} {'secret is' if total == 1 else 'secrets are'} encrypted anew.")
    lost = [f"{table}: {name}" for table, each in done.items() for name in each.lost]
    if lost:
        complain(f"No key opens these, so they stay as they are: {', '.join(lost)}.")
        sys.exit(2)
    click.echo("Every secret needs the newest key only; the older ones can go.")
