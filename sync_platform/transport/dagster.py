"""Dagster's webserver, over GraphQL: launches runs, reads their status, ends them.

Dagster has no other API for this; the calls are those that its UI makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync_platform.engine.requested import AskedStatus
from sync_platform.errors import DagsterUnavailable, Refused, Unexpected
from sync_platform.transport.url import parsed

ANSWER_WITHIN = 20.0  # seconds
LAUNCH_WITHIN = 60.0
REQUEST_TAG = "sync_platform/request"
CONNECTION_TAG = "sync_platform/connection"
JOB = "__ASSET_JOB"  # Dagster's own, of all assets
ELSEWHERE = "RunsElsewhere: "  # of defs/launcher.py; what follows is for people

PLACES = """
query Places($keys: [AssetKeyInput!]) {
  assetNodes(assetKeys: $keys) { assetKey { path } repository { name location { name } } }
}
"""
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on InvalidSubsetError { message }
    ... on PipelineNotFoundError { message }
    ... on UnauthorizedError { message }
  }
}
"""
STATES = """
query States($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1000) {
    __typename
    ... on Runs { results { runId status } }
    ... on PythonError { message }
  }
}
"""
TERMINATE = """
mutation Terminate($ids: [String!]!, $policy: TerminateRunPolicy!) {
  terminateRuns(runIds: $ids, terminatePolicy: $policy) {
    __typename
    ... on TerminateRunsResult { terminateRunResults { __typename } }
    ... on PythonError { message }
  }
}
"""
ADD_PARTITION = """
mutation AddPartition($repository: RepositorySelector!, $partitions: String!, $key: String!) {
  addDynamicPartition(
    repositorySelector: $repository, partitionsDefName: $partitions, partitionKey: $key
  ) {
    __typename
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
STATUSES = {
    "QUEUED": AskedStatus.WAITING,
    "NOT_STARTED": AskedStatus.WAITING,
    "MANAGED": AskedStatus.WAITING,
    "STARTING": AskedStatus.WAITING,
    "STARTED": AskedStatus.RUNNING,
    "SUSPENDED": AskedStatus.RUNNING,
    "CANCELING": AskedStatus.RUNNING,  # what it began is being committed
    "SUCCESS": AskedStatus.SUCCEEDED,
    "FAILURE": AskedStatus.FAILED,
    "CANCELED": AskedStatus.CANCELED,
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A run that is wanted: these objects of one connection, on one date's partition. `config` is
    what each object's asset is given, `tags` are added to the run's own."""

    connector: str
    connection: str
    objects: Sequence[str]
    date: str  # the date partition's key
    config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class DagsterRuns:
    """A Dagster webserver, seen as the place to launch runs at.

    Every method raises DagsterUnavailable where it cannot be reached, and Unexpected where it
    refuses a call; `cancel` raises Refused for runs on machines that it does not reach.
    """

    def __init__(self, url: str, shown_at: str | None = None) -> None:
        """`url`: http(s)://…, of the webserver; `shown_at`: where people reach it, if that is
        another. Opens nothing yet."""
        self.url = url.rstrip("/")
        self._shown_at = (shown_at or url).rstrip("/")

    def ready(self) -> bool:
        """Whether the webserver answers and has loaded our assets."""
        try:
            answer = self.ask("{ assetNodes { id } }", timeout=5)
        except (DagsterUnavailable, Unexpected):
            return False
        return bool(answer.get("assetNodes"))

    def link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self._shown_at}/runs/{run_id}"

    def launch(self, wanted: Launch) -> str:
        """Launch one run; its id. The connection's partition is made first if it is not there.

        Raises DagsterUnavailable also where Dagster has not loaded one of the objects' assets.
        """
        assets = [(wanted.connector, name) for name in wanted.objects]
        repository = self._repository(assets)
        self._add_partition(repository, f"{wanted.connector}_connections", wanted.connection)
        ops = ["__".join(each).replace("-", "_") for each in assets]  # as Dagster names them
        config = {op: {"config": dict(wanted.config)} for op in ops}
        tags = {
            "dagster/partition": f"{wanted.connection}|{wanted.date}",
            "dagster/partition/connection": wanted.connection,
            "dagster/partition/date": wanted.date,
            CONNECTION_TAG: wanted.connection,
            **wanted.tags,
        }
        params = {
            "selector": {
                **repository,
                "pipelineName": JOB,
                "assetSelection": [{"path": list(each)} for each in assets],
                "assetCheckSelection": [],
            },
            "mode": "default",
            "runConfigData": {"ops": config} if wanted.config else {},
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in tags.items()]
            },
        }
        told = self.ask(LAUNCH, {"params": params}, timeout=LAUNCH_WITHIN)["launchRun"]
        if told["__typename"] != "LaunchRunSuccess":
            raise Unexpected(f"Dagster did not launch the run: {_said(told)}", evidence=told)
        return str(told["run"]["runId"])

    def states(self, run_ids: Sequence[str]) -> dict[str, AskedStatus]:
        """Where these runs stand; without those that Dagster does not know (any more)."""
        return self._states({"runIds": list(run_ids)}) if run_ids else {}

    def of_request(self, id: str) -> dict[str, AskedStatus]:
        """The runs that were launched for a request of ours."""
        return self._states({"tags": [{"key": REQUEST_TAG, "value": id}]})

    def cancel(self, run_ids: Sequence[str]) -> None:
        """End these runs: one that waits at once, one that runs as soon as it has stopped its
        sync. Nothing happens to those that have ended, or that Dagster does not know."""
        living = [id for id, status in self.states(run_ids).items() if not status.ended]
        refused = self._terminate(living, "SAFE_TERMINATE")
        # A run whose worker is gone cannot be asked to stop; it is only crossed out.
        self._terminate(refused, "MARK_AS_CANCELED_IMMEDIATELY")

    def _terminate(self, run_ids: Sequence[str], policy: str) -> list[str]:
        """Those that were not ended and have not ended by themselves."""
        if not run_ids:
            return []
        answer = self.ask(
            TERMINATE, {"ids": list(run_ids), "policy": policy}, timeout=LAUNCH_WITHIN
        )
        told = answer["terminateRuns"]
        if told["__typename"] != "TerminateRunsResult":
            _, found, reason = _said(told).partition(ELSEWHERE)
            if found:
                raise Refused(reason.strip())
            raise Unexpected(f"Dagster did not end the runs: {_said(told)}", evidence=told)
        ends = [each["__typename"] for each in told["terminateRunResults"]]
        failed = [id for id, end in zip(run_ids, ends, strict=True) if end == "TerminateRunFailure"]
        return [id for id, status in self.states(failed).items() if not status.ended]

    def _states(self, filter: Mapping[str, Any]) -> dict[str, AskedStatus]:
        told = self.ask(STATES, {"filter": filter})["runsOrError"]
        if told["__typename"] != "Runs":
            raise Unexpected(f"Dagster did not tell of its runs: {_said(told)}", evidence=told)
        runs = {each["runId"]: each["status"] for each in told["results"]}
        return {id: STATUSES.get(status, AskedStatus.RUNNING) for id, status in runs.items()}

    def _repository(self, assets: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Where the assets are loaded: its name follows from how Dagster was started."""
        keys = [{"path": list(each)} for each in assets]
        nodes = self.ask(PLACES, {"keys": keys})["assetNodes"]
        loaded = {tuple(each["assetKey"]["path"]): each["repository"] for each in nodes}
        missing = [name for connector, name in assets if (connector, name) not in loaded]
        if missing:
            raise DagsterUnavailable(
                f"Dagster at {self._shown} has not loaded {', '.join(missing)} of {assets[0][0]}, "
                "so nothing was started. If it is just starting, try again in a moment; otherwise "
                "reload its code location."
            )
        place = loaded[assets[0]]
        return {
            "repositoryName": place["name"],
            "repositoryLocationName": place["location"]["name"],
        }

    def _add_partition(self, repository: Mapping[str, str], partitions: str, key: str) -> None:
        variables = {"repository": repository, "partitions": partitions, "key": key}
        told = self.ask(ADD_PARTITION, variables)["addDynamicPartition"]
        if told["__typename"] not in (
            "AddDynamicPartitionSuccess",
            "DuplicateDynamicPartitionError",
        ):
            raise Unexpected(f"Dagster did not make a partition: {_said(told)}", evidence=told)

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        timeout: float = ANSWER_WITHIN,
    ) -> dict[str, Any]:
        """The data that a GraphQL query gives, within so many seconds."""
        import httpx  # not of a command that syncs in place: its import takes as long as a tick

        body = {"query": query, "variables": dict(variables or {})}
        try:
            answer = httpx.post(f"{self.url}/graphql", json=body, timeout=timeout, trust_env=False)
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise DagsterUnavailable(
                f"Dagster, which runs the syncs, cannot be reached at {self._shown}. Check that "
                "its webserver runs (`sync-platform up` starts it) and what "
                "SYNC_PLATFORM_DAGSTER_URL (or …_INTERNAL_URL) says, then try again.",
                evidence={"cause": type(error).__name__},
            ) from error
        if not isinstance(told, dict) or told.get("errors") or not told.get("data"):
            errors = told.get("errors") if isinstance(told, dict) else None
            reason = (
                errors[0].get("message") if errors else f"it answered HTTP {answer.status_code}"
            )
            raise Unexpected(f"Dagster refused a query: {reason}.")
        return dict(told["data"])

    @property
    def _shown(self) -> str:
        """Its address without what may be a password."""
        try:
            url = parsed(self.url)
        except ValueError:
            return "the address given"
        return f"{url.origin}{url.path}".removesuffix("/")


def _said(told: Mapping[str, Any]) -> str:
    errors = [str(each.get("message")) for each in told.get("errors") or ()]
    return " ".join(errors) or str(told.get("message") or told["__typename"])
