"""What comes in the place of a list, or of a list of fields, and is none: the sync says so, instead
of taking it for one without records."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncStatus
from sync_platform.errors import ConnectorFault, UnexpectedResponse
from sync_platform.settings import Settings
from sync_platform_tests.journeys.parcels_stage import Stage, staged


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    with staged(settings) as stage:
        yield stage


@pytest.mark.parametrize(
    "body", [b'{"error":"x"}', b"<html>\n<body>x</body>\n</html>", b"id;note\n1;a\n", b"", b"null"]
)
def test_what_comes_in_the_place_of_an_export_is_no_empty_one(stage: Stage, body: bytes) -> None:
    stage.vendor.answers["/exported"] = body
    with pytest.raises(UnexpectedResponse, match="GET /exported with a body that "):
        stage.sync("exported")


def test_an_export_without_records_is_a_header_line(stage: Stage) -> None:
    stage.vendor.answers["/exported"] = b"id,note\n"
    assert stage.sync("exported").status is SyncStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ({"type": "blob"}, "'x' has type 'blob'; there are text, integer, "),
        ({"type": None}, "'x' has type None"),
        ({"type": ["text"]}, "'x' has type ['text']"),
        ({"name": None}, "its name None is not a text"),
        ({"name": 5}, "its name 5 is not a text"),
        ({"name": {"de": "Gewicht"}}, "its name {'de': 'Gewicht'} is not a text"),
        ({"label": 5}, "the label 5 of 'x' is not a text"),
    ],
)
def test_a_discovered_field_that_can_be_no_column_is_refused_with_a_sentence(
    stage: Stage, field: dict[str, Any], why: str
) -> None:
    good: Any = {"name": "code", "type": "text"}
    stage.vendor.answers["/fields"] = json.dumps([good]).encode()
    stage.vendor.list("/labels", b'{"code": "a", "changed": "2026-01-01T00:00:00Z"}')
    stage.sync("labels")
    strange = {"name": "x", "type": "text", **field}
    stage.vendor.answers["/fields"] = json.dumps([good, strange]).encode()
    said = f"A field of labels cannot be used: {why}"
    with pytest.raises(ConnectorFault, match=re.escape(said)) as refused:
        stage.platform.discover("acme")
    assert "Mend `fields` of labels in the connector parcels." in str(refused.value)
    with pytest.raises(ConnectorFault, match=re.escape(said)):
        stage.sync("labels", SyncMode.FULL)
    assert stage.sync("labels").status is SyncStatus.SUCCEEDED
