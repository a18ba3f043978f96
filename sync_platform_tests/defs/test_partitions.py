"""What a run over partitions means: its mode and its window."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from sync_platform.defs.partitions import AUTOMATIC, current_partition, dates
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.results import SyncResult
from sync_platform.platform import Platform
from sync_platform.settings import Grain
from sync_platform_tests.defs.runs import Dagster, Run, definitions_of

CONTACTS = [["hubspot", "contacts"]]
pytestmark = pytest.mark.usefixtures("acme")


def acme(day: str) -> str:
    return f"acme-hubspot|{day}"


def moment(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def current(grain: Grain = "day") -> str:
    return current_partition("acme-hubspot", grain, date(2024, 1, 1))


def earlier(count: int, grain: Grain = "day") -> str:
    """The partition so many before the current one."""
    return acme(dates(grain, date(2024, 1, 1)).get_partition_keys()[-1 - count])


def only_sync(platform: Platform) -> SyncResult:
    (one,) = platform.history("acme-hubspot")
    return one


def told(run: Run) -> Sequence[str]:
    return [str(getattr(each, "description", each)) for each in run.failures.values()]


def test_today_alone_is_incremental(dagster: Dagster, platform: Platform) -> None:
    assert dagster.run(CONTACTS, current()).ok
    assert only_sync(platform).mode is SyncMode.INCREMENTAL


def test_today_alone_is_incremental_as_a_range_of_one_too(
    dagster: Dagster, platform: Platform
) -> None:
    assert dagster.run(CONTACTS, (current(), current())).ok
    assert only_sync(platform).mode is SyncMode.INCREMENTAL


def test_a_day_of_the_past_is_read_from_date(dagster: Dagster, platform: Platform) -> None:
    assert dagster.run(CONTACTS, acme("2024-03-05")).ok
    sync = only_sync(platform)
    assert sync.mode is SyncMode.FROM_DATE
    assert sync.window == SyncWindow(moment("2024-03-05"), moment("2024-03-06"))


def test_a_range_of_past_days_is_one_sync_over_exactly_these_days(
    dagster: Dagster, platform: Platform
) -> None:
    run = dagster.run(CONTACTS, (acme("2024-02-27"), acme("2024-03-02")))
    assert only_sync(platform).window == SyncWindow(moment("2024-02-27"), moment("2024-03-03"))
    days = ("2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02")
    made = run.materializations("hubspot", "contacts")
    assert sorted(str(each.partition) for each in made) == [acme(day) for day in days]


def test_a_range_that_reaches_today_is_open_above(dagster: Dagster, platform: Platform) -> None:
    first = earlier(2)
    assert dagster.run(CONTACTS, (first, current())).ok
    sync = only_sync(platform)
    assert sync.mode is SyncMode.FROM_DATE
    assert sync.window == SyncWindow(moment(first.split("|")[1]), None)


def test_config_asks_for_a_full_sync_whatever_the_partitions(
    dagster: Dagster, platform: Platform
) -> None:
    past = (acme("2024-03-01"), acme("2024-03-03"))
    assert dagster.run(CONTACTS, past, config={"mode": "full"}).ok
    sync = only_sync(platform)
    assert (sync.mode, sync.window) == (SyncMode.FULL, SyncWindow())


def test_config_asks_for_an_incremental_sync_on_a_day_of_the_past(
    dagster: Dagster, platform: Platform
) -> None:
    assert dagster.run(CONTACTS, acme("2024-03-01"), config={"mode": "incremental"}).ok
    assert only_sync(platform).mode is SyncMode.INCREMENTAL


def test_a_mode_that_does_not_exist_is_refused_with_a_sentence(
    dagster: Dagster, platform: Platform
) -> None:
    run = dagster.run(CONTACTS, current(), config={"mode": "from_date"})
    (sentence,) = told(run)
    assert sentence.startswith("mode: 'from_date' is not 'incremental', 'full' or 'computed'.")
    assert "choose the days as partitions" in sentence
    assert platform.history("acme-hubspot") == []


def test_a_run_that_a_sensor_launched_stays_incremental_when_it_starts_after_midnight(
    dagster: Dagster, platform: Platform
) -> None:
    yesterday = earlier(1)
    assert dagster.run(CONTACTS, yesterday, tags={AUTOMATIC: "true"}).ok
    sync = only_sync(platform)
    assert (sync.mode, sync.automatic) == (SyncMode.INCREMENTAL, True)


@pytest.mark.parametrize("grain", ["week", "month"])
def test_the_current_week_or_month_alone_is_incremental(
    grain: Grain, dagster: Dagster, platform: Platform
) -> None:
    coarse = Dagster(dagster.instance, definitions_of(platform, grain=grain))
    assert coarse.run(CONTACTS, current(grain)).ok
    assert only_sync(platform).mode is SyncMode.INCREMENTAL


@pytest.mark.parametrize(
    ("grain", "first", "last", "until"),
    [
        ("week", "2025-03-10", "2025-03-17", "2025-03-24"),
        ("month", "2025-02-01", "2025-03-01", "2025-04-01"),
    ],
)
def test_weeks_or_months_of_the_past_are_read_from_date(
    grain: Grain, first: str, last: str, until: str, dagster: Dagster, platform: Platform
) -> None:
    coarse = Dagster(dagster.instance, definitions_of(platform, grain=grain))
    assert coarse.run(CONTACTS, (acme(first), acme(last))).ok
    assert only_sync(platform).window == SyncWindow(moment(first), moment(until))


@pytest.mark.parametrize("grain", ["week", "month"])
def test_a_range_up_to_the_current_week_or_month_is_open_above(
    grain: Grain, dagster: Dagster, platform: Platform
) -> None:
    coarse = Dagster(dagster.instance, definitions_of(platform, grain=grain))
    first = earlier(1, grain)
    assert coarse.run(CONTACTS, (first, current(grain))).ok
    assert only_sync(platform).window == SyncWindow(moment(first.split("|")[1]), None)


@pytest.mark.parametrize("until", [None, "2024-03-02T12:00:00Z"])
def test_a_window_by_config_is_read_exactly_whatever_the_partition(
    dagster: Dagster, platform: Platform, until: str | None
) -> None:
    config = {"since": "2023-06-30T22:30:00+00:00"} | ({"until": until} if until else {})
    assert dagster.run(CONTACTS, current(), config=config).ok
    sync = only_sync(platform)
    assert sync.mode is SyncMode.FROM_DATE
    end = datetime(2024, 3, 2, 12, tzinfo=UTC) if until else None
    assert sync.window == SyncWindow(datetime(2023, 6, 30, 22, 30, tzinfo=UTC), end)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"since": "last week"}, "is no moment"),
        ({"until": "2024-03-01"}, "say since as well"),
        ({"since": "2024-03-01", "mode": "full"}, "leave one of them out"),
        ({"since": "2024-03-01", "until": "2024-02-01"}, "is before since"),
    ],
)
def test_a_window_by_config_that_makes_no_sense_is_refused(
    dagster: Dagster, config: dict[str, str], sentence: str
) -> None:
    (reason,) = told(dagster.run(CONTACTS, current(), config=config))
    assert sentence in reason
