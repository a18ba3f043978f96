"""One-time links and sessions, as time passes."""

import threading
from datetime import timedelta

import pytest

from sync_platform.engine.access import Role, Scope
from sync_platform.errors import (
    ConfigurationError,
    NotSignedIn,
)
from sync_platform.settings import Settings
from sync_platform.waist.access import Access
from sync_platform_tests.access.conftest import PASSWORD, stored, token_of
from sync_platform_tests.fakes import FakeClock

HOME = "192.0.2.7"


# -- one-time links ----------------------------------------------------------------------------


def test_a_link_works_once(access: Access) -> None:
    token = token_of(access.admin_link())
    session = access.choose_password(token, PASSWORD)
    caller = access.by_session(session)
    assert caller is not None
    assert (caller.name, caller.scopes) == ("admin@localhost", frozenset(Scope))
    with pytest.raises(NotSignedIn, match="has been used"):
        access.choose_password(token, PASSWORD)


def test_of_two_who_use_a_link_at_once_one_comes_in(access: Access) -> None:
    token = token_of(access.admin_link())
    came_in: list[str] = []
    turned_away: list[NotSignedIn] = []

    def use() -> None:
        try:
            came_in.append(access.choose_password(token, PASSWORD))
        except NotSignedIn as error:
            turned_away.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(came_in), len(turned_away)) == (1, 3)


def test_a_link_works_for_a_day(access: Access, clock: FakeClock) -> None:
    token = token_of(access.admin_link())
    clock.pass_by(timedelta(hours=23, minutes=59))
    assert access.whose_link(token).email == "admin@localhost"
    clock.pass_by(timedelta(minutes=1))
    with pytest.raises(NotSignedIn):
        access.whose_link(token)


def test_a_newer_link_replaces_the_one_before(access: Access) -> None:
    older, newer = token_of(access.admin_link()), token_of(access.admin_link())
    assert access.whose_link(newer)
    with pytest.raises(NotSignedIn):
        access.whose_link(older)


def test_a_short_password_is_refused_and_the_link_still_works(access: Access) -> None:
    token = token_of(access.admin_link())
    with pytest.raises(ConfigurationError, match="at least 12"):
        access.choose_password(token, "eleven chrs")
    assert access.choose_password(token, "twelve chars")


def test_the_first_link_is_offered_until_an_admin_can_sign_in(access: Access) -> None:
    assert access.first_link()
    assert access.first_link(), "nobody used the first one"
    access.choose_password(token_of(access.first_link() or ""), PASSWORD)
    assert access.first_link() is None


def test_an_admins_link_lets_a_disabled_or_demoted_one_back_in(access: Access, ann: str) -> None:
    access.add_person("bob@example.com", Role.ADMIN)
    access.disable(access.person(ann).id)
    access.set_role(access.person(ann).id, Role.MEMBER)
    access.admin_link(ann)
    person = access.person(ann)
    assert (person.role, person.disabled_at) == (Role.ADMIN, None)


def test_with_several_admins_a_link_must_say_whose(access: Access, ann: str) -> None:
    access.add_person("bob@example.com", Role.ADMIN)
    with pytest.raises(ConfigurationError, match=r"ann@example\.com, bob@example\.com"):
        access.admin_link()


# -- sessions ----------------------------------------------------------------------------------


def test_a_session_ends_twelve_hours_after_its_last_use(
    access: Access, ann: str, clock: FakeClock
) -> None:
    token = access.sign_in(ann, PASSWORD, address=HOME)
    for _ in range(3):
        clock.pass_by(timedelta(hours=11))
        assert access.session(token)
    clock.pass_by(timedelta(hours=12))
    assert access.session(token) is None


def test_a_session_ends_after_fourteen_days_of_use(
    access: Access, ann: str, clock: FakeClock
) -> None:
    token = access.sign_in(ann, PASSWORD, address=HOME)
    hours = 0
    while access.session(token):
        clock.pass_by(timedelta(hours=6))
        hours += 6
    assert hours == 14 * 24


def test_a_new_password_ends_all_sessions(access: Access, ann: str) -> None:
    before = [access.sign_in(ann, PASSWORD, address=HOME) for _ in range(2)]
    person = access.person(ann)
    with pytest.raises(NotSignedIn):
        access.change_password(person, "wrong horse battery", "another password", address=HOME)
    fresh = access.change_password(person, PASSWORD, "another password", address=HOME)
    assert [access.session(token) for token in before] == [None, None]
    assert access.session(fresh)
    assert access.sign_in(ann, "another password", address=HOME)


def test_a_disabled_persons_sessions_and_password_end(access: Access, ann: str) -> None:
    access.add_person("bob@example.com", Role.ADMIN)
    token = access.sign_in(ann, PASSWORD, address=HOME)
    access.disable(access.person(ann).id)
    assert access.session(token) is None
    with pytest.raises(NotSignedIn):
        access.sign_in(ann, PASSWORD, address=HOME)
    access.enable(access.person(ann).id)
    assert access.session(token) is None
    assert access.sign_in(ann, PASSWORD, address=HOME)


def test_sign_out_ends_one_session(access: Access, ann: str) -> None:
    one, other = (access.sign_in(ann, PASSWORD, address=HOME) for _ in range(2))
    access.sign_out(one)
    assert access.session(one) is None
    assert access.session(other)


def test_the_store_keeps_no_token_and_no_password(
    access: Access, ann: str, settings: Settings
) -> None:
    session = access.sign_in(ann, PASSWORD, address=HOME)
    link = token_of(access.admin_link(ann))
    _, key = access.make_key("report", {Scope.READ}, by=ann)
    with pytest.raises(NotSignedIn):
        access.sign_in("hunter2 typed in the wrong field", "x", address=HOME)
    tables = ("people", "sessions", "one_time_links", "api_keys", "attempts")
    kept = "\n".join(stored(settings, table) for table in tables)
    assert "$argon2id$" in kept
    for secret in (session, link, key, PASSWORD, "hunter2"):
        assert secret not in kept
        assert secret.encode().hex() not in kept
