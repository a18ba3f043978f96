"""What every connector is held to against its sandbox vendor: the reads.

A behaviour's docstring is its line on the scorecard. `needs` names what must be declared for it, in
`Vouched` or on the object; a connector that lacks it says in `not_offered` why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.modes import SyncMode
from sync_platform.errors import (
    NeedsReauth,
    NotPermitted,
    SyncPlatformError,
    TooManyDeletes,
    UnexpectedResponse,
    VendorUnavailable,
)
from sync_platform_tests.contract.conformance.stage import CONNECTION, Stage, now


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One behaviour: `part` is its heading on the scorecard."""

    name: str
    title: str
    part: str
    holds: Callable[[Stage], None]
    needs: str = ""


BEHAVIOURS: list[Behaviour] = []


def behaviour(part: str, needs: str = "") -> Callable[[Callable[[Stage], None]], None]:
    """Take a function into the list."""

    def taken(holds: Callable[[Stage], None]) -> None:
        title = " ".join((holds.__doc__ or "").split())
        assert title, holds.__name__
        BEHAVIOURS.append(
            Behaviour(name=holds.__name__, title=title, part=part, holds=holds, needs=needs)
        )

    return taken


# -- reading ------------------------------------------------------------------------------------


@behaviour("Reading")
def everything(on: Stage) -> None:
    """A full sync brings every record, value by value."""
    on.connect()
    on.change(creates=7)
    assert on.full().created == on.truth >= 7
    assert on.differences == []


@behaviour("Reading")
def unchanged(on: Stage) -> None:
    """A second full sync changes nothing."""
    on.connect()
    on.change(creates=7)
    on.full()
    again = on.full()
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)


@behaviour("Reading")
def pages(on: Stage) -> None:
    """More than two pages of records are all read, each once."""
    on.connect()
    on.change(creates=2 * on.it.page + 1)
    counts = on.full()
    assert counts.created == on.truth
    assert on.differences == []


@behaviour("Reading", needs="cap")
def past_a_cap(on: Stage) -> None:
    """What lies past the vendor's cap on a read is read, too."""
    on.connect()
    assert on.it.cap is not None
    on.it.cap(on.vendor)
    on.full()
    assert on.differences == []


@behaviour("Reading")
def an_empty_account(on: Stage) -> None:
    """An account without records syncs to an empty table."""
    on.connect()
    assert on.full().created == on.truth
    assert on.differences == []


@behaviour("Reading", needs="weird")
def any_text(on: Stage) -> None:
    """Quotes, tabs, line ends, backslashes and emoji arrive as they were."""
    on.connect()
    text = "'Zoë' \"O'Hara\" \\N \\. ; 🦜\t\n-- <b>&amp;</b> %s {key}"
    assert on.it.weird is not None
    on.it.weird(on.vendor, text)
    on.full()
    assert text in [row[on.it.weird_column] for row in on.rows()]


@behaviour("Reading")
def changed_while_reading(on: Stage) -> None:
    """What is created and edited while pages are read is there after the next sync."""
    on.connect()
    on.change(creates=2 * on.it.page)
    on.full()
    left = [3]

    def life() -> None:
        if left[0]:
            left[0] -= 1
            on.vendor.change(on.it.object, creates=1, updates=1)

    on.vendor.meanwhile = life
    on.full()
    on.vendor.meanwhile = lambda: None
    _let_show(on)
    on.incremental()
    assert on.differences == []


# -- incremental --------------------------------------------------------------------------------


@behaviour("Incremental", needs="incremental")
def created(on: Stage) -> None:
    """An incremental sync brings what was created."""
    _synced(on)
    on.change(creates=2)
    _let_show(on)
    assert on.incremental().created == 2
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def edited(on: Stage) -> None:
    """An incremental sync brings what was edited."""
    _synced(on)
    ids = on.change(updates=3)
    _let_show(on)
    assert on.incremental().updated >= 1, ids
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def nothing_new(on: Stage) -> None:
    """An incremental sync after nothing happened writes nothing and asks little."""
    _synced(on)
    on.incremental()
    before = on.calls
    counts = on.incremental()
    assert (counts.created, counts.updated, counts.deleted) == (0, 0, 0)
    assert on.calls - before <= 4


