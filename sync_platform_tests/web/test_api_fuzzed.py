"""Whatever is sent to the API, its answers are as its document says, and none is a 500.

Schemathesis makes the calls out of the document, on a platform with connections and past syncs, a
sandbox HubSpot, and a Dagster whose runs only wait.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from schemathesis import Case, GenerationMode, HookContext, engine, hooks
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from sync_platform.connectors import load_connectors
from sync_platform.engine.access import Scope
from sync_platform.engine.connections import Connection
from sync_platform.engine.ports import Secret
from sync_platform.engine.requested import Asked
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import HubSpot, serve
from sync_platform.settings import Settings
from sync_platform_tests.conftest import HastyClock, made
from sync_platform_tests.transport.small_dagster import small_dagster
from sync_platform_tests.web.serving import served

WITHIN = 35  # seconds; what is left out then is drawn by chance anyway
BRIEFLY = 6  # with a key that may do less
EXAMPLES = 5  # of each operation, beside those that cover the document's words one by one
ACME, SPARE = "acme-hubspot", "spare-hubspot"

KEYS = {  # scopes, workspaces
    "all": ([Scope.ADMIN], None),
    "reading": ([Scope.READ], None),
    "elsewhere": ([Scope.READ, Scope.SYNC, Scope.WRITE], ["another_workspace"]),
    "here": ([Scope.READ, Scope.SYNC, Scope.WRITE], ["acme_hubspot"]),
}

load_all_checks()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the calls meet."""

    platform: Platform
    hubspot: HubSpot
    url: str
    keys: Mapping[str, str]
    sync: str  # the id of a request
    count: Iterator[int] = field(default_factory=itertools.count)

    def lead(self, case: Case[Any]) -> None:
        """Have a call that fits the document meet what is there, or most would end as a 404. None
        may call an address of its own making."""
        if isinstance(case.body, dict) and "connector" in case.body:
            case.body["base_url"] = self.hubspot.url
        disconnecting = case.method == "DELETE" and case.path.endswith("/{name}")
        if disconnecting and case.path_parameters.get("name") == ACME:
            case.path_parameters["name"] = SPARE  # the others need that one
        if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
            return
        if case.path_parameters.get("name") is not None:
            case.path_parameters["name"] = ACME
        if case.path_parameters.get("id") is not None:
            case.path_parameters["id"] = self.sync
        if case.path_parameters.get("object") is not None:
            case.path_parameters["object"] = "contacts"
        if disconnecting:
            case.path_parameters["name"] = SPARE
            if not any(each.name == SPARE for each in self.platform.connections()):
                one = Connection(name=SPARE, connector="hubspot", schema="spare")
                self.platform.store.register(one)
        if case.method == "POST" and case.path.endswith("/connections"):
            assert isinstance(case.body, dict)
            case.body |= {"connector": "hubspot", "secret": {"token": "sandbox-token"}}
            if next(self.count) % 2:
                name = f"another-{next(self.count)}"
                case.body |= {"name": name, "way": "BearerToken", "workspace": None}
                case.body |= {"objects": [{"object": "owners"}], "interval_minutes": 30}
        if case.method == "POST" and case.path.endswith("/syncs") and next(self.count) % 2:
            case.body = {"objects": ["owners"], "full_sync": True}


@pytest.fixture(scope="module")
def ground(
    database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A connection with past syncs and a request, all over HTTP."""
    home = tmp_path_factory.mktemp("fuzzed")
    hubspot = HubSpot(burst=None, search_per_second=None)
    assets = [("hubspot", each.name) for each in load_connectors()["hubspot"].objects]
    with (
        made(database_url, like=migrated) as url,
        serve(hubspot),
        small_dagster(*assets) as dagster,
    ):
        one = Settings(home=home, database_url=url, dagster_url=dagster.url)
        platform = Platform(one, clock=HastyClock())
        hubspot.add_many("contacts", 3)
        unlimited = {"rate_limit.burst": "unlimited", "rate_limit.search": "unlimited"}
        platform.connect(
            "hubspot",
            ACME,
            Secret({"token": "sandbox-token"}),
            base_url=hubspot.url,
            settings=unlimited,
            objects=["contacts", "deals", "owners"],
        )
        for each in ("contacts", "deals", "owners"):
            platform.sync(SyncRequest(Target(ACME, each))).run(into=platform.destination)
        asked = platform.request_syncs(ACME, Asked(), by="a test")
        keys = {
            name: platform.access.make_key(name, scopes, schemas, by="a test")[1]
            for name, (scopes, schemas) in KEYS.items()
        }
        with served(platform) as address:
            yield Ground(platform=platform, hubspot=hubspot, url=address, keys=keys, sync=asked.id)
        platform.close()


def called(ground: Ground, key: str, within: int) -> tuple[Counter[str], list[str]]:
    """How many calls of each operation were made with that key, and what was wrong with an
    answer."""
    headers = {"Authorization": f"Bearer {ground.keys[key]}"}
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "max-time": within,
            "headers": headers,
            "continue-on-failure": True,
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
            # What is refused for its meaning (there is no such object) fits the document, too.
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "warnings": False,
        }
    )
    api = schemathesis.openapi.from_url(
        f"{ground.url}/api/v1/openapi.json", headers=headers, config=config
    )

    @schemathesis.hook
    def before_call(context: HookContext, case: Case[Any], kwargs: Any) -> None:
        ground.lead(case)

    wrong: list[str] = []
    calls = Counter(
        {f"{m.upper()} {path}": 0 for path, it in api.raw_schema["paths"].items() for m in it}
    )
    try:
        for event in engine.from_schema(api).execute():
            if isinstance(event, events.NonFatalError | events.FatalError):
                wrong.append(str(event))
            elif isinstance(event, events.ScenarioFinished):
                calls[event.recorder.label] += len(event.recorder.interactions)
                wrong += [
                    f"{event.recorder.label}: {check.name}: {check.failure_info.failure}\n"
                    f"{check.failure_info.code_sample}"
                    for checks in event.recorder.checks.values()
                    for check in checks
                    if check.failure_info is not None
                ]
    finally:
        hooks.unregister(before_call)
    return calls, wrong


def test_whatever_is_sent_every_answer_is_as_the_document_says(ground: Ground) -> None:
    calls, wrong = called(ground, "all", WITHIN)
    assert wrong == [], "\n\n".join(wrong[:20])
    assert min(calls.values()) > 5, calls


@pytest.mark.parametrize("key", ["reading", "elsewhere", "here"])
def test_a_key_that_may_do_less_is_answered_as_the_document_says(ground: Ground, key: str) -> None:
    before = ground.platform.connection(ACME)
    calls, wrong = called(ground, key, BRIEFLY)
    assert wrong == [], "\n\n".join(wrong[:20])
    assert calls.total() > 50, calls
    if key != "here":  # nothing was done that it may not
        assert ground.platform.connection(ACME) == before
