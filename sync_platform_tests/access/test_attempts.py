"""Failed sign-ins, which cost time."""

import threading
from datetime import timedelta

import psycopg
import pytest

from sync_platform.engine.access import block_after
from sync_platform.errors import NotSignedIn, TooManyAttempts
from sync_platform.settings import Settings
from sync_platform.waist.access import Access
from sync_platform_tests.access.conftest import PASSWORD
from sync_platform_tests.fakes import FakeClock

HOME = "192.0.2.7"


def test_blocks_double_up_to_an_hour() -> None:
    minutes = [block_after(failures, 5) / timedelta(minutes=1) for failures in range(4, 14)]
    assert minutes == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert block_after(10_000, 5) == timedelta(hours=1)


def test_after_five_failures_even_the_right_password_waits(
    access: Access, ann: str, clock: FakeClock
) -> None:
    for n in range(5):
        with pytest.raises(NotSignedIn):
            access.sign_in(ann, "wrong", address=f"192.0.2.{n}")
    with pytest.raises(TooManyAttempts) as refused:
        access.sign_in(ann, PASSWORD, address=HOME)
    assert refused.value.retry_after == 60
    clock.pass_by(timedelta(seconds=60))
    assert access.sign_in(ann, PASSWORD, address=HOME)
    with pytest.raises(NotSignedIn):  # and the count began anew
        access.sign_in(ann, "wrong", address=HOME)
    assert access.sign_in(ann, PASSWORD, address=HOME)


def fail_from(access: Access, settings: Settings, address: str, times: int) -> None:
    """So many failures from there; all but one are only written down: each takes a while."""
    with pytest.raises(NotSignedIn):
        access.sign_in("first@example.com", "wrong", address=address)
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(
            "UPDATE sync_platform.attempts SET failures = %s WHERE key LIKE 'address %%'", [times]
        )


def test_an_address_that_tries_many_names_is_blocked(
    access: Access, ann: str, settings: Settings
) -> None:
    fail_from(access, settings, "2001:db8::1", 19)
    with pytest.raises(NotSignedIn):
        access.sign_in("second@example.com", "wrong", address="2001:db8::2")
    with pytest.raises(TooManyAttempts):
        access.sign_in(ann, PASSWORD, address="2001:db8::ffff")
    assert access.sign_in(ann, PASSWORD, address="2001:db8:0:1::1"), "another household"


def test_a_password_that_is_known_does_not_free_an_address(
    access: Access, ann: str, settings: Settings
) -> None:
    fail_from(access, settings, HOME, 19)
    access.sign_in(ann, PASSWORD, address=HOME)
    with pytest.raises(NotSignedIn):
        access.sign_in("person@example.com", "wrong", address=HOME)
    with pytest.raises(TooManyAttempts):
        access.sign_in("person@example.com", "wrong", address=HOME)


def test_attempts_at_once_count_each(access: Access, ann: str) -> None:
    outcomes: list[str] = []

    def try_one() -> None:
        try:
            access.sign_in(ann, "wrong", address=HOME)
        except (NotSignedIn, TooManyAttempts) as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=try_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("not_signed_in") == 5
    assert outcomes.count("too_many_attempts") == 7
