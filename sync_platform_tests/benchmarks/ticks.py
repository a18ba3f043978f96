"""The command that measures ticks which find nothing new, in a process that runs already.

python -m sync_platform_tests.benchmarks.ticks

What Dagster's own processes do for every object that is due: plan the sync, ask the vendor once,
write the history. Its own time is the processor's: the waiting for the API and for Postgres is
theirs.
"""

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from sync_platform.embedded import embedded_postgres
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.settings import Settings
from sync_platform_tests.benchmarks import measuring
from sync_platform_tests.benchmarks.tools import OURS, Place

RECORDS = 1_000
TICKS, ROUNDS = 100, 6
REQUEST = SyncRequest(target=Target("ours", "records"), automatic=True)


def main() -> None:
    """Load, warm up, measure, print."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    home = Path(tempfile.mkdtemp(prefix="sync_platform_bench_"))
    try:
        with embedded_postgres(home) as server, measuring.vendor() as api:
            measuring.ask(f"{api}/_stage?count={RECORDS}&stage=0&latency=0")
            place = Place(database=server, api=api, records=RECORDS, page_size=100, folder=home)
            OURS.set_up(place)
            with closing(Platform(Settings.from_env(OURS.environment(place)))) as platform:
                _tick(platform)  # loads
                for _ in range(TICKS):
                    _tick(platform)
                measuring.ask(f"{api}/_stage?count={RECORDS}&stage=0&latency=0")
                found = [_round(platform) for _ in range(ROUNDS)]
            calls = int(measuring.ask(f"{api}/_calls"))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    processor, clock = ([each[which] * 1000 for each in found] for which in (0, 1))
    print(
        f"{ROUNDS} rounds of {TICKS} ticks, {calls / (ROUNDS * TICKS):g} calls each. "
        f"Processor time of a tick: {median(processor):.1f} ms ({min(processor):.1f} to "
        f"{max(processor):.1f}); by the clock {median(clock):.1f} ms."
    )


def _round(platform: Platform) -> tuple[float, float]:
    """Seconds of a tick: of this process's processor time, and by the clock."""
    processor, clock = process_time(), perf_counter()
    for _ in range(TICKS):
        _tick(platform)
    return (process_time() - processor) / TICKS, (perf_counter() - clock) / TICKS


def _tick(platform: Platform) -> None:
    platform.sync(REQUEST).run(into=platform.destination)


if __name__ == "__main__":
    main()
