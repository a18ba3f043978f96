"""Slots that are described calls, or functions where one call is not enough."""

from collections.abc import Iterator
from dataclasses import replace

from sync_platform import spec
from sync_platform.engine.signing_in import scopes_for


def check(api: spec.Api) -> spec.Json:
    return [api.get("/a"), api.get("/b")]


def read(api: spec.Api, asked: spec.Read) -> Iterator[spec.Page]:
    yield spec.Page()


def write(api: spec.Api, change: spec.OutboundChange) -> spec.Json:
    row = api.get("/rows", key=str(change.key))
    return api.send(spec.put(f"/rows/{row}", json=dict(change.values)), change)


ROWS = spec.ConnectorObject(
    name="rows", fields=[spec.Field("id")], read=read, create=write, update=write, delete=write
)
OAUTH = spec.OAuth2(
    authorize_url="https://a.test/a",
    token_url="https://a.test/t",
    scopes=["read"],
    write_scopes=["write"],
)
ACME = spec.Connector(
    name="acme",
    label="Acme",
    base_url="https://a.test",
    auth=[OAUTH],
    objects=[ROWS],
    check=check,
)


def test_a_check_and_writes_may_be_functions() -> None:
    assert spec.faults(ACME) == []
    assert ROWS.writable


def test_what_is_neither_a_call_nor_a_function_is_a_fault() -> None:
    wrong = replace(ACME, check="/me", objects=[replace(ROWS, update="/rows")])  # type: ignore[arg-type]
    assert [it.partition(":")[0] for it in spec.faults(wrong)][:2] == [
        "check",
        "objects['rows'].update",
    ]


def test_the_scopes_for_writing_are_asked_for_where_writing_is_wanted() -> None:
    assert scopes_for(ACME) == ["read"]
    assert scopes_for(ACME, writing=True) == ["read", "write"]
