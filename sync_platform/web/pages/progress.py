"""What is under way on a connection, object by object: asked for by people, or by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sync_platform.engine.requested import AskedStatus, RequestedSyncs
from sync_platform.engine.results import SyncResult, SyncStatus
from sync_platform.errors import RetryLater, Unexpected, UnknownSync
from sync_platform.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Step:
    """One object's sync."""

    object: str
    status: AskedStatus
    sync: SyncResult | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """All that is under way, and what was asked for and is being looked at, though it ended."""

    steps: Sequence[Step] = ()
    requests: Sequence[RequestedSyncs] = field(default=())  # that somebody may still stop
    problem: str | None = None  # why more is not known

    @property
    def ended(self) -> int:
        """How many of the steps have ended."""
        return sum(each.status.ended for each in self.steps)

    @property
    def going(self) -> bool:
        """Whether anything still changes."""
        return self.ended < len(self.steps) or bool(self.requests)

    @property
    def failed(self) -> int:
        """How many ended otherwise than well."""
        return sum(
            each.status.ended and each.status is not AskedStatus.SUCCEEDED for each in self.steps
        )

    @property
    def errors(self) -> dict[str, list[str]]:
        """What went wrong, each sentence once, with the objects that it is about."""
        found: dict[str, list[str]] = {}
        for each in self.steps:
            if each.error:
                found.setdefault(each.error, []).append(each.object)
        return found

    @property
    def records(self) -> int:
        """Records read by all of them."""
        return sum(each.sync.counts.fetched for each in self.steps if each.sync)


def progress_of(
    platform: Platform, name: str, history: Sequence[SyncResult], watched: str | None
) -> Progress:
    """What is under way; `watched` is the request that the person has just made."""
    problem, requests = None, []
    try:
        requests = platform.requests_under_way(name)
        if watched and watched not in {each.id for each in requests}:
            requests.append(platform.sync_request(name, watched))
    except (RetryLater, Unexpected) as error:
        problem = f"How far it is cannot be told completely. {error}"
    except UnknownSync:
        pass  # an old address
    steps = list(_steps(requests))
    told = {each.sync.id for each in steps if each.sync}
    steps += [
        Step(object=it.target.object, status=AskedStatus.RUNNING, sync=it)
        for it in history
        if it.status is SyncStatus.RUNNING and it.id not in told
    ]
    return Progress(
        steps=steps,
        requests=[each for each in requests if not each.status.ended],
        problem=problem,
    )


def _steps(requests: Sequence[RequestedSyncs]) -> Iterator[Step]:
    for request in requests:
        for each in request.syncs:
            yield Step(
                object=each.asked.object, status=each.status, sync=each.sync, error=each.error
            )
