"""Webhooks that others make, take away or forbid, and payloads that are none: no deletion is lost
without a word, and nothing stops."""

from datetime import timedelta

import psycopg
import pytest

from sync_platform.demo.compare import differences
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import IncompleteRead, VendorUnavailable
from sync_platform.sandbox.airtable_bases import Webhook
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform_tests.journeys.airtable.stage import Stage

FORGOTTEN = "were deleted since the last sync: the next one reads everything."
HALF_AN_HOUR = 1800


@pytest.fixture
def crm(stage: Stage) -> Stage:
    """A base with people and firms, four of each, that two connections have read."""
    base = stage.vendor.add_base("CRM")
    for name in ("People", "Firms"):
        modified = ("lastModifiedTime", MODIFIED)
        stage.vendor.add_table(base, name, Name="singleLineText", Modified=modified)
        stage.vendor.add_many(name, 4)
    stage.connect()
    unlimited = {"rate_limit.base": "unlimited", "rate_limit.token": "unlimited"}
    secret, url = Secret({"token": "sandbox-token"}), stage.vendor.url
    stage.platform.connect("airtable", "beta", secret, base_url=url, settings=unlimited)
    for _ in range(2):
        stage.clock.sleep(7200)
        for connection in ("acme", "beta"):
            for object in ("people", "firms"):
                assert FORGOTTEN not in told(stage, object, connection)[1]
    return stage


def told(
    stage: Stage, object: str, connection: str = "acme", mode: SyncMode = SyncMode.INCREMENTAL
) -> tuple[SyncResult, str]:
    """How a sync that runs by itself went, and what it said."""
    request = SyncRequest(target=Target(connection, object), mode=mode, automatic=True)
    plan, said = stage.platform.sync(request), list[str]()
    plan.on_progress = lambda sentence, counts: said.append(sentence)
    stage.clock.sleep(1)
    return plan.run(into=stage.platform.destination), " ".join(said)


def age(stage: Stage, object: str, connection: str = "acme") -> None:
    """See `Stage.age`."""
    older = f"UPDATE {connection}.{object} SET _synced_at = _synced_at - interval '1 day'"
    with psycopg.connect(stage.platform.database_url) as postgres:
        postgres.execute(older.encode())


def ticks(
    stage: Stage, object: str, count: int, connection: str = "acme"
) -> list[tuple[SyncMode, bool]]:
    """Some syncs, half an hour apart: their modes, and whether they said that some is forgotten."""
    found = []
    for _ in range(count):
        stage.clock.sleep(HALF_AN_HOUR)
        age(stage, object, connection)
        result, said = told(stage, object, connection)
        found.append((result.mode, FORGOTTEN in said))
    return found


READ_ONCE = [
    (SyncMode.INCREMENTAL, True),
    (SyncMode.FULL, False),
    (SyncMode.INCREMENTAL, False),
    (SyncMode.INCREMENTAL, False),
]


def webhook(stage: Stage) -> Webhook:
    (hook,) = stage.vendor.base("CRM").webhooks
    return hook


def first_of(stage: Stage, table: str) -> str:
    return next(iter(stage.vendor.records(table)))


def test_a_webhook_that_another_table_made_anew_hides_no_deletion(crm: Stage) -> None:
    crm.webhook_of_others("DELETE", f"/{webhook(crm).id}")
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    crm.clock.sleep(600)
    told(crm, "people", mode=SyncMode.FULL)
    assert webhook(crm)
    assert ticks(crm, "firms", 4) == READ_ONCE
    assert crm.differences("firms") == []
    assert ticks(crm, "people", 2) == [(SyncMode.INCREMENTAL, False)] * 2  # it read everything


def test_a_webhook_that_another_connection_made_anew_hides_no_deletion(crm: Stage) -> None:
    crm.webhook_of_others("DELETE", f"/{webhook(crm).id}")
    crm.vendor.delete("People", first_of(crm, "People"))
    assert ticks(crm, "people", 4) == READ_ONCE
    assert ticks(crm, "people", 4, "beta") == READ_ONCE
    url = crm.vendor.url
    assert list(differences(crm.platform, url, Target("beta", "people"))) == []


