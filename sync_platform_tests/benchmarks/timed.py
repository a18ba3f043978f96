"""Runs a command and tells its seconds, its processor seconds and its peak memory, as JSON.

A process of its own: what a child's peak is counted from is the memory of its parent.
"""

import json
import os
import sys
import time


def main(into: str, command: list[str]) -> int:
    """Writes the figures to the file `into`; the command's own exit code."""
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    seconds = time.perf_counter() - begun
    with open(into, "w") as file:
        json.dump(
            {
                "seconds": seconds,
                "processor": used.ru_utime + used.ru_stime,
                "megabytes": used.ru_maxrss / 1024,
            },
            file,
        )
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
