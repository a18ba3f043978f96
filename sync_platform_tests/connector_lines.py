"""The lines that each connector and its sandbox vendor take: discussions/vocabulary.md's table.

    python -m sync_platform_tests.connector_lines          # print it
    python -m sync_platform_tests.connector_lines --write  # write it, with today's date

Private modules beside a connector count with it; so do the sandbox's modules of its name.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sync_platform.connectors import load_connectors
from sync_platform_tests.connector_table import put_between

ROOT = Path(__file__).parent.parent
TEXT = ROOT / "docs" / "discussions" / "vocabulary.md"
START, END = "<!-- lines:", "<!-- end of lines -->"


def line_table() -> str:
    """The table, as Markdown, with the day on which it was counted."""
    found = []
    for it in load_connectors().values():
        connector = _lines(f"connectors/{it.name}.py", f"connectors/_{it.name}*.py")
        sandbox = _lines(f"sandbox/{it.name}.py", f"sandbox/{it.name}_*.py")
        tests = _lines(tests_of=it.name)
        found.append(f"| {it.label} | {connector:,} | {sandbox:,} | {tests:,} |")
    head = ["| | connector | sandbox vendor | tests of both |", "| --- | ---: | ---: | ---: |"]
    own = f"| `spec`, for all of them | {_lines('spec/*.py'):,} | | |"
    day = f"Lines of Python, docstrings included, on {datetime.now(UTC):%Y-%m-%d}:"
    return "\n".join([day, "", *head, *found, own])


def _lines(*patterns: str, tests_of: str | None = None) -> int:
    files: Iterable[Path]
    if tests_of is None:
        files = {file for each in patterns for file in (ROOT / "sync_platform").glob(each)}
    else:
        tests = (ROOT / "sync_platform_tests").rglob("*.py")
        files = [file for file in tests if tests_of in file.stem]
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


def text_with_table(text: str) -> str:
    """The discussion with its table as it is now."""
    return put_between(text, START, END, line_table())


if __name__ == "__main__":
    if "--write" in sys.argv:
        TEXT.write_text(text_with_table(TEXT.read_text()))
    else:
        print(line_table())
