from hypothesis import given
from hypothesis import strategies as st

from sync_platform.destination.cells import text_cell
from sync_platform.destination.lines import AT_ONCE, Lines, values

pages = st.lists(
    st.lists(st.tuples(st.integers(0, 6), st.binary(max_size=3).map(lambda it: it.hex().encode()))),
    max_size=5,
)


def kept(lines: Lines, end: bytes = b"\n") -> list[bytes]:
    return b"".join(lines.texts(end)).split(end)[:-1]


@given(pages)
def test_the_last_line_of_each_key_is_kept(pages: list[list[tuple[int, bytes]]]) -> None:
    lines, expected = Lines(), dict[int, bytes]()
    for page in pages:
        lines.add([key for key, _ in page], b"".join(line + b"\n" for _, line in page))
        expected.update(page)
    assert sorted(kept(lines)) == sorted(expected.values())
    assert lines.singly() == kept(lines)
    assert len(lines) == len(expected)


def test_lines_end_as_asked() -> None:
    lines = Lines()
    lines.add(["a", "b"], b"a\t1\nb\t2\n")
    assert b"".join(lines.texts(b"\tnow\n")) == b"a\t1\tnow\nb\t2\tnow\n"
    lines.add(["b"], b"b\t3\n")
    assert b"".join(lines.texts(b"\tnow\n")) == b"a\t1\tnow\nb\t3\tnow\n"


def test_an_empty_page_adds_nothing() -> None:
    lines = Lines()
    lines.add([], b"")
    assert (len(lines), list(lines.texts())) == (0, [])


def test_a_line_may_be_empty() -> None:
    lines = Lines()
    lines.add(["a"], b"\n")
    assert kept(lines) == [b""]


def test_many_small_pages_are_given_away_together() -> None:
    lines, line = Lines(), b"x" * 99 + b"\n"
    for key in range(3 * AT_ONCE // len(line)):
        lines.add([key], line)
    assert [len(text) for text in lines.texts()] == [AT_ONCE] * 3
    lines.add([0], line)
    assert sum(len(text) for text in lines.texts()) == 3 * AT_ONCE
    assert len(list(lines.texts())) > 1


@given(st.lists(st.none() | st.text("\\nNtr\n\t\ré"), min_size=1))
def test_a_line_tells_the_values_that_it_was_made_of(texts: list[str | None]) -> None:
    assert values("\t".join(map(text_cell, texts)).encode()) == texts
