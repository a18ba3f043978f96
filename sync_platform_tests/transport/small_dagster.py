"""A Dagster webserver as far as we use it: the same calls over real HTTP, its runs in memory.

Real ones take half a minute to start; `journeys/test_dagster_ui.py` shows that they answer alike.
Runs wait until a test moves them on.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class SmallRun:
    """A run that was launched."""

    id: str
    objects: list[str]
    tags: dict[str, str]
    config: dict[str, Any]
    status: str = "QUEUED"


@dataclass
class SmallDagster:
    """What a webserver knows; tests read and change it."""

    loaded: set[tuple[str, ...]]  # asset keys
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    runs: list[SmallRun] = field(default_factory=list)
    partitions: dict[str, set[str]] = field(default_factory=dict)
    refuse_launch: dict[str, Any] | None = None  # answered instead of launching
    launches_until_refused: int = 0
    workers_gone: bool = False  # runs cannot be asked to stop
    elsewhere: str = ""  # runs are on machines that are not reached: what is said of them

    def run(self, id: str) -> SmallRun:
        return next(run for run in self.runs if run.id == id)

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        for name in ("launchRun", "terminateRuns", "addDynamicPartition", "runsOrError"):
            if name in query:
                return {"data": {name: getattr(self, f"_{name}")(**variables)}}
        assert "assetNodes" in query, query
        return {"data": {"assetNodes": self._assetNodes(**variables)}}

    def _assetNodes(self, keys: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        wanted = self.loaded if keys is None else {tuple(key["path"]) for key in keys}
        place = {"name": "__repository__", "location": {"name": "sync_platform"}}
        return [
            {"id": ".".join(path), "assetKey": {"path": list(path)}, "repository": place}
            for path in wanted & self.loaded
        ]

    def _launchRun(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.refuse_launch is not None and self.launches_until_refused == 0:
            return self.refuse_launch
        self.launches_until_refused -= 1
        selector = params["selector"]
        assert selector["repositoryLocationName"] == "sync_platform"
        tags = {each["key"]: each["value"] for each in params["executionMetadata"]["tags"]}
        ops = params["runConfigData"].get("ops", {})
        run = SmallRun(
            id=str(uuid.uuid4()),
            objects=[each["path"][-1] for each in selector["assetSelection"]],
            tags=tags,
            config={name.split("__")[-1]: each["config"] for name, each in ops.items()},
        )
        self.runs.append(run)
        return {"__typename": "LaunchRunSuccess", "run": {"runId": run.id}}

    def _runsOrError(self, filter: dict[str, Any]) -> dict[str, Any]:
        tags = {each["key"]: each["value"] for each in filter.get("tags", ())}
        found = [
            {"runId": run.id, "status": run.status}
            for run in self.runs
            if run.id in filter.get("runIds", [run.id]) and tags.items() <= run.tags.items()
        ]
        return {"__typename": "Runs", "results": found}

    def _terminateRuns(self, ids: list[str], policy: str) -> dict[str, Any]:
        if self.elsewhere:
            message = f"sync_platform.defs.launcher.RunsElsewhere: {self.elsewhere}\n"
            return {"__typename": "PythonError", "message": message}
        ends = [self._terminated(self.run(id), policy) for id in ids]
        results = [{"__typename": each} for each in ends]
        return {"__typename": "TerminateRunsResult", "terminateRunResults": results}

    def _terminated(self, run: SmallRun, policy: str) -> str:
        if run.status == "QUEUED" or policy == "MARK_AS_CANCELED_IMMEDIATELY":
            run.status = "CANCELED"
        elif run.status not in ("STARTING", "STARTED") or self.workers_gone:
            return "TerminateRunFailure"
        else:
            run.status = "CANCELING"
        return "TerminateRunSuccess"

    def _addDynamicPartition(
        self, repository: dict[str, str], partitions: str, key: str
    ) -> dict[str, Any]:
        known = self.partitions.setdefault(partitions, set())
        kind = "DuplicateDynamicPartitionError" if key in known else "AddDynamicPartitionSuccess"
        known.add(key)
        return {"__typename": kind}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    dagster: SmallDagster

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.dagster.lock:
            told = json.dumps(self.dagster.answer(asked["query"], asked["variables"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def small_dagster(
    *assets: tuple[str, str], it: SmallDagster | None = None
) -> Iterator[SmallDagster]:
    """A webserver with these assets loaded, until the block ends; `it` is one of another kind."""
    it = it or SmallDagster(loaded=set())
    it.loaded |= set(assets)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"dagster": it}))
    server.daemon_threads = True
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
