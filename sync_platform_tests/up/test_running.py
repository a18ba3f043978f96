"""What `up` does around its parts."""

import socket
from pathlib import Path

from sync_platform.store.standing import held, lock_of
from sync_platform.up.running import held_up, notify_service_manager


def test_systemd_is_told_when_all_is_ready(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notify_service_manager(str(tmp_path / "notify"))
        assert systemd.recv(100) == b"READY=1"


def test_nobody_is_told_without_systemd() -> None:
    notify_service_manager("")


def test_an_up_holds_a_lock_of_its_own_for_as_long_as_it_lives(database: str) -> None:
    with held_up(database, "1234"):
        assert held(database, [lock_of("1234")]) == {lock_of("1234")}
    assert held(database, [lock_of("1234")]) == set()
