"""The script itself, as a shell runs it."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sync_platform.engine.connections import Connection
from sync_platform.sandbox import HubSpot
from sync_platform.settings import Settings
from sync_platform_tests.environment import variables
from sync_platform_tests.store.processes import process

SCRIPT = Path(sys.executable).parent / "sync-platform"
HOLDER = """
import sys
from datetime import timedelta
from sync_platform.engine.results import Target
from sync_platform.store.leases import Leases

with Leases(sys.argv[1]).hold(Target("acme-hubspot", "contacts"), wait=timedelta(0)):
    print("held", flush=True)
    input()
"""


def run(settings: Settings, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script with these words, and wait for its end."""
    return subprocess.run(
        [str(SCRIPT), *words],
        env={**os.environ, **variables(settings)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_connect_and_sync_from_a_shell(settings: Settings, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 3)
    made = run(
        settings,
        *("connect", "hubspot", "acme-hubspot", "--token-stdin", "--base-url", hubspot.url),
        typed="sandbox-token\n",
    )
    assert made.returncode == 0
    assert "/keys was made. It opens every saved sign-in, only you may read it" in made.stderr
    again = run(settings, "connections")
    assert again.stderr == ""  # it is said once
    synced = run(settings, "sync", "acme-hubspot", "contacts", "--json")
    assert (synced.returncode, synced.stderr) == (0, "")
    assert json.loads(synced.stdout)[0]["created"] == 3


@pytest.mark.usefixtures("acme")
def test_a_sync_that_another_process_is_at_already_is_refused(settings: Settings) -> None:
    assert settings.database_url is not None
    with process(HOLDER, settings.database_url) as holder:
        assert holder.hear() == "held"
        refused = run(settings, "sync", "acme-hubspot", "contacts", "--wait", "0")
    assert refused.returncode == 3
    assert "acme-hubspot/contacts is being synced already" in refused.stderr
    assert refused.stdout == ""


def test_a_sync_imports_nothing_that_only_other_commands_need(
    settings: Settings, acme: Connection
) -> None:
    """Imports are most of a quick command's time."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), "sync", acme.name, "contacts"],
        env={**os.environ, **variables(settings)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert {"psycopg", "pycurl", "sync_platform.engine.sync"} <= imported
    others = {"alembic", "argon2", "authlib", "dagster", "fastapi", "httpcore", "httpx"}
    others |= {
        "certifi",
        "jinja2",
        "pandas",
        "rich",
        "simplejson",
        "sqlalchemy",
        "tenacity",
        "http.server",
    }
    others |= {"sync_platform.cli.connect_commands", "sync_platform.engine.signing_in"}
    assert others & imported == set()


def test_a_table_for_a_file_has_a_line_for_each_row_below_its_headings(
    settings: Settings, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 1200)
    heading, contacts, owners = run(
        settings, "sync", acme.name, "contacts", "owners"
    ).stdout.splitlines()
    for word in ("object", "mode", "status"):  # what is text begins below its heading
        place = heading.index(word)
        assert {line[place - 1 : place] for line in (contacts, owners)} <= {"", " "}
        assert {line[place] for line in (contacts, owners)}.isdisjoint(" ")
    end = heading.index("fetched") + len("fetched")  # what is a number ends there
    assert (contacts[:end].split()[-1], owners[:end].split()[-1]) == ("1,200", "10")
    assert [line.rstrip() for line in (heading, contacts, owners)] == [heading, contacts, owners]


def test_a_table_fits_a_terminal_of_a_hundred_columns_and_shows_its_progress(
    settings: Settings, acme: Connection, hubspot: HubSpot
) -> None:
    hubspot.add_many("contacts", 1200)
    shown = on_a_terminal(settings, "sync", acme.name)
    assert "contacts " in shown
    assert "1,200 records" in shown
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()
    start = max(place for place, line in enumerate(lines) if "object " in line)
    table = [line.rstrip() for line in lines[start:] if line.strip()]
    assert len(table) == 8  # a line for each object
    listed = on_a_terminal(settings, "history", acme.name).splitlines()
    assert len(listed) == 8
    assert len(on_a_terminal(settings, "objects", acme.name).splitlines()) == 8


def on_a_terminal(settings: Settings, *words: str) -> str:
    """What the script shows on a terminal of a hundred columns."""
    ours, its = pty.openpty()
    environment = {**os.environ, **variables(settings), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen([str(SCRIPT), *words], env=environment, stdout=its, stderr=its) as popen:
        os.close(its)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the terminal is closed: Linux says so with EIO
            pass
        finally:
            os.close(ours)
        assert popen.wait() == 0, shown.decode()
    return shown.decode()
