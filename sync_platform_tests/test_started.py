"""How the tests start processes."""

import subprocess
import sys
from pathlib import Path

IGNORING = 'trap "" INT; exec "$0" -c "$1"'  # as `nohup … &` in a shell without job control
CHILD = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
TESTS = f"""
import subprocess, sys
{{before}}
subprocess.run([sys.executable, "-c", {CHILD!r}], check=True)
"""


def heard_by_what_is_started(before: str) -> str:
    """Whether Ctrl-C ends what a process starts whose own shell had it ignored."""
    words = ["/bin/sh", "-c", IGNORING, sys.executable, TESTS.format(before=before)]
    here = Path(__file__).parents[1]
    ended = subprocess.run(words, cwd=here, stdout=subprocess.PIPE, text=True, check=True)
    return ended.stdout.strip()


def test_ctrl_c_reaches_what_tests_start_in_a_shell_that_ignores_it() -> None:
    assert heard_by_what_is_started("") == "False"
    assert heard_by_what_is_started("import sync_platform_tests.conftest") == "True"
