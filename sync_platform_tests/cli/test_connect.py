"""Connecting from the terminal: through the browser, and by what is typed or read from files."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from sync_platform.cli.callback import listening
from sync_platform.errors import ConfigurationError, Refused
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform_tests.books_vendor import CLIENT, FOLDER, Books
from sync_platform_tests.cli.conftest import Command
from sync_platform_tests.cli.test_processes import SCRIPT
from sync_platform_tests.environment import variables
from sync_platform_tests.person import Person

OAUTH = {
    "SYNC_PLATFORM_OAUTH_BOOKS_CLIENT_ID": CLIENT[0],
    "SYNC_PLATFORM_OAUTH_BOOKS_CLIENT_SECRET": CLIENT[1],
}


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """That vendor, its connector known to every command."""
    monkeypatch.setenv("SYNC_PLATFORM_CONNECTORS", str(FOLDER))
    with serve(Books()) as vendor:
        yield vendor


@contextmanager
def terminal(settings: Settings, *words: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """The script in a terminal of its own; killed if it is still there in the end."""
    environment = {**os.environ, **variables(settings), **OAUTH, "PYTHONUNBUFFERED": "1", **more}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    words = (str(SCRIPT), *words)
    with subprocess.Popen(words, env=environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def address(output: IO[str] | None) -> str:
    """The vendor's address that is printed."""
    assert output is not None
    for line in output:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("no address was printed")


def connecting(books: Books, *more: str) -> tuple[str, ...]:
    login = f"login={books.url}"
    return ("connect", "books", "acme", "--port", "0", "--setting", login, *more)


def test_a_person_signs_in_in_the_browser_and_chooses_in_the_terminal(
    settings: Settings, books: Books
) -> None:
    words = connecting(books, "--way", "oauth", "--no-browser")
    with terminal(settings, *words) as process:
        back = Person().decides(address(process.stdout), "allow", "ann")
        shown = httpx.get(back)
        assert "Close this page and go on in the terminal" in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
        out, err = process.communicate("3\n2\n", timeout=30)
    assert process.returncode == 0, err
    assert "1  One Ltd\n  2  Two & Sons\n" in out
    assert "Type a number from 1 to 2." in out + err
    assert "Connected acme. Objects: invoices, notes." in out
    code = httpx.QueryParams(back.partition("?")[2])["code"]
    assert code not in out + err


