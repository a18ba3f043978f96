"""README's table of connectors, made from their declarations."""

import sys
from pathlib import Path

from sync_platform.connectors import load_connectors
from sync_platform.spec import Connector
from sync_platform_tests.contract.scorecards import sign_ins, span

README = Path(__file__).parent.parent / "README.md"
MOST_NAMED = 8  # objects
START, END = "<!-- connectors:", "<!-- end of connectors -->"


def connector_table() -> str:
    """The table, as Markdown."""
    lines = [
        "| connector | objects | sign-in | syncs every |",
        "| --- | --- | --- | --- |",
    ]
    lines += [_line(each) for each in load_connectors().values()]
    return "\n".join(lines)


def _line(it: Connector) -> str:
    names = [obj.name for obj in it.objects]
    objects = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        objects += f" and {len(names) - MOST_NAMED} more"
    if it.discover is not None:
        objects += ("; " if names else "") + "what each account has"
    page = f"[{it.label}](docs/connectors/{it.name}.md)"
    bounds = it.interval
    interval = f"{span(bounds.default)} ({span(bounds.shortest)} to {span(bounds.longest)})"
    return f"| {page} | {objects} | {sign_ins(it)} | {interval} |"


def readme_with_table(readme: str) -> str:
    """README with its table as it should be."""
    return put_between(readme, START, END, connector_table())


def put_between(text: str, start: str, end: str, table: str) -> str:
    """The text with this table in place of what is between the comments that begin so."""
    head, _, rest = text.partition(start)
    marker, _, rest = rest.partition("\n")
    _, _, tail = rest.partition(end)
    return f"{head}{start}{marker}\n{table}\n{end}{tail}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(readme_with_table(README.read_text()))
    else:
        print(connector_table())
