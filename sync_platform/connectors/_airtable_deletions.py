"""Which of Airtable's records were deleted, as the payloads of a webhook tell.

A webhook of ours is one that notifies nobody and asks for records that come and go, of all tables
of its base. It is found by that, so nothing of it must be kept here. It is made before everything
is read, never by a sync that reads only what changed: one that finds none tells that deletions are
forgotten, so that the next sync reads everything. Its payloads are numbered; the newest are read
first, back to the beginning of the window.

One webhook serves all tables of its base, and all connections to it: each of them may have made it
anew, and Airtable does not tell when that was. So each sync leaves a mark of the webhook that it
read in its object's cursor, as the microseconds: where the next one finds another, what was deleted
before that was made is forgotten. Where there is none, because the right to manage webhooks is lost
or the base has no place for one, the mark says so: everything is read once, and then full syncs
find deletions, as where there never was a webhook.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from sync_platform import spec
from sync_platform.errors import IncompleteRead, NotPermitted, UnexpectedResponse

AT_ONCE = 50  # payloads a call
KEPT = spec.hours(7 * 24)  # payloads, from memory
SURELY_KEPT = KEPT - spec.hours(24)  # an interrupted sync may go on for a day
BEFORE_A_FULL_READ = spec.hours(1)  # rows so new are not taken for deleted because they are missing
FILTERS = {"dataTypes": ["tableData"], "changeTypes": ["add", "remove"]}
SPECIFICATION = {"options": {"filters": FILTERS}}
MAY_MANAGE = ("create", "owner")
MOST = 10  # webhooks of a base, from memory
REFUSED = 422  # to make one more webhook
USED_UP = 429  # the month's calls: of rights it tells nothing
BEHIND = timedelta(hours=1, seconds=1)  # of cursors: no sync that ends well earns an earlier one
NONE = ""  # the id of no webhook


def are_told(api: spec.Api, base: spec.Json) -> bool:
    """Whether the sign-in may manage the base's webhooks, and one of them is ours or can be."""
    if base.get("permissionLevel") not in MAY_MANAGE:
        return False
    try:
        hooks = api.get(f"/v0/bases/{base['id']}/webhooks")["webhooks"]
    except NotPermitted as error:
        if error.evidence.get("status") == USED_UP:
            raise
        return False
    return len(hooks) < MOST or any(map(is_ours, hooks))


def begin(base: str) -> Callable[[spec.Api], None]:
    """Have deletions told from now on: make a webhook of ours where there is none. Where we may
    not, or the base takes none more, full syncs find deletions, and the next discovery says so:
    reading goes on."""
    path = hooks_of(base)

    def make(api: spec.Api) -> None:
        try:
            if not any(map(is_ours, api.get(path)["webhooks"])):
                api.send(spec.post(path, json={"specification": SPECIFICATION}))
        except NotPermitted as error:
            if error.evidence.get("status") == USED_UP:
                raise
        except UnexpectedResponse as error:
            if error.evidence.get("status") != REFUSED:
                raise

    return make


def hooks_of(base: str) -> str:
    return f"/v0/bases/{base}/webhooks"


def of(base: str, table: str) -> Callable[[spec.Api, spec.Read], Iterator[spec.Page]]:
    """The keys of the table's records that were deleted in a window; in the last page, how much of
    it is known."""
    path = hooks_of(base)

    def deletions(api: spec.Api, read: spec.Read) -> Iterator[spec.Page]:
        from_webhook, whole = NONE, False
        try:
            ours = [each for each in api.get(path)["webhooks"] if is_ours(each)]
            if ours:
                hook = max(ours, key=lambda each: preferred(each, read))
                told, feed = Told(table, since(read)), f"{path}/{hook['id']}/payloads"
                for payloads in newest_first(api, feed, hook, told.begin):
                    yield spec.Page(gone=[(id,) for id in told.gone(payloads)])
                from_webhook, whole = str(hook["id"]), not told.failed
        except NotPermitted as error:
            if error.evidence.get("status") == USED_UP:
                raise
        yield known(read, from_webhook, whole=whole)

    return deletions


