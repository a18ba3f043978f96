"""Several changes by one call, and pages that a vendor has forgotten."""

from dataclasses import replace

import pytest

from sync_platform import spec
from sync_platform.errors import PageForgotten, RecordRejected, UnexpectedResponse
from sync_platform.transport.api import HttpApi
from sync_platform_tests.transport.conftest import Open, acme
from sync_platform_tests.transport.wire import Wire

ADA, BOB = (
    spec.OutboundChange(kind="update", key=key, values={"name": name})
    for key, name in (("1", "Ada"), ("2", "Bob"))
)
UPDATE = spec.patch(
    "/things", json=lambda changes: [{"id": it.key, **it.values} for it in changes], at_once=10
)
DELETE = spec.delete(
    "/things", params=lambda changes: {"id": [it.key for it in changes]}, at_once=9
)


def test_several_changes_are_one_call(api: HttpApi, wire: Wire) -> None:
    api.send(UPDATE, [ADA, BOB])
    api.send(DELETE, [ADA, BOB])
    assert wire.paths == ["/things", "/things?id=1&id=2"]
    assert wire.heard[0].json == [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bob"}]


def test_a_single_change_comes_as_a_list_of_one(api: HttpApi, wire: Wire) -> None:
    api.send(UPDATE, ADA)
    assert wire.heard[0].json == [{"id": "1", "name": "Ada"}]


def test_a_refusal_of_several_is_a_refused_change(api: HttpApi, wire: Wire) -> None:
    wire.say({"message": "no such thing"}, status=422)
    with pytest.raises(RecordRejected, match="no such thing"):
        api.send(UPDATE, [ADA, BOB])


def test_a_forgotten_page_is_told_apart_from_other_refusals(open_api: Open, wire: Wire) -> None:
    def means(status: int, body: spec.Json) -> spec.Meaning | None:
        return "page_forgotten" if body == {"error": "EXPIRED"} else None

    api = open_api(replace(acme, means=means))
    wire.say({"error": "EXPIRED"}, status=422)
    with pytest.raises(PageForgotten):
        api.get("/things", offset="x")
    wire.say({"error": "WRONG"}, status=422)
    with pytest.raises(UnexpectedResponse) as refused:
        api.get("/things", offset="x")
    assert not isinstance(refused.value, PageForgotten)
