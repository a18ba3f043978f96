"""The command: measures, and prints a table of ratios to the floor.

python -m sync_platform_tests.benchmarks --without-dlt
python -m sync_platform_tests.benchmarks --without-dlt --by-offset --records 10000 --page-size 100
python -m sync_platform_tests.benchmarks --without-dlt --by-window --records 10000 --page-size 100
python -m sync_platform_tests.benchmarks --records 100000 --page-size 100 --latency 0.05
python -m sync_platform_tests.benchmarks --records 1000000 --page-size 1000 --rounds 1
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil
from pathlib import Path
from statistics import median

from sync_platform.embedded import embedded_postgres
from sync_platform_tests.benchmarks import measuring
from sync_platform_tests.benchmarks.measuring import JOBS, Measured, Setting
from sync_platform_tests.benchmarks.tools import BY_OFFSET, BY_WINDOW, FLOOR, OURS, Tool, dlt_tools

SLOW = 0.05  # seconds; only with few records, where pages times latency stay bearable
FEW = 10_000
HEADS = ("setting", "job", "tool", "s", "records/s", "x floor", "cpu s", "peak MB", "calls")
WORDS = {
    "load": "full load",
    "tick": "no-change tick",
    "incremental": "1 % changed",
    "full": "full re-sync",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, measure, print."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody is to compile at every start
    asked = _parser().parse_args(arguments)
    tools = [OURS, FLOOR]
    tools += [] if asked.without_dlt else dlt_tools(asked.cache, defaults=asked.dlt_defaults)
    tools += BY_OFFSET if asked.by_offset else ()
    tools += BY_WINDOW if asked.by_window else ()
    settings = [
        Setting(records=count, page_size=size, latency=latency)
        for count in asked.records
        for size in asked.page_size
        for latency in asked.latency or ((0.0, SLOW) if count <= FEW else (0.0,))
    ]
    found: list[Measured] = []
    bare: dict[Setting, list[float]] = {}
    home = Path(tempfile.mkdtemp(prefix="sync_platform_bench_"))
    try:
        with embedded_postgres(home) as server, measuring.vendor() as api:
            for count, group in groupby(settings, key=lambda each: each.records):
                with measuring.template(server, count) as template:
                    for setting in group:
                        _told(f"{_named(setting)}: ")
                        for _ in range(asked.rounds):
                            if setting.latency:
                                seconds = measuring.bare_seconds(setting, api)
                                bare.setdefault(setting, []).append(seconds)
                            folder = Path(tempfile.mkdtemp(dir=home))
                            told = measuring.measure_round(
                                setting, tools, server, api, template, folder
                            )
                            for measured in told:
                                found.append(measured)
                                _told(".")
                        _told("\n")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"Medians of {asked.rounds}; each result was compared with the API, value by value.\n")
    for line in _table(found, tools, settings):
        print(line)
    for setting, times in bare.items():
        print(f"\n{_beside_latency(found, tools, setting, median(times))}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sync_platform_tests.benchmarks")
    cache = Path.home() / ".cache" / "sync_platform_benchmarks"
    parser.add_argument("--records", type=int, nargs="+", default=[FEW, 100_000])
    parser.add_argument("--page-size", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--latency", type=float, nargs="+", help="the API's, in seconds")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many")
    parser.add_argument("--without-dlt", action="store_true")
    parser.add_argument(
        "--dlt-defaults", action="store_true", help="dlt's rest_api as it comes, too"
    )
    parser.add_argument(
        "--by-offset", action="store_true", help="ours by offset, too (pages of 100)"
    )
    parser.add_argument(
        "--by-window", action="store_true", help="ours by windows, too (of a page of 100 each)"
    )
    parser.add_argument("--cache", type=Path, default=cache, help="where dlt is installed")
    return parser


def _told(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _named(setting: Setting) -> str:
    latency = f", {setting.latency * 1000:.0f} ms" if setting.latency else ""
    return f"{setting.records // 1000:,}k, pages of {setting.page_size:,}{latency}"


def _table(
    found: Sequence[Measured], tools: Sequence[Tool], settings: Sequence[Setting]
) -> Iterator[str]:
    """The table in Markdown."""
    yield "| " + " | ".join(HEADS) + " |"
    yield "| --- | --- | --- |" + " ---: |" * (len(HEADS) - 3)
    for setting in settings:
        for job, _ in JOBS:
            floor = _median(found, setting, job, FLOOR.name, "seconds")
            for tool in (each.name for each in tools if job in each.jobs):
                seconds = _median(found, setting, job, tool, "seconds")
                share = 0.01 if job == "incremental" else 1.0
                cells = (
                    _named(setting),
                    WORDS[job],
                    tool,
                    f"{seconds:.2f}",
                    f"{setting.records * share / seconds:,.0f}" if job != "tick" else "",
                    f"{seconds / floor:.2f}",
                    f"{_median(found, setting, job, tool, 'processor'):.2f}",
                    f"{_median(found, setting, job, tool, 'megabytes'):.0f}",
                    f"{_median(found, setting, job, tool, 'calls'):.0f}",
                )
                yield "| " + " | ".join(cells) + " |"


def _beside_latency(
    found: Sequence[Measured], tools: Sequence[Tool], setting: Setting, bare: float
) -> str:
    """What all calls take beside the latency alone; `bare` is the seconds of a socket that only
    reads."""
    alone = ceil(setting.records / setting.page_size) * setting.latency
    told = [f"a bare socket that only reads takes {bare / alone:.3f} times that"]
    for job, tool in ((job, tool.name) for job in ("load", "full") for tool in tools[:2]):
        seconds = _median(found, setting, job, tool, "seconds")
        waits = _median(found, setting, job, tool, "calls") * setting.latency
        told.append(f"{tool}'s {WORDS[job]} {seconds / waits:.3f}")
    return f"{_named(setting)}: calls x latency are {alone:.2f} s; {', '.join(told)}."


def _median(found: Sequence[Measured], setting: Setting, job: str, tool: str, what: str) -> float:
    asked = (setting, job, tool)
    values: list[float] = [
        getattr(it, what) for it in found if (it.setting, it.job, it.tool) == asked
    ]
    return median(values)


if __name__ == "__main__":
    main()
