"""One round: every tool does every job on the same data, by turns, and is checked each time."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from sync_platform_tests.benchmarks import bare, truth
from sync_platform_tests.benchmarks.tools import HERE, Place, Tool, clean_environment

JOBS = (("load", 0), ("tick", 0), ("incremental", 1), ("full", 2))  # and the records' stage


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a round is run with; `latency` in seconds."""

    records: int
    page_size: int
    latency: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One job of one tool in one round."""

    setting: Setting
    job: str
    tool: str
    seconds: float
    processor: float
    megabytes: float
    calls: int


@contextmanager
def vendor() -> Iterator[str]:
    """The API's address, for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sync_platform_tests.benchmarks.vendor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def ask(url: str) -> bytes:
    """The answer of the API's own admin."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url) as answer:
        return bytes(answer.read())


@contextmanager
def template(server: str, count: int) -> Iterator[str]:
    """A database that holds the truth of so many records, to make others from."""
    name = "bench_template"
    with _database(server, name) as url:
        with psycopg.connect(url) as connection:
            truth.write(connection, count)
        yield name


def measure_round(
    setting: Setting, tools: Sequence[Tool], server: str, api: str, template: str, folder: Path
) -> Iterator[Measured]:
    """Every job by every tool, in databases and folders of their own; raises truth.Wrong."""
    with ExitStack() as stack:
        places = []
        for number, tool in enumerate(tools):
            own = folder / f"tool_{number}"
            own.mkdir()
            url = stack.enter_context(_database(server, f"bench_{number}", template))
            place = Place(
                database=url,
                api=api,
                records=setting.records,
                page_size=setting.page_size,
                folder=own,
            )
            tool.set_up(place)
            places.append((tool, place))
        for turn, (job, stage) in enumerate(JOBS):
            first = turn % len(places)
            for tool, place in (*places[first:], *places[:first]):
                if job not in tool.jobs:
                    continue
                yield _measure(setting, tool, place, job, stage)


def bare_seconds(setting: Setting, api: str) -> float:
    """What reading all pages takes somebody who does nothing else."""
    ask(f"{api}/_stage?count={setting.records}&stage=0&latency={setting.latency}")
    return bare.read_all(api, setting.page_size)


def _measure(setting: Setting, tool: Tool, place: Place, job: str, stage: int) -> Measured:
    asked = f"count={setting.records}&stage={stage}&latency={setting.latency}"
    ask(f"{place.api}/_stage?{asked}")
    with psycopg.connect(place.database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # nobody pays for the writes of who came before
    figures = place.folder / "figures.json"
    timed = [sys.executable, "-I", "-S", str(HERE / "timed.py"), str(figures)]
    done = subprocess.run(
        [*timed, *tool.command(place, job)],
        env={**clean_environment(), **tool.environment(place)},
        cwd=place.folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise truth.Wrong(f"{tool.name} failed at {job}:\n{done.stdout}\n{done.stderr}")
    calls = int(ask(f"{place.api}/_calls"))
    with psycopg.connect(place.database) as connection:
        truth.compare(connection, tool.relation, f"{tool.name}, {job},", stage)
    found = json.loads(figures.read_text())
    return Measured(setting=setting, job=job, tool=tool.name, calls=calls, **found)


@contextmanager
def _database(server: str, name: str, template: str = "template0") -> Iterator[str]:
    """The url of a new database, gone after the block."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        address = urlsplit(server)
        yield urlunsplit(address._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
