"""The commands that connect accounts, in the terminal or through the browser."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import click

from sync_platform.cli.installation import platform
from sync_platform.cli.typed import names, pair
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.ports import ObjectChoice, Secret
from sync_platform.engine.signing_in import (
    STATE_LASTS,
    Asked,
    SignIn,
    Way,
    asked_before,
)
from sync_platform.errors import ConfigurationError
from sync_platform.spec import Connector

if TYPE_CHECKING:
    from sync_platform.waist.connecting import Connecting

PORT = 8723  # any free one would do, but vendors want to know the address to the letter
WAYS = {
    "oauth": "OAuth2",
    "token": "BearerToken",
    "key": "ApiKey",
    "password": "BasicAuth",
    "client": "ClientCredentials",
    "service-account": "JwtBearer",
}


@click.command()
@click.argument("connector")
@click.argument("name")
@click.option(
    "--way",
    type=click.Choice(list(WAYS)),
    help="How to sign in; else it is asked, where there are several ways.",
)
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    help="Of this machine, where the browser comes back: register http://127.0.0.1:PORT/callback.",
)
@click.option("--token-stdin", is_flag=True, help="Read the token or key from standard input.")
@click.option("--username", help="Where the vendor wants one beside the token.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The key file of a service account.",
)
@click.option("--base-url", help="Use this address instead of the vendor's own.")
@click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--schema", help="The schema for its tables; by default the name, with _ for -.")
@click.option("--objects", help="Sync these objects only, comma separated.")
@click.option("--write", is_flag=True, help="Ask for the right to write, too.")
@click.option(
    "--confirm-other-account",
    is_flag=True,
    help="Take another account than the one whose data the tables hold, signing in anew or "
    "connecting again; everything is read again.",
)
def connect(
    connector: str,
    name: str,
    way: str | None,
    no_browser: bool,
    port: int,
    token_stdin: bool,
    username: str | None,
    key_file: Path | None,
    base_url: str | None,
    settings: tuple[str, ...],
    schema: str | None,
    objects: str | None,
    write: bool,
    confirm_other_account: bool,
) -> None:
    """Connect an account of a vendor, or sign a connection in anew.

    CONNECTOR is what to connect (see `sync-platform connectors`), NAME what to call it.

    Where there is an OAuth client (see `sync-platform oauth-client`), the browser is opened to sign
    in at the vendor; else the token or key is asked for, or read from standard input. A NAME that
    is connected already is signed in anew and keeps its tables, cursors and history.
    """
    with platform() as it:
        vendor = it.connector(connector)
        before = next((each for each in it.connections(connector) if each.name == name), None)
        again = before is not None
        wanted = names(objects)
        if not again:
            it.refuse_impossible(connector, name, schema=schema, objects=wanted)
        chosen = _way(
            it.connecting.ways(connector),
            WAYS.get(way or ""),
            token=token_stdin,
            username=username is not None,
            key_file=key_file is not None,
        )
        known = dict(pair(each) for each in settings)
        if not again:
            known = _with_settings(vendor, chosen, known, ask=not token_stdin)
        browser = secrets.token_urlsafe(32)
        common: dict[str, Any] = {
            "browser": browser,
            "connection": name,
            "settings": known,
            "base_url": base_url,
            "again": again,
        }
        if chosen.name == "OAuth2":
            common |= {"objects": wanted, "writing": write}
            sign_in = _in_the_browser(it.connecting, connector, port, not no_browser, common)
        else:
            secret = _secret(chosen, token_stdin, username, key_file)
            sign_in = it.connecting.with_secret(connector, secret, way=chosen.name, **common)
        try:
            if not token_stdin:
                _answer(it.connecting, sign_in.id, browser)
            made = it.connecting.complete(
                sign_in.id,
                browser=browser,
                schema=schema,
                objects=[ObjectChoice(object=each) for each in wanted] if wanted else None,
                confirmed=confirm_other_account,
            )
        except BaseException:
            it.connecting.give_up(sign_in.id, browser=browser)
            raise
    if before is not None:
        told = "tables, cursors and history are kept."
        if before.account_id is not None and made.account_id != before.account_id:
            told = "it is another account's now, so everything is read again. Tables stay."
        click.echo(f"{name} is signed in anew; {told}")
        if made.status is ConnectionStatus.PAUSED:
            click.echo(f"It is still paused. Go on with: sync-platform resume {name}")
        return
    listed = ", ".join(each.object for each in made.objects)
    click.echo(f"Connected {name}. Objects: {listed}.")
    click.echo(f"Tables go to the schema {made.schema}. Start with: sync-platform sync {name}")


def _way(
    ways: Sequence[Way], asked: str | None, *, token: bool, username: bool, key_file: bool
) -> Way:
    """The way to sign in: as the options say, else the only one, else as the person chooses."""
    if asked is None and key_file:
        asked = "JwtBearer"
    elif asked is None and username:
        asked = "BasicAuth"
    if asked is not None:
        for way in ways:
            if way.name == asked:
                return way
        known = ", ".join(word for word, name in WAYS.items() if name in {it.name for it in ways})
        raise ConfigurationError(f"There is no such way to sign in here. There are: {known}.")
    if token:
        fitting = [way for way in ways if any(blank.name == "token" for blank in way.blanks)]
        if not fitting:
            raise ConfigurationError("This vendor has no sign-in by a single token or key.")
        return fitting[0]
    ready = [way for way in ways if way.ready] or list(ways)
    if len(ready) == 1:
        return ready[0]
    return ready[_picked("How do you want to sign in?", [way.label for way in ready])]


def _with_settings(
    vendor: Connector, way: Way, given: Mapping[str, str], *, ask: bool
) -> dict[str, str]:
    """The settings, those that are missing asked for."""
    known = dict(given)
    for each in asked_before(vendor, way.auth):
        if ask and each.required and each.name not in known:
            if each.description:
                click.echo(each.description)
            known[each.name] = click.prompt(each.label, default=each.default)
    return known


def _secret(way: Way, stdin: bool, username: str | None, key_file: Path | None) -> Secret:
    """What is piped in or typed; raises ConfigurationError where that is nothing."""
    values = {} if username is None else {"username": username}
    for blank in way.blanks:
        if blank.name in values:
            continue
        if blank.kind == "file":
            path = key_file or Path(click.prompt(blank.label))
            try:
                values[blank.name] = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise ConfigurationError(f"{path} cannot be read: {reason}.") from error
        elif blank.name == "token" and stdin:
            values["token"] = sys.stdin.read().strip()
        else:
            hidden = blank.kind == "hidden"
            values[blank.name] = click.prompt(blank.label, hide_input=hidden).strip()
    if not all(values.values()):
        raise ConfigurationError("No token was given. Pipe it in, or leave --token-stdin out.")
    return Secret(values)


def _in_the_browser(
    connecting: "Connecting", connector: str, port: int, launch: bool, wanted: Mapping[str, Any]
) -> SignIn:
    """Send the person to the vendor, and wait until the browser is back."""
    from sync_platform.cli.callback import listening  # brings a server that no other command needs

    with listening(port) as callback:
        begun = connecting.begin(connector, redirect_uri=callback.redirect_uri, **wanted)
        try:
            if launch and click.launch(begun.url) == 0:
                click.echo("Sign in in the browser that has just opened. If none has, open:")
            else:
                click.echo(
                    "Open this address in a browser on this machine (from another machine: forward "
                    f"the port first, ssh -L {port}:127.0.0.1:{port} …):"
                )
            click.echo(f"\n{begun.url}\n\nWaiting for you to come back; Ctrl-C gives it up.")
            state = parse_qs(urlsplit(begun.url).query)["state"][0]
            params = callback.wait(state, STATE_LASTS.total_seconds())
        except BaseException:
            connecting.give_up(begun.sign_in, browser=wanted["browser"])
            raise
    return connecting.finish(params, browser=wanted["browser"])


def _answer(connecting: "Connecting", sign_in: str, browser: str) -> None:
    """Ask what is still open, one after the other."""
    while asked := _open(connecting, sign_in, browser):
        labels = [each.label or each.value for each in asked.options]
        places = _places(f"Choose {asked.setting.label}", labels, many=asked.setting.many)
        values = ",".join(asked.options[place].value for place in places)
        connecting.answer(sign_in, {asked.setting.name: values}, browser=browser)


def _open(connecting: "Connecting", sign_in: str, browser: str) -> Asked | None:
    asked = connecting.asks(sign_in, browser=browser)
    return next((each for each in asked if each.open), None)


def _picked(question: str, labels: Sequence[str]) -> int:
    return _places(question, labels, many=False)[0]


def _places(question: str, labels: Sequence[str], *, many: bool) -> list[int]:
    """Which of these a person chooses, by number; the first by default where it is one."""
    click.echo(question)
    for number, label in enumerate(labels, start=1):
        click.echo(f"  {number}  {label}")

    def read(typed: str) -> list[int]:
        parts = [each.strip() for each in typed.split(",")] if many else [typed.strip()]
        if not all(each.isdecimal() and 1 <= int(each) <= len(labels) for each in parts):
            raise click.BadParameter(f"Type a number from 1 to {len(labels)}.")
        return [int(each) - 1 for each in parts]

    how = "Numbers, with commas between" if many else "Number"
    places: list[int] = click.prompt(how, default=None if many else "1", value_proc=read)
    return places
