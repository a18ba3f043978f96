"""How rows look where no terminal is."""

import pytest

from sync_platform.cli.shows import show


def test_a_row_is_a_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [
        {"name": "a", "found": "one\ntwo  words"},
        {"name": "longer", "found": None},
    ]
    show(rows, as_json=False, empty="")
    assert capsys.readouterr().out == "name    found\na       one two words\nlonger  -\n"


def test_numbers_end_below_each_other_and_a_missing_one_is_a_dash(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show([{"rows": 1200, "at": "a"}, {"rows": None, "at": "b"}], as_json=False, empty="")
    assert capsys.readouterr().out == " rows  at\n1,200  a\n    -  b\n"
