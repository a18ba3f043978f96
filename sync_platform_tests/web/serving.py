"""Serves the web face over real HTTP on loopback, from a thread of this process."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import uvicorn

from sync_platform.platform import Platform
from sync_platform.sandbox.serving import Server
from sync_platform.web.app import create_app

PASSWORD = "correct horse battery"


@contextmanager
def served(platform: Platform) -> Iterator[str]:
    """The address, until the block ends. It becomes the platform's public one, unless that is
    https: then the app is served as if behind a proxy."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if not platform.settings.public_url.startswith("https://"):
        platform.settings = replace(platform.settings, public_url=url)
    server = Server(
        uvicorn.Config(
            create_app(platform),
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield url
    finally:
        while thread.is_alive():
            server.end()
            thread.join(0.05)
        listener.close()


class Visitor(httpx.Client):
    """A browser without a screen: keeps cookies, sends the CSRF token of the page it looked at."""

    csrf = ""

    def look(self, path: str) -> httpx.Response:
        """Open a page, after redirects; its forms' token is kept and sent from now on."""
        answer = self.get(path, follow_redirects=True)
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
        if found:
            self.csrf = found[1]
            self.headers["X-CSRF-Token"] = self.csrf
        return answer

    def submit(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form of the page last looked at, as a browser does."""
        self.headers.pop("X-CSRF-Token", None)
        answer = self.post(path, data={"csrf": self.csrf, **fields})
        if self.csrf:
            self.headers["X-CSRF-Token"] = self.csrf
        return answer


def visitor(url: str) -> Visitor:
    """A browser that has not been here before."""
    return Visitor(base_url=url, timeout=30)


def sign_in(url: str, platform: Platform, email: str = "ann@example.com") -> Visitor:
    """A browser with the session of an admin of that address; who is new has no password: to make
    one takes longer than most tests."""
    browser = visitor(url)
    platform.access.admin_link(email)
    (person,) = (each for each in platform.access.people() if each.email == email)
    token = platform.access.begin_session(person)
    browser.cookies.set("sync_platform_session", token, domain=browser.base_url.host)
    browser.look("/settings/account")
    return browser
