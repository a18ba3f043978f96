"""Parts are started in order, started again when they die, and stopped with all they started."""

import pytest

from sync_platform.errors import Unexpected
from sync_platform.up.supervising import Restarts, Supervisor
from sync_platform_tests.up.conftest import Heard, lives, part, until


def test_a_part_that_dies_is_started_again_and_it_is_said(
    supervisor: Supervisor, heard: Heard
) -> None:
    supervisor.add(part("web", "dies", "7", "hello"))
    until(lambda: checked(supervisor, heard.of("web").count("hello") == 2))
    assert "web ended by itself (exit code 7); it is started again in 0.01 s." in heard.of("up")


def checked(supervisor: Supervisor, holds: bool) -> bool:
    supervisor.check()
    return holds


def test_a_part_that_keeps_dying_ends_everything_with_the_last_that_it_said(
    supervisor: Supervisor,
) -> None:
    supervisor.add(part("web", "dies", "7", "no such database"))
    with pytest.raises(Unexpected) as raised:
        until(lambda: checked(supervisor, False))
    assert str(raised.value) == (
        "web ended by itself 3 times in a row (exit code 7). It said:\n  no such database"
    )


def test_a_part_that_was_killed_is_said_to_be_so(supervisor: Supervisor, heard: Heard) -> None:
    supervisor.add(part("web", "stays"))
    heard.waits_for("web", "stays")
    supervisor.signal("web", 9)  # type: ignore[arg-type]
    until(lambda: checked(supervisor, len(heard.of("web")) == 2))
    assert heard.of("up")[0].startswith("web ended by itself (killed by SIGKILL);")


def test_the_pauses_grow_until_a_part_has_lived_for_a_minute() -> None:
    restarts = Restarts()
    assert [restarts.pause(deaths) for deaths in (1, 2, 3, 9)] == [1, 2, 4, 30]


def test_who_lived_long_enough_begins_a_new_row_of_deaths(heard: Heard) -> None:
    forever = Restarts(most=1, first_pause=0.01, healthy_after=0)
    it = Supervisor(hear=heard.hear, say=heard.say, restarts=forever)
    it.add(part("web", "dies", "1", "hello"))
    until(lambda: checked(it, heard.of("web").count("hello") == 4))
    it.stop()


def test_a_part_waits_for_the_parts_that_it_needs(supervisor: Supervisor, heard: Heard) -> None:
    open_: list[bool] = []
    supervisor.add(
        part("code", "stays", ready=lambda: bool(open_)),
        part("daemon", "stays", after=("code",)),
    )
    heard.waits_for("code", "stays")
    supervisor.check()
    assert not supervisor.ready("code")
    open_.append(True)
    supervisor.check()
    heard.waits_for("daemon", "stays")
    supervisor.check()
    assert supervisor.ready()


def test_a_part_that_is_restarted_has_not_died(supervisor: Supervisor, heard: Heard) -> None:
    supervisor.add(part("web", "stays"))
    for times in range(1, 6):  # more often than it may die
        heard.waits_for("web", "stays", times)
        supervisor.restart("web")
        until(lambda times=times: checked(supervisor, len(heard.of("web")) > times))  # type: ignore[misc]
    assert heard.of("up") == []


def test_all_are_stopped_the_last_one_first(supervisor: Supervisor, heard: Heard) -> None:
    supervisor.add(part("code", "stays"), part("daemon", "stays"), part("web", "stays"))
    for name in ("code", "daemon", "web"):
        heard.waits_for(name, "stays")
    supervisor.stop()
    assert heard.of("up") == ["Stopping web …", "Stopping daemon …", "Stopping code …"]


def test_what_a_dead_part_has_started_is_stopped_with_the_others(
    supervisor: Supervisor, heard: Heard
) -> None:
    supervisor.add(part("code", "leaves"))
    heard.waits_for("code", "left")
    pid = int(next(line for line in heard.of("code") if line.isdigit()))
    until(lambda: checked(supervisor, len(heard.of("up")) == 1))
    assert lives(pid)  # such as a run: it may go on while its part is started again
    supervisor.stop()
    assert not lives(pid)


def test_a_part_has_time_to_end_unless_somebody_is_in_a_hurry(
    supervisor: Supervisor, heard: Heard
) -> None:
    supervisor.add(part("code", "lingers", patience=3600))
    heard.waits_for("code", "stays")
    supervisor.stop(hurry=lambda: "asked once" in heard.of("code"))
    assert heard.of("code") == ["stays", "asked once"]
