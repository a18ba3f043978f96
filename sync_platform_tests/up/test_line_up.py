"""How the parts are started."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync_platform.settings import Settings
from sync_platform.up.line_up import Address, LineUp


@pytest.fixture
def line_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LineUp:
    """All parts, on one machine."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return LineUp(
        settings=Settings(home=tmp_path, database_url="postgresql://db/sync"),
        web=Address(host="127.0.0.1", port=8000),
        webserver=Address(host="127.0.0.1", port=3000),
    )


def at(line_up: LineUp, **settings: str) -> LineUp:
    """The same with other settings."""
    return replace(line_up, settings=replace(line_up.settings, **settings))  # type: ignore[arg-type]


def test_dagsters_ui_is_under_the_path_of_its_public_address(line_up: LineUp) -> None:
    behind_a_proxy = at(line_up, dagster_url="https://sync.example.com/dagster")
    (webserver,) = (part for part in behind_a_proxy.build() if part.name == "webserver")
    assert webserver.arguments[webserver.arguments.index("-l") + 1] == "/dagster"
    assert behind_a_proxy.addresses["webserver"] == "http://127.0.0.1:3000/dagster"
    assert line_up.addresses["webserver"] == "http://127.0.0.1:3000"


def test_the_pages_reach_a_dagster_on_their_machine_without_its_proxy(line_up: LineUp) -> None:
    told = internal_url(at(line_up, dagster_url="https://dagster.example.com"))
    assert told == "http://127.0.0.1:3000"


def test_pages_alone_reach_dagster_where_the_settings_say(line_up: LineUp) -> None:
    alone = replace(line_up, parts=("web",))
    assert internal_url(alone) == ""  # counts as not set: the same as people's
    assert internal_url(at(alone, dagster_internal_url="http://10.0.0.6:3000")) == (
        "http://10.0.0.6:3000"
    )


def internal_url(line_up: LineUp) -> str:
    """What the pages are told."""
    (web,) = (part for part in line_up.build() if part.name == "web")
    return web.env["SYNC_PLATFORM_DAGSTER_INTERNAL_URL"]
