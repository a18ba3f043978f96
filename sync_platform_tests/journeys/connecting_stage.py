"""A person, a platform that may sign in to Books (and HubSpot), and Books."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sync_platform.engine.connections import Connection
from sync_platform.engine.signing_in import SignIn
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.settings import Settings
from sync_platform.waist.connecting import Connecting
from sync_platform_tests.books_vendor import CLIENT, FOLDER, Books
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.person import Person

HERE = "http://127.0.0.1:8000/connect/callback"
BROWSER = "a-cookie-that-nobody-else-has"


class LateClock(HastyClock):
    """The machine's time and what a test adds."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> Any:
        return super().now() + self.later


@dataclass
class Stage:
    """A platform with an OAuth client for both vendors, a person, and the vendors."""

    platform: Platform
    clock: LateClock
    books: Books
    person: Person

    @property
    def connecting(self) -> Connecting:
        return self.platform.connecting

    def begins(self, **asked: Any) -> Any:
        wanted = {"settings": {"login": self.books.url}, **asked}
        return self.connecting.begin("books", redirect_uri=HERE, browser=BROWSER, **wanted)

    def signs_in(self, account: str = "ann", **asked: Any) -> SignIn:
        """All the way to the vendor and back."""
        begun = self.begins(**asked)
        return self.connecting.finish(self.person.allows(begun.url, account), browser=BROWSER)

    def connects(self, name: str = "acme", organisation: str = "o1") -> Connection:
        sign_in = self.signs_in()
        self.connecting.answer(sign_in.id, {"organisation": organisation}, browser=BROWSER)
        return self.connecting.complete(sign_in.id, browser=BROWSER, name=name)

    def kept(self) -> list[Any]:
        """The sign-ins as the store has them."""
        with self.platform.database.statement() as session:
            rows = session.execute(
                "SELECT status, secret, state_hash FROM sync_platform.sign_ins ORDER BY begun_at"
            )
            return [tuple(row.values()) for row in rows]


@contextmanager
def staged(settings: Settings) -> Iterator[Stage]:
    """The stage, for the length of the block."""
    known = {"books": CLIENT, "hubspot": ("sandbox-client", "sandbox-secret")}
    clock = LateClock()
    platform = Platform(
        replace(settings, oauth_clients=known, connector_folders=(FOLDER,)), clock=clock
    )
    with serve(Books()) as books:
        yield Stage(platform, clock, books, Person())
    platform.close()
