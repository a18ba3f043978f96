"""Many records of Salesforce, by bulk jobs into Postgres."""

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Target
from sync_platform.errors import (
    UnexpectedResponse,
)
from sync_platform_tests.journeys.salesforce.stage import (
    Stage,
)


def many(stage: Stage, object: str = "Opportunity") -> None:
    stage.connect(object)
    stage.vendor.add_many(object, 20_001)


def test_many_records_are_read_by_a_bulk_job_and_come_out_the_same(stage: Stage) -> None:
    many(stage)
    stage.vendor.bulk.looks = 3
    told = stage.told("Opportunity")
    assert "20,001 Opportunity to read: in bulk, as from 20,000 on." in told
    assert stage.called("/query") + stage.called("/queryAll") <= 3  # check, count, the job
    assert stage.equal("Opportunity")
    stage.vendor.org.tables["Opportunity"].latest.popitem()
    stage.vendor.org.tables["Opportunity"].seen.popitem()
    again = stage.sync("Opportunity", SyncMode.FULL)  # page by page
    assert (again.counts.created, again.counts.updated) == (0, 0)


def test_a_bulk_job_that_fails_is_told_in_salesforces_words(stage: Stage) -> None:
    many(stage)
    stage.vendor.bulk.fails = "InvalidBatch : Failed to process query"
    with pytest.raises(UnexpectedResponse, match="InvalidBatch : Failed to process query"):
        stage.sync("Opportunity", SyncMode.FULL)
    assert stage.platform.cursors.get(Target("acme", "Opportunity")) is None


def test_a_bulk_read_that_broke_off_goes_on_with_its_job(stage: Stage) -> None:
    many(stage)
    sync = stage.plan("Opportunity", SyncMode.FULL)
    sync.commit_bytes = 0
    stage.vendor.fail(kind="status", status=503, times=50, path="*/results", after=1)
    with pytest.raises(Exception, match="at the moment"):
        sync.run(into=stage.platform.destination)
    stage.vendor.faults.clear()
    result = stage.sync("Opportunity", SyncMode.FULL)
    assert result.resumed
    assert len(stage.vendor.bulk.jobs) == 1
    assert stage.equal("Opportunity")