@behaviour("Incremental", needs="incremental")
def at_the_edge(on: Stage) -> None:
    """What changes in the very moment of a sync is not lost, however coarse the vendor's clock."""
    _synced(on)
    for _ in range(3):
        on.change(creates=1, updates=1)
        on.incremental()
        on.change(updates=1)
    _let_show(on)
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="tie")
def ties(on: Stage) -> None:
    """Many records that changed in one moment are all read, across pages."""
    _synced(on)
    assert on.it.tie is not None
    on.it.tie(on.vendor)
    _let_show(on)
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="lag")
def what_shows_late(on: Stage) -> None:
    """A change that the vendor shows late is brought by a later sync."""
    _synced(on)
    assert on.it.lag is not None
    on.it.lag(on.vendor)
    on.change(creates=1, updates=1)
    on.incremental()
    _let_show(on)
    on.incremental()
    assert on.differences == []


@behaviour("Incremental", needs="incremental")
def from_a_date(on: Stage) -> None:
    """A from-date sync of a time before everything brings everything; of the future, nothing."""
    on.connect()
    on.change(creates=4)
    assert on.since(now() + timedelta(days=2), now() + timedelta(days=3)).created == 0
    on.since(now() - timedelta(days=3650))
    assert on.differences == []


# -- deletions ----------------------------------------------------------------------------------


@behaviour("Deletions", needs="sees_deletes")
def deletions_at_once(on: Stage) -> None:
    """An incremental sync marks what was deleted."""
    _synced(on)
    on.change(archives=2)
    _let_show(on)
    assert on.incremental().deleted == 2
    assert on.differences == []
    assert {row["_deleted_by"] for row in on.rows(deleted=True)} == {"vendor"}


@behaviour("Deletions")
def deletions_by_a_full_sync(on: Stage) -> None:
    """A full sync marks what is not there any more."""
    _synced(on)
    on.age()
    on.change(archives=2)
    _let_show(on)
    on.full()
    assert on.differences == []
    assert len(on.rows(deleted=True)) == 2


@behaviour("Deletions", needs="silent_deletions")
def too_many_deletions(on: Stage) -> None:
    """A full sync that would mark most records, without the vendor's word, asks a person first."""
    _synced(on)
    on.change(archives=9)
    _let_show(on)
    with pytest.raises(TooManyDeletes):
        on.full()
    on.full(accept_deletes=True)
    assert on.differences == []


@behaviour("Deletions", needs="restore")
def restored(on: Stage) -> None:
    """A record that comes back is live again."""
    _synced(on)
    (id,) = on.change(archives=1)["archived"]
    _let_show(on)
    on.full()
    assert len(on.rows(deleted=True)) == 1
    assert on.it.restore is not None
    on.it.restore(on.vendor, id)
    _let_show(on)
    on.full()
    assert on.rows(deleted=True) == []
    assert on.differences == []


# -- failures -----------------------------------------------------------------------------------


