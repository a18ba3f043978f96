"""What `up` says: the lines of its parts, each with the part's name before it, without secrets."""

import re
import sys
from collections.abc import Callable, Collection
from threading import Lock
from urllib.parse import unquote

from sync_platform.settings import Settings
from sync_platform.store.addresses import parameters

SHORTEST = 4  # characters; a shorter password would blot out words
WIDTH = len("code-server")


class Telling:
    """Writes lines to standard output, from any thread."""

    def __init__(
        self, secrets: Collection[str], write: Callable[[str], object] = sys.stdout.write
    ) -> None:
        self._write = write
        self._one_at_a_time = Lock()
        found = sorted({each for each in secrets if len(each) >= SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, found))) if found else None

    def hear(self, name: str, line: str) -> None:
        """A line that a part said."""
        shown = self._secrets.sub("…", line) if self._secrets else line
        with self._one_at_a_time:
            self._write(f"{name:<{WIDTH}} | {shown}\n")
            sys.stdout.flush()

    def say(self, sentence: str) -> None:
        """What happens, in the words of `up` itself."""
        for line in sentence.splitlines():
            self.hear("up", line)


def secrets_of(settings: Settings) -> set[str]:
    """What no line may show: libraries quote addresses and settings in their errors."""
    database_url = settings.database_url or ""
    password = str(parameters(database_url).get("password", ""))
    written = re.search(r"://[^/@]*:([^@/]*)@", database_url)  # as the url has it, with its %40
    return {
        password,
        written.group(1) if written else "",
        unquote(written.group(1)) if written else "",
        *(settings.keys or ()),
        *(secret for _, secret in settings.oauth_clients.values()),
        settings.openid_client_secret or "",
    }
