"""Launches runs through the webserver's GraphQL API, as its UI does, and waits for them."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import Any

import httpx

from sync_platform.errors import Unexpected

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
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


class DagsterRuns:
    """A webserver, seen as the place to launch runs at."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        """Whether the webserver answers and has loaded our assets."""
        query = "{ assetNodes { id } }"
        try:
            answer = self.ask(query, timeout=5)
        except (httpx.HTTPError, ValueError, Unexpected):
            return False
        return bool(answer.get("assetNodes"))

    def launch(
        self, assets: Sequence[Sequence[str]], *, connection: str, date: str, mode: str | None
    ) -> str:
        """Launch one run over these assets for one connection and date; its id."""
        config = {"ops": {"__".join(each): {"config": {"mode": mode}} for each in assets}}
        params = {
            "selector": {
                "repositoryLocationName": "sync_platform",
                "repositoryName": "__repository__",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": list(each)} for each in assets],
                "assetCheckSelection": [],
            },
            "mode": "default",
            "runConfigData": config if mode else {},
            "executionMetadata": {
                "tags": [
                    {"key": "dagster/partition", "value": f"{connection}|{date}"},
                    {"key": "dagster/partition/connection", "value": connection},
                    {"key": "dagster/partition/date", "value": date},
                    {"key": "sync_platform/connection", "value": connection},
                ]
            },
        }
        answer = self.ask(LAUNCH, {"params": params}, timeout=60)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise Unexpected(f"Dagster did not launch the run: {answer}")
        return str(answer["run"]["runId"])

    def wait(self, run_id: str, check: Callable[[], None], seconds: float = 300) -> None:
        """Wait for the run's end; raises Unexpected unless it is a success."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            check()
            status = self.ask(STATUS, {"id": run_id})["runOrError"].get("status")
            if status in ENDED:
                if status != "SUCCESS":
                    raise Unexpected(
                        f"The run {run_id} ended as {status}: {self.url}/runs/{run_id}"
                    )
                return
            sleep(0.5)
        raise Unexpected(f"The run {run_id} has not ended in {seconds:.0f} s.")

    def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, timeout: float = 30
    ) -> dict[str, Any]:
        """The data that a GraphQL query gives, within so many seconds; raises Unexpected where it
        is refused, and httpx.HTTPError."""
        body = {"query": query, "variables": dict(variables or {})}
        answer = httpx.post(f"{self.url}/graphql", json=body, timeout=timeout, trust_env=False)
        told = answer.json()
        if told.get("errors"):
            raise Unexpected(f"Dagster refused a query: {told['errors'][0].get('message')}")
        return dict(told["data"])
