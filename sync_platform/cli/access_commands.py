"""The commands about who may use the platform: people and API keys."""

import click

from sync_platform.cli.installation import platform
from sync_platform.cli.shows import listing, show
from sync_platform.engine.access import Role, Scope, checked_scopes

ONCE = "It works once, within a day, and is not shown again."


@click.command("admin-link")
@click.argument("email", required=False)
def admin_link(email: str | None) -> None:
    """Print a one-time link by which an admin chooses a password.

    For the first admin, and for one who forgot the password. An EMAIL that is new becomes an
    admin's. Without one it is the only admin's.
    """
    with platform() as it:
        click.echo(it.access.admin_link(email))
    click.echo(ONCE, err=True)


@click.group()
def people() -> None:
    """The people who may sign in to the web pages."""


@people.command("list")
@listing
def list_people(as_json: bool) -> None:
    """List them."""
    with platform() as it:
        rows = [
            {
                "email": each.email,
                "name": each.name,
                "role": each.role.value,
                "last_seen": each.last_seen_at,
                "disabled": each.disabled_at is not None,
            }
            for each in it.access.people()
        ]
    show(rows, as_json=as_json, empty="There is nobody. Begin with: sync-platform admin-link EMAIL")


@people.command("add")
@click.argument("email")
@click.option("--name", help="What the person is called.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.MEMBER.value,
    show_default=True,
    help="Members see and sync; admins do everything.",
)
def add_person(email: str, name: str | None, role: str) -> None:
    """Add one, and print the one-time link to hand them."""
    with platform() as it:
        click.echo(it.access.address_of(it.access.add_person(email, Role(role), name)))
    click.echo(ONCE, err=True)


@people.command("disable")
@click.argument("email")
def disable_person(email: str) -> None:
    """Let nobody sign in as this person; sessions end at once.

    API keys that the person made stay: look at `sync-platform api-key list`.
    """
    with platform() as it:
        person = it.access.disable(it.access.person(email).id)
        click.echo(f"{person.email} is disabled.")


@people.command("enable")
@click.argument("email")
def enable_person(email: str) -> None:
    """Let a disabled person sign in again."""
    with platform() as it:
        person = it.access.enable(it.access.person(email).id)
        click.echo(f"{person.email} may sign in again.")


@click.group("api-key")
def api_key() -> None:
    """The keys by which programs use the API."""


@api_key.command("list")
@listing
def list_keys(as_json: bool) -> None:
    """List them, revoked ones too."""
    with platform() as it:
        rows = [
            {
                "name": each.name,
                "begins_with": each.hint,
                "scopes": [scope.value for scope in Scope if scope in each.scopes],
                "workspaces": "all" if each.schemas is None else sorted(each.schemas),
                "made_by": each.created_by,
                "last_used": each.last_used_at,
                "revoked": each.revoked_at is not None,
            }
            for each in it.access.api_keys()
        ]
    show(rows, as_json=as_json, empty="There are no API keys.")


@api_key.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=(Scope.READ.value,),
    show_default=True,
    help="What it may do; may be repeated. admin includes the others.",
)
@click.option(
    "--workspace",
    "workspaces",
    multiple=True,
    help="Only for connections with this schema; may be repeated.  [default: all]",
)
def create_key(name: str, scopes: tuple[str, ...], workspaces: tuple[str, ...]) -> None:
    """Make one, and print it. It is not shown again."""
    with platform() as it:
        _, text = it.access.make_key(
            name, checked_scopes(scopes), workspaces or None, by="the command line"
        )
    click.echo(text)


@api_key.command("revoke")
@click.argument("key")
def revoke_key(key: str) -> None:
    """End one: KEY is its name, or what it begins with."""
    with platform() as it:
        click.echo(f"{it.access.revoke_key(key).name} is revoked.")