def test_the_browser_is_opened_at_the_vendors_page(
    settings: Settings, books: Books, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "xdg-open"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with terminal(settings, *connecting(books, "--way", "oauth"), PATH=path) as process:
        printed = address(process.stdout)
        httpx.get(Person().decides(printed, "allow", "bob"))
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert opened.read_text().strip() == printed
    assert printed.startswith(f"{books.url}/login/authorize?")


def test_a_person_who_says_no_is_told_what_that_means(settings: Settings, books: Books) -> None:
    words = connecting(books, "--way", "oauth", "--no-browser")
    with terminal(settings, *words) as process:
        httpx.get(Person().decides(address(process.stdout), "deny"))
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4
    assert "Books was told not to allow it, so nothing was connected." in err


def test_ctrl_c_ends_the_wait_and_leaves_no_secret(settings: Settings, books: Books) -> None:
    words = connecting(books, "--way", "oauth", "--no-browser")
    with terminal(settings, *words) as process:
        url = address(process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    (port,) = re.findall(r"127\.0\.0\.1%3A(\d+)%2Fcallback", url)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/callback")
    platform = Platform(settings)
    assert all(each.old() == [] for each in platform.locked)
    with platform.database.statement() as session:
        kept = session.execute("SELECT status, secret FROM sync_platform.sign_ins").fetchall()
    assert kept == [{"status": "failed", "secret": None}]
    platform.close()


def test_other_pages_cannot_end_the_wait() -> None:
    with listening(0) as callback:
        callback.state = "the-right-one"
        for query in ("", "?state=guessed&code=x", "?error=access_denied"):
            assert httpx.get(f"{callback.redirect_uri}{query}").status_code == 404
        elsewhere = callback.redirect_uri.replace("/callback", "/favicon.ico")
        assert httpx.get(f"{elsewhere}?state=the-right-one").status_code == 404
        assert not callback.arrived.is_set()
        assert httpx.get(f"{callback.redirect_uri}?state=the-right-one&code=7").status_code == 200
        assert callback.wait("the-right-one", 0.1) == {"state": "the-right-one", "code": "7"}
        again = httpx.get(f"{callback.redirect_uri}?state=the-right-one&code=8")
        assert again.status_code == 404


def test_nobody_is_waited_for_longer_than_that() -> None:
    with listening(0) as callback, pytest.raises(Refused, match="Nobody came back"):
        callback.wait("state", 0.01)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .* --port"), listening(port):
            pass


def test_settings_and_choices_are_asked_for_where_they_are_not_given(
    command: Command, books: Books
) -> None:
    typed = f"{books.url}\n{books.url}\n{books.key}\n2\n"
    made = command("connect books acme --way key", typed=typed)
    assert made.exit_code == 0, made.output
    assert "Your own, https://…\nLogin address: " in made.stdout
    assert "API key: \nChoose Organisation\n  1  One Ltd\n  2  Two & Sons\n" in made.stdout
    assert books.key not in made.output


def test_the_way_is_chosen_where_there_are_several(command: Command, books: Books) -> None:
    """OAuth is not among them: there is no client for it."""
    login = f"--setting login={books.url} --setting instance_url={books.url}"
    made = command(
        f"connect books acme {login} --setting organisation=o1",
        typed="2\nservice-1\nservice-secret\n",
    )
    assert made.exit_code == 0, made.output
    assert "  1  API key\n  2  Client id and secret\n  3  Service account\n" in made.stdout
    assert "service-secret" not in made.output


def test_a_service_account_is_connected_by_its_key_file(
    command: Command, books: Books, tmp_path: Path
) -> None:
    file = tmp_path / "robot.json"
    file.write_text(json.dumps({"key": books.private_key, "email": "robot@books"}))
    settings = f"--setting login={books.url} --setting instance_url={books.url}"
    line = f"connect books acme {settings} --setting organisation=o1 --key-file"
    assert command(f"{line} {tmp_path}/missing").stderr.endswith(
        "missing cannot be read: No such file or directory.\n"
    )
    assert command(f"{line} {file}").exit_code == 0


def test_a_choice_that_is_missing_where_nobody_can_be_asked_is_listed(
    command: Command, books: Books
) -> None:
    settings = f"--setting login={books.url} --setting instance_url={books.url}"
    refused = command(f"connect books acme {settings} --token-stdin", typed=books.key)
    assert refused.exit_code == 2
    assert "There are: o1 (One Ltd), o2 (Two & Sons)." in refused.stderr


def test_another_account_is_refused_unless_confirmed(command: Command, books: Books) -> None:
    settings = f"--setting login={books.url} --setting instance_url={books.url}"
    line = f"connect books acme {settings} --token-stdin"
    assert command(f"{line} --setting organisation=o1", typed=books.key).exit_code == 0
    books.organisations["ann"] = {"o3": "Three"}
    refused = command(line, typed=books.key)
    assert refused.exit_code == 3
    assert "belongs to account ann:o3" in refused.stderr
    confirmed = command(f"{line} --confirm-other-account", typed=books.key)
    assert confirmed.stdout == (
        "acme is signed in anew; it is another account's now, so everything is read again. "
        "Tables stay.\n"
    )


def test_another_account_is_refused_the_tables_of_a_disconnected_one_unless_confirmed(
    command: Command, books: Books
) -> None:
    settings = f"--setting login={books.url} --setting instance_url={books.url}"
    line = f"connect books acme {settings} --token-stdin"
    assert command(f"{line} --setting organisation=o1", typed=books.key).exit_code == 0
    command("sync acme invoices")
    command("disconnect acme")
    books.organisations["ann"] = {"o3": "Three"}
    refused = command(line, typed=books.key)
    assert refused.exit_code == 3
    assert "books account ann:o3, but the schema acme holds the data of books" in refused.stderr
    confirmed = command(f"{line} --confirm-other-account", typed=books.key)
    assert confirmed.stdout.startswith("Connected acme.")


def test_a_paused_connection_that_is_signed_in_anew_says_that_it_is_paused(
    connect: Command, command: Command
) -> None:
    connect()
    command("pause acme-hubspot")
    assert "It is still paused. Go on with: sync-platform resume acme-hubspot" in connect().stdout
    (row,) = json.loads(command("connections --json").stdout)
    assert row["status"] == "paused"
