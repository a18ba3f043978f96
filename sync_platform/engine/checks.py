"""What a person who builds on a table wants to be warned of, for all connections of a connector.

Pure: values in, values out. A check of an object has passed where no connection is in trouble.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sync_platform.engine import breaker
from sync_platform.engine.activity import TargetActivity
from sync_platform.engine.connections import Connection, ConnectionStatus
from sync_platform.engine.due import full_failing, interval_of
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.spec import Connector

CheckName = Literal["rejected", "fresh", "breaker_closed"]
INTERVALS = 2  # may pass without a successful sync,
GRACE = timedelta(minutes=15)  # and so much more for waiting in queues and running
CLOCKS = timedelta(minutes=1)  # by which Postgres' clock and ours may differ
NEVER = TargetActivity()


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong with an object of a connection, in a sentence."""

    check: CheckName
    target: Target
    sentence: str
    count: int = 1  # rejected records; else objects


def not_fresh(
    connections: Iterable[Connection],
    connectors: Mapping[str, Connector],
    activity: Mapping[Target, TargetActivity],
    now: datetime,
) -> Iterator[Trouble]:
    """Objects that should sync and whose latest successful sync is too long ago."""
    for connection in connections:
        connector = connectors.get(connection.connector)
        if connector is None or connection.status is ConnectionStatus.PAUSED:
            continue
        for choice in connection.objects:
            target = Target(connection.name, choice.object)
            known = activity.get(target, NEVER)
            allowed = INTERVALS * interval_of(connector, connection, choice) + GRACE
            synced = _synced_at(known)
            chosen_at = choice.chosen_at or connection.created_at
            moments = (synced, known.resumed_at, chosen_at)
            latest = max((it for it in moments if it is not None), default=now)
            if known.running or now - latest <= allowed:
                continue
            what = "no sync went well of late"
            if synced is not None:
                what = f"the latest sync that went well ended at {synced:%F %R} UTC"
            error = next((it.error for it in known.recent[:1] if it.error), None)
            yield Trouble(
                check="fresh",
                target=target,
                sentence=f"{target}: {what}, which "
                f"should happen every {_span(allowed)}." + (f" Last: {error}" if error else ""),
            )


def fulls_failing(
    connections: Iterable[Connection], activity: Mapping[Target, TargetActivity], now: datetime
) -> Iterator[Trouble]:
    """Objects that sync by themselves, but whose daily full sync has not gone well for too long."""
    for connection in connections:
        for choice in connection.objects:
            target = Target(connection.name, choice.object)
            known = activity.get(target, NEVER)
            sentence = full_failing(connection, choice, known, now)
            if sentence is not None:
                yield Trouble(check="fresh", target=target, sentence=f"{target}: {sentence}")


def breakers_open(
    connections: Iterable[Connection], activity: Mapping[Target, TargetActivity]
) -> Iterator[Trouble]:
    """Objects whose automatic syncs are stopped until a person resumes them."""
    for connection in connections:
        for choice in connection.objects:
            target = Target(connection.name, choice.object)
            known = activity.get(target, NEVER)
            failure = breaker.to_mend(known.recent, known.resumed_at)
            if failure is not None and breaker.is_open(known.recent, known.resumed_at):
                yield Trouble(
                    check="breaker_closed",
                    target=target,
                    sentence=f"{target}: automatic syncs are paused after "
                    f"{breaker.opened_by(failure)}. Last: {failure.error} Mend that, then: "
                    f"sync-platform resume {connection.name} {choice.object}",
                )


def still_rejected(connection: Connection, object: str, count: int) -> Trouble:
    """Records that did not fit when they were last read."""
    target = Target(connection.name, object)
    records = "1 record does" if count == 1 else f"{count:,} records do"
    return Trouble(
        check="rejected",
        target=target,
        count=count,
        sentence=f"{target}: {records} not fit the table. Look into {connection.schema}._rejected, "
        "which has each with its reason.",
    )


def rejected_since(known: TargetActivity) -> datetime | None:
    """From when on a rejected record counts: the last full sync that went well, which read every
    record anew. What one finds that runs, or that failed since, counts, too; so does what was found
    before the one that went well went on from an interrupted one."""
    began, well = known.last_full_started_at, known.fulls.well_at
    return None if began is None or well is None else min(began, well) - CLOCKS


def _synced_at(known: TargetActivity) -> datetime | None:
    well = [it for it in known.recent if it.status is SyncStatus.SUCCEEDED]
    return max((it.finished_at or it.started_at for it in well), default=None)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
