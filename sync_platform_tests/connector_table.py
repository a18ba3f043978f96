"""README's table of connectors, made from their declarations."""

import sys
from pathlib import Path

from sync_platform.connectors import load_connectors
from sync_platform.spec import Connector

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- connectors:", "<!-- end of connectors -->"


def connector_table() -> str:
    """The table, as Markdown."""
    lines = [
        "| connector | objects | modes | deletes seen | interval |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [_line(each) for each in load_connectors().values()]
    return "\n".join(lines)


def _line(it: Connector) -> str:
    objects = ", ".join(obj.name for obj in it.objects)
    full_only = [obj.name for obj in it.objects if not obj.incremental]
    modes = "incremental, full, from date" + (
        f" ({', '.join(full_only)}: full)" if full_only else ""
    )
    told = [obj for obj in it.objects if obj.sees_deletes]
    deletes = "told by the vendor" if told else "by full syncs"
    if told and len(told) < len(it.objects):
        deletes += "; others by full syncs"
    bounds = it.interval
    minutes = [
        int(span.total_seconds() // 60)
        for span in (bounds.default, bounds.shortest, bounds.longest)
    ]
    interval = "{} min ({} to {})".format(*minutes)
    return f"| {it.label} | {objects} | {modes} | {deletes} | {interval} |"


def readme_with_table(readme: str) -> str:
    """README with its table as it should be."""
    head, _, rest = readme.partition(START)
    marker, _, rest = rest.partition("\n")
    _, _, tail = rest.partition(END)
    return f"{head}{START}{marker}\n{connector_table()}\n{END}{tail}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(readme_with_table(README.read_text()))
    else:
        print(connector_table())
