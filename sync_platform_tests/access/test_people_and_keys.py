"""People and API keys."""

from datetime import timedelta

import pytest

from sync_platform.engine.access import Role, Scope, checked_email
from sync_platform.errors import (
    ConfigurationError,
    Refused,
    UnknownApiKey,
    UnknownPerson,
)
from sync_platform.waist.access import Access
from sync_platform_tests.access.conftest import PASSWORD
from sync_platform_tests.fakes import FakeClock

HOME = "192.0.2.7"


# -- people ------------------------------------------------------------------------------------


def test_members_see_and_sync_only(access: Access) -> None:
    link = access.add_person("Bob@Example.com", Role.MEMBER, "Bob")
    caller = access.by_session(access.choose_password(link.token, PASSWORD))
    assert caller is not None
    assert [scope for scope in Scope if caller.may(scope)] == [Scope.READ, Scope.SYNC]
    assert PASSWORD not in repr(caller)
    assert link.token not in repr(link)


def test_an_address_is_one_persons(access: Access, ann: str) -> None:
    with pytest.raises(Refused, match="already"):
        access.add_person(" ANN@example.com ", Role.MEMBER)


def test_the_last_admin_stays(access: Access, ann: str) -> None:
    access.add_person("bob@example.com", Role.MEMBER)
    for act in (access.disable, lambda id: access.set_role(id, Role.MEMBER)):
        with pytest.raises(Refused, match="No admin would be left"):
            act(access.person(ann).id)
    access.set_role(access.person("bob@example.com").id, Role.ADMIN)
    assert access.set_role(access.person(ann).id, Role.MEMBER).role is Role.MEMBER


def test_nobody_is_a_person_by_guessing(access: Access) -> None:
    for wrong in ("", "a@b@c", "no address", "a b@c", "x" * 250 + "@example.com"):
        with pytest.raises(ConfigurationError):
            checked_email(wrong)
    with pytest.raises(UnknownPerson):
        access.person("nobody@example.com")


# -- API keys ----------------------------------------------------------------------------------


def test_a_key_has_the_scopes_and_workspaces_it_was_made_with(access: Access) -> None:
    key, text = access.make_key("report", {Scope.READ, Scope.SYNC}, ["acme"], by="ann@example.com")
    assert text.startswith("sp_")
    assert text.startswith(key.hint)
    caller = access.by_key(text)
    assert caller is not None
    assert [scope for scope in Scope if caller.may(scope)] == [Scope.READ, Scope.SYNC]
    assert (caller.sees("acme"), caller.sees("other")) == (True, False)
    assert caller.name == "API key report"


def test_admin_includes_all_scopes_and_all_workspaces(access: Access) -> None:
    _, text = access.make_key("all", {Scope.ADMIN}, by="x")
    caller = access.by_key(text)
    assert caller is not None
    assert all(caller.may(scope) for scope in Scope)
    with pytest.raises(ConfigurationError, match="all workspaces"):
        access.make_key("some", {Scope.ADMIN}, ["acme"], by="x")


def test_a_keys_use_is_written_once_a_minute(access: Access, clock: FakeClock) -> None:
    _, text = access.make_key("report", {Scope.READ}, by="x")
    assert access.api_keys()[0].last_used_at is None
    first = clock.now()
    for seconds in (0, 30, 29):
        clock.pass_by(timedelta(seconds=seconds))
        assert access.by_key(text)
        assert access.api_keys()[0].last_used_at == first
    clock.pass_by(timedelta(seconds=1))
    access.by_key(text)
    assert access.api_keys()[0].last_used_at == clock.now()


def test_a_revoked_key_opens_nothing(access: Access) -> None:
    key, text = access.make_key("report", {Scope.READ}, by="x")
    assert access.revoke_key(key.id).revoked_at
    assert access.by_key(text) is None
    with pytest.raises(UnknownApiKey):
        access.revoke_key("report")


def test_keys_of_one_name_are_told_apart_by_their_beginnings(access: Access) -> None:
    one, _ = access.make_key("report", {Scope.READ}, by="x")
    two, kept = access.make_key("report", {Scope.READ}, by="x")
    with pytest.raises(Refused, match=one.hint):
        access.revoke_key("report")
    access.revoke_key(one.hint)
    assert access.by_key(kept)
    assert [key.id for key in access.api_keys() if not key.revoked_at] == [two.id]


@pytest.mark.parametrize("text", ["", "sp_", "sp_wrong", "x" * 10_000, "sp_" + "x" * 10_000])
def test_what_is_no_key_opens_nothing(access: Access, text: str) -> None:
    assert access.by_key(text) is None


def test_a_key_needs_name_scope_and_workspaces(access: Access) -> None:
    for name, scopes, schemas in (
        (" ", {Scope.READ}, None),
        ("x" * 81, {Scope.READ}, None),
        ("report", set[Scope](), None),
        ("report", {Scope.READ}, []),
    ):
        with pytest.raises(ConfigurationError):
            access.make_key(name, scopes, schemas, by="x")
