"""How rows that wait for each other by one rule, or by several, are lined up."""

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from sync_platform.destination.tangles import Rule, Wait, lined_up


def test_rows_are_lined_up_behind_what_they_wait_for() -> None:
    said = UniqueViolation()
    waits: list[Wait] = [(0, [1], False), (1, [2], False), (3, None, False), (4, [3], False)]
    waits += [(5, [5], True), (7, [8], False), (8, [7], False), (9, [11], False)]
    waits += [(10, [10], False), (11, None, False)]
    found = lined_up(11, [Rule(said, True, waits)])
    assert (found.order, found.stuck) == ([2, 1, 0, 6, 10], [3, 5])
    assert found.behind == dict.fromkeys([4, 7, 8, 9], said)
    found = lined_up(11, [Rule(said, False, waits)])
    assert (found.order, found.stuck) == ([2, 1, 0, 6, 10, 7, 8], [3, 5])
    assert found.behind == dict.fromkeys([4, 9], said)


def test_rows_are_lined_up_by_all_rules_at_once() -> None:
    one, other, third = UniqueViolation(), UniqueViolation(), ForeignKeyViolation()
    ranks = Rule(one, True, [(0, [1], False), (2, [3], False), (6, [7], False)])
    ages = Rule(other, True, [(1, [2], False), (7, [6], False)])
    found = lined_up(9, [ranks, ages, Rule(third, False, [(3, [0], False), (4, [6, 9], False)])])
    assert (found.order, found.stuck) == ([5, 8, 3, 2, 1, 0], [])
    assert found.behind == {4: third, 6: one, 7: other}
    either: list[Wait] = [(0, [3, 4], False), (1, [1, 9], False), (3, None, False)]
    found = lined_up(5, [Rule(third, False, either)])
    assert (found.order, found.stuck, found.behind) == ([1, 2, 4, 0], [3], {})
