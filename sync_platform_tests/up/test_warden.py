"""Whatever kills `up`: nothing that it started is left."""

import os
import tempfile
from pathlib import Path

from sync_platform_tests.store.processes import process
from sync_platform_tests.up.conftest import lives, until

KEEPER = """
import sys
from pathlib import Path
from sync_platform.up.supervising import Part, Supervisor
from sync_platform.up.warden import Warden

locked = open(sys.argv[1], "w")
warden = Warden(None, keep=[locked.fileno()])
it = Supervisor(hear=lambda name, line: print(line, flush=True), say=print, watcher=warden)
cheap = "sync_platform_tests.up.cheap"
it.add(Part(name="web", arguments=(cheap, "leaves"), cwd=Path.cwd()))
input()
it.check()
input()
it.stop()
warden.close()
print("closed", flush=True)
input()
"""


def test_what_was_started_ends_when_the_supervisor_is_killed() -> None:
    with tempfile.NamedTemporaryFile() as file, process(KEEPER, file.name) as keeper:
        pid = int(keeper.hear())
        assert keeper.hear() == "left"
        assert lives(pid)
        keeper.kill()
        until(lambda: not lives(pid))
        until(lambda: holders(file.name) == [])  # the warden has gone as well


def test_the_warden_ends_with_a_supervisor_that_stops_by_itself() -> None:
    with tempfile.NamedTemporaryFile() as file, process(KEEPER, file.name) as keeper:
        pid = int(keeper.hear())
        keeper.go_on()
        keeper.go_on()
        while keeper.hear() != "closed":
            pass
        assert not lives(pid)
        assert holders(file.name) == [keeper.popen.pid]


def holders(path: str) -> list[int]:
    """The processes, other than this one, that have the file open."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if any(os.readlink(each) == path for each in (entry / "fd").iterdir()):  # noqa: PTH115
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
