"""What every connector is held to: reads of everything."""

from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import Stage


@behaviour("Reading")
def everything(on: Stage) -> None:
    """A full sync brings every record, value by value."""
    on.connect()
    on.change(creates=7)
    assert on.full().created == on.truth >= 7
    assert on.differences == []


@behaviour("Reading")
def unchanged(on: Stage) -> None:
    """A second full sync changes nothing."""
    on.connect()
    on.change(creates=7)
    on.full()
    again = on.full()
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)


@behaviour("Reading")
def pages(on: Stage) -> None:
    """More than two pages of records are all read, each once."""
    on.connect()
    on.change(creates=2 * on.it.page + 1)
    counts = on.full()
    assert counts.created == on.truth
    assert on.differences == []


@behaviour("Reading", needs="cap")
def past_a_cap(on: Stage) -> None:
    """What lies past the vendor's cap on a read is read, too."""
    on.connect()
    assert on.it.cap is not None
    on.it.cap(on.vendor)
    on.full()
    assert on.differences == []


@behaviour("Reading")
def an_empty_account(on: Stage) -> None:
    """An account without records syncs to an empty table."""
    on.connect()
    assert on.full().created == on.truth
    assert on.differences == []


@behaviour("Reading", needs="weird")
def any_text(on: Stage) -> None:
    """Quotes, tabs, line ends, backslashes and emoji arrive as they were."""
    on.connect()
    text = "'Zoë' \"O'Hara\" \\N \\. ; 🦜\t\n-- <b>&amp;</b> %s {key}"
    assert on.it.weird is not None
    on.it.weird(on.vendor, text)
    on.full()
    assert text in [row[on.it.weird_column] for row in on.rows()]


@behaviour("Reading")
def changed_while_reading(on: Stage) -> None:
    """What is created and edited while pages are read is there after the next sync."""
    on.connect()
    on.change(creates=on.it.page + 10)
    on.full()
    left = [3]

    def life() -> None:
        if left[0]:
            left[0] -= 1
            on.vendor.change(on.it.object, creates=1, updates=1)

    on.vendor.meanwhile = life
    on.full()
    on.vendor.meanwhile = lambda: None
    on.let_show()
    on.incremental()
    assert on.differences == []
