"""Dagster's daemon, which may run only once a database: whoever holds the lock runs it, the others
stand by.

The daemon runs in the very process that holds the lock, so neither can be without the other. The
process ends as soon as it no longer holds it; it is then started again, and stands by.
"""

import os
import sys
import threading
from time import sleep
from typing import NoReturn

from sync_platform.embedded import server_url
from sync_platform.errors import RetryLater, StoreUnavailable
from sync_platform.settings import Settings
from sync_platform.store.standing import Standing

DAEMON = "dagster daemon"  # the lock's name
TRY_EVERY = 2.0  # seconds between two tries to take over
CHECK_EVERY = 5.0  # seconds; together with the 15 that a check may take, less than the server's 60
LOST = 75  # exit code: try again


def main() -> None:
    """Stand by for the lock, then be the daemon: `python -m sync_platform.up.standby WORKSPACE`."""
    settings = Settings.from_env()
    lock = Standing(server_url(settings.database_url, settings.home), DAEMON)
    stand_by(lock)
    threading.Thread(target=end_when_lost, args=(lock,), name="lock", daemon=True).start()
    from dagster._daemon.cli import main as daemon

    sys.argv = ["dagster-daemon", "run", "-w", sys.argv[1]]
    daemon()


def stand_by(lock: Standing) -> None:
    """Wait until the lock is ours."""
    told = ""
    while True:
        try:
            if lock.take():
                say("This process is the daemon now.")
                return
            news = "Another process runs the daemon; this one stands by to take over."
        except StoreUnavailable as error:
            news = str(error)
        if news != told:
            say(news)
            told = news
        sleep(TRY_EVERY)


def end_when_lost(lock: Standing) -> NoReturn:
    """End this process when the lock is lost, at once: another may be the daemon already."""
    while True:
        sleep(CHECK_EVERY)
        try:
            lock.check()
        except RetryLater as error:
            say(f"The daemon's lock is lost, so this daemon ends. {error}")
            os._exit(LOST)


def say(sentence: str) -> None:
    """One line for the log."""
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
