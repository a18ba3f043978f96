"""What every connector is held to: fields that come, go and are renamed."""

from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import Stage


@behaviour("Fields", needs="new_field")
def a_new_field(on: Stage) -> None:
    """A field that is new at the vendor becomes a column at the next full sync."""
    on.synced()
    assert on.it.new_field is not None
    column = on.it.new_field(on.vendor)
    on.full()
    assert column in on.rows()[0]
    assert on.differences == []


@behaviour("Fields", needs="drop_field")
def a_field_that_is_gone(on: Stage) -> None:
    """A field that is gone at the vendor keeps its column and its values, whichever sync comes."""
    on.synced()
    on.it.fill_field(on.vendor)
    on.let_show()
    on.incremental()
    had = on.rows()
    assert on.it.drop_field is not None
    column = on.it.drop_field(on.vendor)
    on.change(updates=11)
    on.let_show()
    on.incremental()
    on.full()
    assert any(row[column] is not None for row in had)
    assert [row[column] for row in on.rows()] == [row[column] for row in had]


@behaviour("Fields", needs="rename_field")
def a_renamed_field(on: Stage) -> None:
    """A field that is renamed at the vendor keeps its column, under the new name."""
    on.synced()
    assert on.it.rename_field is not None
    before, after = on.it.rename_field(on.vendor)
    on.full()
    assert after in on.rows()[0]
    assert before not in on.rows()[0]
    assert on.differences == []
