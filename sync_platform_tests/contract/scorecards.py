"""docs/connectors/*.md: what each connector can do, and which behaviours of the kit it holds.

    python -m sync_platform_tests.contract.scorecards          # print them
    python -m sync_platform_tests.contract.scorecards --write  # write them

`test_conformance.py` proves that a behaviour holds; here stands which ones it tries.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sync_platform.connectors import load_connectors
from sync_platform.spec import Connector, ConnectorObject, OAuth2
from sync_platform_tests.contract.conformance.catalog import BEHAVIOURS, VOUCHED
from sync_platform_tests.contract.conformance.stage import Vouched

FOLDER = Path(__file__).parent.parent.parent / "docs" / "connectors"
SIGN_INS = {
    "OAuth2": "OAuth",
    "ClientCredentials": "client id and secret",
    "JwtBearer": "service account",
    "BearerToken": "token",
    "ApiKey": "API key",
    "BasicAuth": "user name and password",
}


def scorecard(connector: Connector, it: Vouched) -> str:
    """The page of one connector, as Markdown."""
    return "\n".join(_lines(connector, it)) + "\n"


def _lines(connector: Connector, it: Vouched) -> Iterator[str]:
    yield f"# {connector.label}"
    yield ""
    yield "Written by `python -m sync_platform_tests.contract.scorecards --write`."
    yield ""
    bounds = connector.interval
    yield f"- Sign-in: {sign_ins(connector)}"
    for way in connector.auth:
        if isinstance(way, OAuth2) and way.refresh_rotates:
            yield "- Refresh tokens rotate: each is used once"
    yield (
        f"- Interval: {span(bounds.default)} by default, from {span(bounds.shortest)} to "
        f"{span(bounds.longest)}"
    )
    for setting in connector.settings:
        yield f"- Setting `{setting.name}`: {setting.label}"
    if connector.object_settings:
        yield f"- Settings of one object, by its name: `{connector.object_settings}<object>.…`"
    for limit in connector.limits:
        where = "" if limit.path == "*" else f", for `{limit.path}`"
        yield f"- Rate limit `{limit.name}`: {limit.calls:,} calls in {limit.seconds:,g} s{where}"
    yield ""
    yield "## Objects"
    yield ""
    if connector.discover is not None:
        yield "Found on each connection when it is made, and again on demand."
        yield ""
    if connector.objects:
        yield "| object | key | what changed is known by | deletions | writes | filters |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for obj in connector.objects:
            yield _row(obj)
        yield ""
    yield "## Behaviours"
    for part, some in groupby(BEHAVIOURS, key=lambda each: each.part):
        yield ""
        yield f"### {part}"
        yield ""
        yield "| | |"
        yield "| --- | --- |"
        for each in some:
            reason = it.not_offered.get(each.name)
            told = f"not offered: {reason}" if reason else "holds"
            yield f"| {each.title} | {told} |"
    yield ""
    if it.gaps:
        yield "## Known gaps"
        yield ""
        yield from (f"- {gap}" for gap in it.gaps)
        yield ""
    yield "## What its author knows"
    yield ""
    yield _module_text(connector)


def _row(obj: ConnectorObject) -> str:
    if obj.changes is not None:
        changed = f"a feed that reaches back {span(obj.changes.remembers)}"
    else:
        changed = f"`{obj.cursor}`" if obj.cursor else "nothing: full syncs only"
    told = {
        "a list of the vendor's": obj.deletes,
        "the feed": obj.changes,
        "the record itself": obj.gone_when,
    }
    deletions = ", ".join(name for name, slot in told.items() if slot) or "full syncs find them"
    writes = ", ".join(
        name for name in ("create", "update", "delete") if getattr(obj, name) is not None
    )
    filters = ", ".join(each.name for each in obj.filters)
    keys = ", ".join(f"`{key}`" for key in obj.keys)
    return f"| {obj.name} | {keys} | {changed} | {deletions} | {writes} | {filters} |"


def sign_ins(connector: Connector) -> str:
    """The ways to sign in, in words."""
    return ", ".join(SIGN_INS[type(way).__name__] for way in connector.auth)


def span(time: timedelta) -> str:
    """A span of time, in words."""
    minutes = int(time.total_seconds() // 60)
    if minutes % 1440 == 0 and minutes > 1440:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} hours" if minutes % 60 == 0 and minutes >= 120 else f"{minutes} min"


def _module_text(connector: Connector) -> str:
    module: Any = sys.modules[f"sync_platform.connectors.{connector.name}"]
    return (module.__doc__ or "").strip()


def pages() -> dict[Path, str]:
    """Every page by its path, and the list of them."""
    connectors = load_connectors()
    known = sorted((it for it in VOUCHED), key=lambda it: connectors[it.connector].label)
    found = {FOLDER / f"{it.connector}.md": scorecard(connectors[it.connector], it) for it in known}
    listed = [
        "# Connectors",
        "",
        "What each can do, and which of the behaviours that every connector is held to it has.",
        "",
        "| connector | behaviours that hold | not offered by the vendor |",
        "| --- | ---: | ---: |",
    ]
    for it in known:
        missing = len(it.not_offered)
        label = connectors[it.connector].label
        listed.append(f"| [{label}]({it.connector}.md) | {len(BEHAVIOURS) - missing} | {missing} |")
    found[FOLDER / "README.md"] = "\n".join(listed) + "\n"
    return found


def main() -> None:
    """Print the pages, or write them."""
    for path, text in pages().items():
        if "--write" in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        else:
            print(text)


if __name__ == "__main__":
    main()
