"""Which of Airtable's records were deleted, as the payloads of a webhook tell.

A webhook of ours is one that notifies nobody and asks for records that come and go, of all tables
of its base. It is found by that, so nothing of it must be kept here. It is made before everything
is read, never by a sync that reads only what changed: one that finds none tells that deletions are
forgotten, so that the next sync reads everything. Its payloads are numbered; the newest are read
first, back to the beginning of the window.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sync_platform import spec
from sync_platform.errors import NotPermitted, UnexpectedResponse

AT_ONCE = 50  # payloads a call
KEPT = spec.hours(7 * 24)  # payloads, from memory
SURELY_KEPT = KEPT - spec.hours(24)  # an interrupted sync may go on for a day
BEFORE_A_FULL_READ = spec.hours(1)  # rows so new are not taken for deleted because they are missing
FILTERS = {"dataTypes": ["tableData"], "changeTypes": ["add", "remove"]}
SPECIFICATION = {"options": {"filters": FILTERS}}
MAY_MANAGE = ("create", "owner")
MOST = 10  # webhooks of a base, from memory
REFUSED = 422  # to make one more webhook


def are_told(api: spec.Api, base: spec.Json) -> bool:
    """Whether the sign-in may manage the base's webhooks, and one of them is ours or can be."""
    if base.get("permissionLevel") not in MAY_MANAGE:
        return False
    try:
        hooks = api.get(f"/v0/bases/{base['id']}/webhooks")["webhooks"]
    except NotPermitted as error:
        if error.evidence.get("status") == 429:  # the month's calls are used up: it tells nothing
            raise
        return False
    return len(hooks) < MOST or any(map(is_ours, hooks))


def begin(base: str) -> Callable[[spec.Api], None]:
    """Have deletions told from now on: make a webhook of ours where there is none. Where the base
    takes none more, full syncs find deletions, and the next discovery says so: reading goes on."""
    path = hooks_of(base)

    def make(api: spec.Api) -> None:
        if any(map(is_ours, api.get(path)["webhooks"])):
            return
        try:
            api.send(spec.post(path, json={"specification": SPECIFICATION}))
        except UnexpectedResponse as error:
            if error.evidence.get("status") != REFUSED:
                raise

    return make


def hooks_of(base: str) -> str:
    return f"/v0/bases/{base}/webhooks"


def of(base: str, table: str) -> Callable[[spec.Api, spec.Read], Iterator[spec.Page]]:
    """The keys of the table's records that were deleted in a window."""
    path = hooks_of(base)

    def deletions(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        ours = [each for each in api.get(path)["webhooks"] if is_ours(each)]
        if not ours:  # somebody took it away, or the base had no place for it
            yield spec.Page(forgotten=True)
            return
        # Two syncs that began together may each have made one; the older has more to tell.
        hook = max(ours, key=lambda each: (int(each["cursorForNextPayload"]), str(each["id"])))
        known: set[str] = set()  # records whose latest payload was read
        for payloads in newest_first(api, f"{path}/{hook['id']}/payloads", hook, since(read)):
            gone = []
            for payload in payloads:
                told = spec.at(payload, f"changedTablesById.{table}") or {}
                back = told.get("createdRecordsById", {})
                gone += [id for id in told.get("destroyedRecordIds", []) if id not in known]
                known.update(told.get("destroyedRecordIds", []), back)
            yield spec.Page(gone=[(id,) for id in gone])

    return deletions


def since(read: spec.Read) -> datetime | None:
    """From when on payloads are wanted: nobody knows what the vendor says of those it has dropped.
    A full read finds by itself what was deleted long before it."""
    if read.started_at is None:
        return read.since
    if read.since is None:
        return read.started_at - BEFORE_A_FULL_READ
    return max(read.since, read.started_at - SURELY_KEPT)


def is_ours(hook: spec.Json) -> bool:
    """Whether a webhook is one of ours, and alive."""
    filters = spec.at(hook, "specification.options.filters") or {}
    asks = {name: sorted(value) for name, value in filters.items() if value}
    return (
        asks == {name: sorted(value) for name, value in FILTERS.items()}
        and not hook.get("notificationUrl")
        and hook.get("isHookEnabled") is not False
    )


def newest_first(
    api: spec.Api, path: str, hook: spec.Json, begin: datetime | None
) -> Iterator[list[spec.Json]]:
    """The payloads of a window, some at a time, the newest first."""
    end = int(hook["cursorForNextPayload"])
    while True:
        start = max(1, end - AT_ONCE)
        payloads = between(api, path, start, end)
        if not payloads:
            return
        yield payloads[::-1]
        if start == 1 or (begin and spec.moment(payloads[0]["timestamp"]) < begin):
            return
        end = start


def between(api: spec.Api, path: str, start: int, end: int) -> list[spec.Json]:
    """The payloads from one number to another, however few an answer brings, without those that
    were dropped."""
    found: list[spec.Json] = []
    while True:
        # Also where there are none yet: that somebody asks keeps the webhook alive.
        answer = api.get(path, cursor=str(start), limit=str(max(1, end - start)))
        brought = answer["payloads"]
        first = answer["cursor"] - len(brought)  # where older ones were dropped, it is a later one
        found += brought[: max(0, end - first)]
        start = answer["cursor"]
        if not brought or start >= end:
            return found
