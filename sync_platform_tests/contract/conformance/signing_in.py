"""What every connector is held to: whose account it is, and staying signed in."""

import pytest

from sync_platform.engine.connections import ConnectionStatus
from sync_platform.errors import NeedsReauth, NotPermitted, SyncPlatformError
from sync_platform_tests.contract.conformance.behaviours import behaviour
from sync_platform_tests.contract.conformance.stage import CONNECTION, Stage


@behaviour("Signing in")
def named(on: Stage) -> None:
    """The account is known by an id of the vendor's, so that another one is noticed."""
    on.connect()
    assert on.platform.connection(CONNECTION).account_id


@behaviour("Signing in")
def a_wrong_key(on: Stage) -> None:
    """Credentials that are not accepted make no connection."""
    secret = dict.fromkeys(on.it.secret, "not-a-credential") | {"token": "not-a-credential"}
    with pytest.raises(SyncPlatformError) as refused:
        on.connect(secret=secret)
    assert "not-a-credential" not in str(refused.value)
    assert on.platform.connections() == []


@behaviour("Signing in", needs="revoke")
def revoked(on: Stage) -> None:
    """A sign-in that is revoked fails the sync, flags the connection and deletes nothing."""
    on.synced()
    assert on.it.revoke is not None
    on.it.revoke(on.vendor)
    with pytest.raises(NeedsReauth):
        on.full()
    connection = on.platform.connection(CONNECTION)
    assert connection.status is ConnectionStatus.NEEDS_REAUTH
    assert on.rows(deleted=True) == []


@behaviour("Signing in", needs="forbid")
def forbidden(on: Stage) -> None:
    """A missing permission is told as one, and deletes nothing."""
    on.synced()
    assert on.it.forbid is not None
    on.it.forbid(on.vendor)
    with pytest.raises(NotPermitted):
        on.full()
    assert on.platform.connection(CONNECTION).status is ConnectionStatus.NEEDS_ATTENTION
    assert on.rows(deleted=True) == []


@behaviour("Signing in", needs="oauth")
def ended_while_reading(on: Stage) -> None:
    """An access token that ends in the middle of a sync is renewed once, and nothing is lost."""
    on.sign_in()
    on.change(creates=on.it.page + 1)
    on.let_show()
    given = len(on.oauth.issued)
    on.while_reading(on.expire)
    on.full()
    assert on.vendor.statuses[401] == 1
    assert len(on.oauth.issued) == given + 1
    assert on.differences == []


@behaviour("Signing in", needs="lifetime", timed=True)
def renewed_in_time(on: Stage) -> None:
    """An access token is renewed before it ends, also in the middle of a sync: none is refused."""
    on.sign_in()
    on.change(creates=on.it.page + 1)
    on.let_show()
    given = len(on.oauth.issued)
    on.while_reading(lambda: on.clock.sleep(on.oauth.lasts - 60))
    on.full()
    on.clock.sleep(90)
    on.full()
    assert on.vendor.statuses[401] == 0
    assert len(on.oauth.issued) == given + 1
    assert on.differences == []


@behaviour("Signing in", needs="rotates")
def rotated(on: Stage) -> None:
    """Where each renewal gives a new refresh token, that one is kept, and no old one is used."""
    on.sign_in()
    seen = {on.kept["refresh_token"]}
    for _ in range(3):
        on.expire()
        on.change(creates=1)
        on.incremental()
        assert list(on.oauth.refresh_tokens) == [on.kept["refresh_token"]]
        seen.add(on.kept["refresh_token"])
    assert (len(seen), on.oauth.reused) == (4, 0)
    on.let_show()
    on.incremental()
    assert on.differences == []


@behaviour("Signing in", needs="oauth")
def signed_in_anew(on: Stage) -> None:
    """A renewal that is refused asks for a new sign-in, which keeps table and cursor."""
    on.sign_in()
    on.change(creates=10)
    on.let_show()
    on.incremental()
    cursor = on.platform.cursors.get(on.target)
    with on.vendor.lock:
        on.oauth.revoke()
    with pytest.raises(NeedsReauth, match=f"Reconnect {CONNECTION}"):
        on.incremental()
    connection = on.platform.connection(CONNECTION)
    assert connection.status is ConnectionStatus.NEEDS_REAUTH
    assert f"Reconnect {CONNECTION}" in str(connection.status_reason)
    on.sign_in(again=True)
    assert on.platform.connection(CONNECTION).status is ConnectionStatus.ACTIVE
    assert on.platform.cursors.get(on.target) == cursor
    on.change(creates=1)
    on.let_show()
    counts = on.incremental() + on.incremental()  # the first ends what was interrupted
    assert (counts.created, counts.updated, counts.deleted) == (1, 0, 0)
    assert on.differences == []