def test_what_is_known_of_a_webhook_outlives_syncs_that_break_off(crm: Stage) -> None:
    crm.webhook_of_others("DELETE", f"/{webhook(crm).id}")
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    told(crm, "people", mode=SyncMode.FULL)
    table = crm.vendor.workspace.find("Firms")[1].id
    for path in ("*/webhooks", f"*/{table}"):  # of what changed; of the read of everything
        crm.vendor.fail("status", status=503, times=50, path=path)
        with pytest.raises(VendorUnavailable):
            told(crm, "firms")
        crm.vendor.faults.clear()
        result, said = told(crm, "firms")
        assert (result.mode, FORGOTTEN in said) == READ_ONCE[path != "*/webhooks"]
    assert ticks(crm, "firms", 2) == READ_ONCE[2:]


def test_a_from_date_sync_moves_no_cursor_over_deletions(crm: Stage) -> None:
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    since = crm.clock.now() - timedelta(days=1)
    for until in (None, crm.clock.now()):
        crm.sync("firms", SyncMode.FROM_DATE, window=SyncWindow(since, until))
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    assert ticks(crm, "firms", 2) == [(SyncMode.INCREMENTAL, False)] * 2
    assert crm.differences("firms") == []


@pytest.mark.parametrize("first", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_a_right_to_manage_webhooks_that_is_lost_stops_nothing(crm: Stage, first: SyncMode) -> None:
    crm.vendor.base("CRM").permission = "edit"
    crm.vendor.delete("Firms", gone := first_of(crm, "Firms"))
    crm.vendor.add("Firms", Name="Ada")
    if first is SyncMode.INCREMENTAL:
        assert ticks(crm, "firms", 4) == READ_ONCE
    else:
        age(crm, "firms")
        told(crm, "firms", mode=SyncMode.FULL)
        assert ticks(crm, "firms", 2) == READ_ONCE[2:]
    assert gone in [row["id"] for row in crm.rows("firms", "_deleted_at IS NOT NULL")]
    assert crm.platform.connection("acme").status is ConnectionStatus.ACTIVE
    crm.platform.discover("acme")
    assert not crm.connector["firms"].sees_deletes
    assert ticks(crm, "firms", 1) == READ_ONCE[2:3]


def test_deletions_are_told_again_once_the_right_is_back(crm: Stage) -> None:
    crm.vendor.base("CRM").permission = "edit"
    ticks(crm, "firms", 3)
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    crm.vendor.base("CRM").permission = "create"
    assert ticks(crm, "firms", 4) == READ_ONCE
    assert crm.differences("firms") == []
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    assert ticks(crm, "firms", 1) == [(SyncMode.INCREMENTAL, False)]
    assert crm.differences("firms") == []


def test_an_error_in_the_place_of_a_payload_costs_a_full_read_and_no_deletion(crm: Stage) -> None:
    crm.vendor.delete("Firms", first_of(crm, "Firms"))
    hook = webhook(crm)
    number, at, payload = hook.payloads[-1]
    broken = {"timestamp": payload["timestamp"], "error": True, "code": "INTERNAL_ERROR"}
    hook.payloads[-1] = (number, at, broken)
    crm.clock.sleep(3600)  # syncs look back: sooner, the third would meet it again
    assert ticks(crm, "firms", 4) == READ_ONCE
    assert crm.differences("firms") == []


def test_payloads_without_an_end_end_the_sync(crm: Stage) -> None:
    for _ in range(2):
        crm.vendor.delete("Firms", first_of(crm, "Firms"))
    hook, asked = webhook(crm), [0]

    def life() -> None:
        asked[0] += 1
        hook.stuck = asked[0] < 50

    crm.vendor.meanwhile = life
    with pytest.raises(IncompleteRead, match="reading on would never end"):
        told(crm, "firms")
    assert asked[0] < 50
    crm.vendor.meanwhile = lambda: None
    hook.stuck = False
    assert ticks(crm, "firms", 1) == [(SyncMode.INCREMENTAL, False)]
    assert crm.differences("firms") == []