class Told:
    """What payloads tell of a table, from the newest back to where the window begins."""

    def __init__(self, table: str, begin: datetime | None) -> None:
        self.begin = begin
        self.failed = False  # one of the window's is an error in the place of a payload
        self._table, self._known = table, set[str]()  # records whose latest payload was read
        self._before = False  # one was from before the window, and so are all that are older

    def gone(self, payloads: Sequence[spec.Json]) -> list[str]:
        """The ids of the records that these payloads, the newest first, tell as deleted."""
        found: list[str] = []
        for payload in payloads:
            told = spec.at(payload, f"changedTablesById.{self._table}") or {}
            destroyed, back = told.get("destroyedRecordIds", []), told.get("createdRecordsById", {})
            found += [id for id in destroyed if id not in self._known]
            self._known.update(destroyed, back)
            at = when(payload)
            self._before = self._before or bool(at and self.begin and at < self.begin)
            self.failed = self.failed or bool(spec.at(payload, "error") and not self._before)
        return found


def known(read: spec.Read, webhook: str, *, whole: bool) -> spec.Page:
    """The last page: what is known of a window's deletions by the webhook of that id, `whole` where
    it told all of them since it was made; and with its mark, where the next sync asks from."""
    if read.started_at is None:
        return spec.Page(forgotten=not whole)
    goes_on = read.until == read.started_at  # and not to a date that somebody asked for
    behind = (read.started_at - BEHIND).replace(microsecond=0)
    marked = behind.replace(microsecond=mark(webhook))
    if read.since is None and (goes_on or read.until is None):
        return spec.Page(forgotten=not whole, reached=marked)  # all is read: it began with this one
    if read.since is None:
        return spec.Page(forgotten=True, reached=behind)
    if not goes_on:  # the cursor stays, and with it what the next sync asks for
        return spec.Page(reached=read.since)
    if read.since.microsecond != mark(webhook) or (webhook and not whole):
        return spec.Page(forgotten=True, reached=behind)
    return spec.Page(reached=marked)


def mark(webhook: str) -> int:
    """Microseconds that tell a webhook from others, and from moments in whole milliseconds."""
    thousands, rest = divmod(crc32(webhook.encode()) % 999_000, 999)
    return thousands * 1000 + rest + 1


def preferred(hook: spec.Json, read: spec.Read) -> tuple[bool, int, str]:
    """The greatest is read: the one that the last sync read; else, of two that syncs made which
    began together, the older one, which has more to tell."""
    marked = read.since is not None and read.since.microsecond == mark(str(hook["id"]))
    return marked, int(hook["cursorForNextPayload"]), str(hook["id"])


def when(payload: spec.Json) -> datetime | None:
    """The moment of a payload; None where it tells none."""
    told = spec.at(payload, "timestamp")
    return spec.moment(told) if told else None


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
        oldest = next(filter(None, map(when, payloads)), None)
        if start == 1 or (begin and oldest and oldest < begin):
            return
        end = start


def between(api: spec.Api, path: str, start: int, end: int) -> list[spec.Json]:
    """The payloads from one number to another, however few an answer brings, without those that
    were dropped. Raises IncompleteRead where reading on would never end."""
    found: list[spec.Json] = []
    while True:
        # Also where there are none yet: that somebody asks keeps the webhook alive.
        answer = api.get(path, cursor=str(start), limit=str(max(1, end - start)))
        brought, after = answer["payloads"], int(answer["cursor"])
        first = after - len(brought)  # where older ones were dropped, it is a later one
        found += brought[: max(0, end - first)]
        if (not brought and not answer.get("mightHaveMore")) or max(start, after) >= end:
            return found
        if not brought or after <= start:
            raise IncompleteRead(
                f"Airtable says that there is more after the webhook's payload {start} and gives "
                "nothing that is new; reading on would never end. The next sync asks again.",
                evidence={"path": path, "cursor": answer["cursor"], "payloads": len(brought)},
            )
        start = after
