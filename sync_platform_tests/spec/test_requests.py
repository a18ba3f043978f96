from dataclasses import FrozenInstanceError, replace
from uuid import UUID

import pytest

from sync_platform import spec


@pytest.mark.parametrize(
    ("request_", "method", "repeatable"),
    [
        (spec.get("/t"), "GET", True),
        (spec.put("/t"), "PUT", True),
        (spec.delete("/t"), "DELETE", True),
        (spec.post("/t"), "POST", False),
        (spec.patch("/t"), "PATCH", False),
        (spec.post("/t", safe_to_repeat=True), "POST", True),
        (spec.get("/t", safe_to_repeat=False), "GET", False),
    ],
)
def test_the_method_says_what_may_be_repeated_unless_the_author_does(
    request_: spec.Request, method: str, repeatable: bool
) -> None:
    assert (request_.method, request_.repeatable) == (method, repeatable)


def test_a_request_is_a_value() -> None:
    assert spec.get("/t", params={"a": 1}) == spec.get("/t", params={"a": 1})
    with pytest.raises(FrozenInstanceError):
        spec.get("/t").path = "/u"  # type: ignore[misc]


def test_each_change_has_an_id_of_its_own_that_it_keeps() -> None:
    one, another = (spec.OutboundChange(kind="create") for _ in range(2))
    assert UUID(one.id) != UUID(another.id)
    assert replace(one, values={"name": "Ada"}).id == one.id


def test_a_misspelt_slot_is_refused() -> None:
    with pytest.raises(TypeError, match="parms"):
        spec.get("/t", parms={})


def test_a_request_asks_for_one_page_of_the_whole_answer() -> None:
    request = spec.get("/t")
    assert (request.records, request.pages) == ("", spec.single_page)
    assert (request.params, request.json, request.headers) == ({}, None, {})
