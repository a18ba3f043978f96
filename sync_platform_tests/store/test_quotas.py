from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_platform.engine.ports import Budget
from sync_platform.store.database import Database
from sync_platform.store.quotas import Quotas
from sync_platform_tests.store.processes import process

HOURLY = Budget(name="hourly", calls=10, seconds=3600)  # a call in 360 s: no refill within a test
CALL = 360


def test_a_bucket_gives_what_it_holds_and_then_makes_wait(store: Database) -> None:
    quotas = Quotas(store)
    waits = [quotas.take("acme", [HOURLY]) for _ in range(13)]
    assert waits[:10] == [0] * 10
    assert waits[10:] == pytest.approx([CALL, 2 * CALL, 3 * CALL], abs=5)


def test_every_connection_has_buckets_of_its_own(store: Database) -> None:
    quotas = Quotas(store)
    for _ in range(10):
        quotas.take("acme", [HOURLY])
    assert quotas.take("other", [HOURLY]) == 0
    assert quotas.take("acme", [Budget(name="search", calls=1, seconds=1)]) == 0


def test_a_bucket_fills_up_with_time_but_not_beyond_its_size(store: Database) -> None:
    quotas = Quotas(store)
    for _ in range(12):
        quotas.take("acme", [HOURLY])
    pass_time(store, 5 * CALL)
    assert [quotas.take("acme", [HOURLY]) == 0 for _ in range(4)] == [True, True, True, False]
    pass_time(store, 1000 * CALL)
    assert sum(quotas.take("acme", [HOURLY]) == 0 for _ in range(20)) == 10


def test_the_tightest_bucket_decides_and_all_are_charged(store: Database) -> None:
    quotas = Quotas(store)
    tight = Budget(name="tight", calls=2, seconds=3600)
    waits = [quotas.take("acme", [HOURLY, tight]) for _ in range(3)]
    assert waits[:2] == [0, 0]
    assert waits[2] == pytest.approx(1800, abs=5)
    assert sum(quotas.take("acme", [HOURLY]) == 0 for _ in range(20)) == 7


def test_a_share_stays_for_more_urgent_callers(store: Database) -> None:
    quotas = Quotas(store)
    reading = [quotas.take("acme", [HOURLY], reserve=0.2) for _ in range(9)]
    assert reading[:8] == [0] * 8
    assert reading[8] == pytest.approx(CALL, abs=5)
    assert quotas.take("acme", [HOURLY]) == 0


def test_a_block_holds_for_all_and_the_longer_one_stays(store: Database) -> None:
    quotas = Quotas(store)
    quotas.block("acme", [HOURLY], 100)
    quotas.block("acme", [HOURLY], 30)
    assert quotas.take("acme", [HOURLY]) == pytest.approx(100, abs=5)
    assert quotas.take("other", [HOURLY]) == 0
    pass_time(store, 100)
    assert quotas.take("acme", [HOURLY]) == 0


def test_a_larger_budget_counts_from_the_next_call_on(store: Database) -> None:
    quotas = Quotas(store)
    for _ in range(10):
        quotas.take("acme", [HOURLY])
    faster = Budget(name="hourly", calls=3600, seconds=3600)
    assert quotas.take("acme", [faster]) == pytest.approx(1, abs=0.5)


def test_what_another_process_was_told_counts_more_than_what_is_declared(store: Database) -> None:
    quotas = Quotas(store)
    declared = Budget(name="daily", calls=100_000, seconds=86_400, declared=True)
    assert quotas.take("acme", [declared], reserve=0.1) == 0  # nobody has heard anything yet
    quotas.lower("acme", Budget(name="daily", calls=5_000, seconds=86_400), 4_000)
    assert quotas.take("acme", [declared], reserve=0.1) == 0  # 500 must stay, not 10,000
    quotas.lower("acme", Budget(name="daily", calls=5_000, seconds=86_400), 400)
    assert quotas.take("acme", [declared], reserve=0.1) > 0
    assert quotas.take("acme", [declared]) == 0


def test_no_budget_needs_no_wait(store: Database) -> None:
    assert Quotas(store).take("acme", []) == 0
    Quotas(store).block("acme", [], 10)


TAKE = """
import sys
from sync_platform.engine.ports import Budget
from sync_platform.store.database import Database
from sync_platform.store.quotas import Quotas
database = Database(sys.argv[1])
quotas = Quotas(database)
budgets = [Budget(name=name, calls=50, seconds=36000) for name in sys.argv[2].split(",")]
print("ready", flush=True)
input()
print(sorted(round(quotas.take("acme", budgets)) for _ in range(60)), flush=True)
database.close()
"""


def test_processes_share_a_bucket_to_the_last_call(database: str, store: Database) -> None:
    """Every one of 120 calls has a place of its own: the first 50 now, then one in 720 seconds."""
    with process(TAKE, database, "a,b") as one, process(TAKE, database, "b,a") as two:
        assert (one.hear(), two.hear()) == ("ready", "ready")
        one.go_on()
        two.go_on()
        waits = sorted([*_numbers(one.hear()), *_numbers(two.hear())])
    assert waits[:50] == [0] * 50
    assert waits[50:] == pytest.approx([720 * place for place in range(1, 71)], abs=60)


def test_threads_share_a_bucket_too(store: Database) -> None:
    quotas = Quotas(store)
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: quotas.take("acme", [HOURLY]), range(40)))
    assert sum(wait == 0 for wait in waits) == 10
    assert len({round(wait / CALL) for wait in waits}) == 31


def test_a_take_is_not_slowed_by_the_disk_and_leaves_the_session_as_it_was(
    store: Database,
) -> None:
    Quotas(store).take("acme", [HOURLY])
    with store.statement() as same:
        assert same.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": "on"}


def pass_time(store: Database, seconds: float) -> None:
    """As if the buckets had been touched so long ago."""
    with store.transaction() as transaction:
        transaction.execute(
            """
            UPDATE sync_platform.quotas SET
                filled_at = filled_at - make_interval(secs => %(seconds)s),
                blocked_until = blocked_until - make_interval(secs => %(seconds)s)
            """,
            {"seconds": seconds},
        )


def _numbers(line: str) -> list[int]:
    return [int(part) for part in line.strip("[]").split(",")]