@behaviour("Failures")
def told_to_wait(on: Stage) -> None:
    """A rate limit, in the vendor's own form, is waited for."""
    _synced(on)
    on.change(creates=1)
    on.vendor.fail(kind="status", status=429, retry_after=0, times=2, path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Failures", needs="limited")
def within_the_limits(on: Stage) -> None:
    """With the declared rate limits the vendor never has to refuse a call."""
    on.connect()
    on.change(creates=on.it.page + 3)
    on.full()
    on.incremental()
    assert on.vendor.statuses[429] == 0
    assert on.differences == []


@behaviour("Failures")
def a_server_error(on: Stage) -> None:
    """An HTTP 503 is tried again."""
    _synced(on)
    on.change(creates=1)
    on.vendor.fail(kind="status", status=503, path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Failures")
def an_outage(on: Stage) -> None:
    """An outage fails the sync with a sentence, deletes nothing, and the next sync mends all."""
    _synced(on)
    on.change(creates=1)
    on.vendor.fail(kind="status", status=503, times=100, path=on.it.reads)
    with pytest.raises(VendorUnavailable):
        on.full()
    assert on.rows(deleted=True) == []
    on.vendor.faults.clear()
    on.full()
    assert on.differences == []


@behaviour("Failures")
def a_broken_connection(on: Stage) -> None:
    """A connection that is reset or cut in the middle of an answer is tried again."""
    _synced(on)
    on.change(creates=1)
    on.vendor.fail(kind="reset", path=on.it.reads)
    on.vendor.fail(kind="cut", path=on.it.reads)
    on.full()
    assert on.differences == []


@behaviour("Failures")
def garbage(on: Stage) -> None:
    """An answer that cannot be read fails the sync and proves no deletion."""
    _synced(on)
    on.vendor.fail(kind="malformed", times=100, path=on.it.reads)
    with pytest.raises(UnexpectedResponse):
        on.full()
    on.vendor.faults.clear()
    assert on.rows(deleted=True) == []
    on.full()
    assert on.differences == []


@behaviour("Failures")
def broken_off(on: Stage) -> None:
    """A full read that broke off after its first page ends whole the next time."""
    _synced(on)
    on.change(creates=2 * on.it.page + 1)
    on.vendor.fail(kind="status", status=503, times=100, after=1, path=on.it.reads)
    with pytest.raises(VendorUnavailable):
        on.full()
    on.vendor.faults.clear()
    on.full()
    assert on.differences == []
    assert on.rows(deleted=True) == []


# -- the account --------------------------------------------------------------------------------


@behaviour("The account")
def named(on: Stage) -> None:
    """The account is known by an id of the vendor's, so that another one is noticed."""
    on.connect()
    assert on.platform.connection(CONNECTION).account_id


@behaviour("The account")
def a_wrong_key(on: Stage) -> None:
    """Credentials that are not accepted make no connection."""
    secret = dict.fromkeys(on.it.secret, "not-a-credential") | {"token": "not-a-credential"}
    with pytest.raises(SyncPlatformError) as refused:
        on.connect(secret=secret)
    assert "not-a-credential" not in str(refused.value)
    assert on.platform.connections() == []


@behaviour("The account", needs="revoke")
def revoked(on: Stage) -> None:
    """A sign-in that is revoked fails the sync, flags the connection and deletes nothing."""
    _synced(on)
    assert on.it.revoke is not None
    on.it.revoke(on.vendor)
    with pytest.raises(NeedsReauth):
        on.full()
    connection = on.platform.connection(CONNECTION)
    assert connection.status is ConnectionStatus.NEEDS_REAUTH
    assert on.rows(deleted=True) == []


@behaviour("The account", needs="forbid")
def forbidden(on: Stage) -> None:
    """A missing permission is told as one, and deletes nothing."""
    _synced(on)
    assert on.it.forbid is not None
    on.it.forbid(on.vendor)
    with pytest.raises(NotPermitted):
        on.full()
    assert on.platform.connection(CONNECTION).status is ConnectionStatus.NEEDS_ATTENTION
    assert on.rows(deleted=True) == []


# -- fields -------------------------------------------------------------------------------------


@behaviour("Fields", needs="new_field")
def a_new_field(on: Stage) -> None:
    """A field that is new at the vendor becomes a column at the next full sync."""
    _synced(on)
    assert on.it.new_field is not None
    column = on.it.new_field(on.vendor)
    on.full()
    assert column in on.rows()[0]
    assert on.differences == []


@behaviour("Fields", needs="drop_field")
def a_field_that_is_gone(on: Stage) -> None:
    """A field that is gone at the vendor keeps its column."""
    _synced(on)
    assert on.it.drop_field is not None
    column = on.it.drop_field(on.vendor)
    on.full()
    assert column in on.rows()[0]


@behaviour("Fields", needs="rename_field")
def a_renamed_field(on: Stage) -> None:
    """A field that is renamed at the vendor keeps its column, under the new name."""
    _synced(on)
    assert on.it.rename_field is not None
    before, after = on.it.rename_field(on.vendor)
    on.full()
    assert after in on.rows()[0]
    assert before not in on.rows()[0]
    assert on.differences == []


def _synced(on: Stage) -> None:
    """Ten records that are in the table."""
    on.connect()
    on.change(creates=10)
    _let_show(on)
    on.sync(SyncMode.INCREMENTAL)


def _let_show(on: Stage) -> None:
    if on.it.settled is not None:
        on.it.settled(on.vendor)
