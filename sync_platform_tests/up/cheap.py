"""Processes that cost a few milliseconds: `python -m sync_platform_tests.up.cheap WHAT …`.

`stays [WORD …]` says the words and waits to be ended; `dies CODE [WORD …]` says them and ends;
`lingers` ends only when asked twice; `leaves` ends by itself, and leaves a process that stays.
"""

import signal
import subprocess
import sys
from types import FrameType


def on_first(number: int, frame: FrameType | None) -> None:
    print("asked once", flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main(what: str, *words: str) -> None:
    if what == "lingers":
        signal.signal(signal.SIGTERM, on_first)
    code = int(words[0]) if what == "dies" else 0
    for word in words[what == "dies" :]:
        print(word, flush=True)
    if what == "leaves":
        left = subprocess.Popen([sys.executable, "-m", __spec__.name, "stays", "left"])
        print(left.pid, flush=True)
        sys.exit(3)
    if what == "dies":
        sys.exit(code)
    print("stays", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
