"""The first page: how every connection is, found by status, connector or words; for hundreds."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sync_platform.engine.overview import Condition, Overview
from sync_platform.spec import Connector
from sync_platform.web.access import Reader, ThePlatform
from sync_platform.web.rendering import page

router = APIRouter()

ON_A_PAGE = 50
NEEDS_A_PERSON = "needs_a_person"  # of both kinds
ORDER = (
    Condition.NEEDS_REAUTH,
    Condition.NEEDS_ATTENTION,
    Condition.SYNCING,
    Condition.HEALTHY,
    Condition.PAUSED,
)


@router.get("/")
def connections_page(
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    status: str = "",
    connector: str = "",
    start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The connections, those that need a person first."""
    known = platform.connectors()
    seen = [it for it in platform.overviews() if caller.sees(it.connection.schema)]
    wanted = [
        it
        for it in seen
        if (not connector or it.connection.connector == connector)
        and _has(it, q, known.get(it.connection.connector))
    ]
    counts = {each: sum(it.condition is each for it in wanted) for each in ORDER}
    found = [it for it in wanted if _is(it, status)]
    found.sort(key=lambda it: (not it.condition.needs_person, it.connection.title.lower()))

    def address(**changed: str | int) -> str:
        asked = {"q": q, "status": status, "connector": connector, **changed}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/?{query}" if query else "/"

    return page(
        request,
        "connections.html",
        title="Connections",
        now=platform.clock.now(),
        waiting=sum(it.condition.needs_person for it in seen),
        any=bool(seen),
        shown_connections=found[start : start + ON_A_PAGE],
        total=len(found),
        all_total=len(wanted),
        counts=counts,
        needing=sum(it.condition.needs_person for it in wanted),
        used=_labels({it.connection.connector for it in seen}, known),
        labels={name: it.label for name, it in known.items()},
        q=q,
        only=status,
        connector=connector,
        start=start,
        size=ON_A_PAGE,
        address=address,
    )


def _labels(names: set[str], known: Mapping[str, Connector]) -> dict[str, str]:
    """The connectors that are in use, by name, with what people call them."""
    return {name: known[name].label if name in known else name for name in sorted(names)}


def _is(it: Overview, status: str) -> bool:
    if status == NEEDS_A_PERSON:
        return it.condition.needs_person
    return not status or it.condition.value == status


def _has(it: Overview, words: str, connector: Connector | None) -> bool:
    """Whether all these words are in what a person knows a connection by."""
    connection = it.connection
    told = (
        connection.name,
        connection.label or "",
        connection.schema,
        connection.connector,
        connection.account_id or "",
        connector.label if connector else "",
    )
    text = " ".join(told).lower()
    return all(word in text for word in words.lower().split())
