"""Changes that are written to Airtable."""

from contextlib import closing

import pytest

from sync_platform.errors import (
    RecordRejected,
)
from sync_platform.spec import OutboundChange, Request
from sync_platform_tests.journeys.airtable.stage import Stage


def test_ten_changes_are_written_by_one_call_and_an_eleventh_is_not_taken(crm: Stage) -> None:
    people = crm.connector["people"]
    assert isinstance(people.create, Request)
    assert isinstance(people.update, Request)
    assert isinstance(people.delete, Request)
    new = [
        OutboundChange(kind="create", values={"Name": f"N{n}", "Stage": "Lead"}) for n in range(11)
    ]
    with closing(crm.platform.api(crm.platform.connection("acme"))) as api:
        crm.vendor.calls.clear()
        made = api.send(people.create, new[:10])["records"]
        ids = [each["id"] for each in made]
        changed = [OutboundChange(kind="update", key=id, values={"Stage": None}) for id in ids[:3]]
        api.send(people.update, changed)
        api.send(people.delete, [OutboundChange(kind="delete", key=id) for id in ids[5:]])
        assert crm.vendor.calls.total() == 3
        with pytest.raises(RecordRejected, match="up to 10 record objects"):
            api.send(people.create, new)
    crm.sync("people")
    assert sorted((row["name"], row["stage"]) for row in crm.rows("people")) == [
        ("N0", None), ("N1", None), ("N2", None), ("N3", "Lead"), ("N4", "Lead"),
    ]  # fmt: skip


def test_a_computed_field_is_refused_in_airtables_words(crm: Stage) -> None:
    people = crm.connector["people"]
    assert isinstance(people.create, Request)
    with closing(crm.platform.api(crm.platform.connection("acme"))) as api:
        change = OutboundChange(kind="create", values={"Loud": "ADA"})
        with pytest.raises(RecordRejected, match='"Loud" cannot accept a value because the fie'):
            api.send(people.create, change)
