"""A web face in a process of its own, and browsers that write down all that it answers."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from sync_platform.up.line_up import SERVE, answers
from sync_platform_tests.journeys.written import Written
from sync_platform_tests.web.serving import Visitor

# As `up` starts it, but with everything logged that anything in the process has to say.
LOUDLY = "import logging; logging.basicConfig(level=logging.DEBUG); import uvicorn; uvicorn.main()"
PATIENCE = 30.0  # seconds until it answers
COOKIE = re.compile(r"(sync_platform_\w+)=[^;]+;.*HttpOnly.*")
NAMELESS = re.compile(r"^/(welcome|connect/sign-ins|settings/people|settings/keys)/[^/]+")


@contextmanager
def web_process(port: int, env: Mapping[str, str], log: Path) -> Iterator[None]:
    """Serves the web face there until the block ends; its output goes to `log`."""
    command = [sys.executable, "-c", LOUDLY, *SERVE[1:], "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        it = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        end = monotonic() + PATIENCE
        while not answers(f"http://127.0.0.1:{port}/health/live"):
            assert it.poll() is None, log.read_text()
            assert monotonic() < end, log.read_text()
        yield
    finally:
        it.terminate()
        it.wait(20)


def watch(browser: httpx.Client, written: Written) -> None:
    """From now on everything that the browser is answered is written down, by its address; our
    cookies, which scripts cannot read, are left out."""

    def keep(response: httpx.Response) -> None:
        response.read()
        path = NAMELESS.sub(r"/\1/…", response.request.url.path)
        place = f"{response.request.method} {path}"
        for name, value in response.headers.multi_items():
            if name != "set-cookie":
                written.add(place, f"{name}: {value}")
                continue
            cookie = COOKIE.fullmatch(value) or COOKIE.fullmatch(value.replace('=""', "=none"))
            assert cookie, f"{place} sets a cookie that scripts can read: {value.split('=')[0]}"
        written.add(place, response.text)

    browser.event_hooks = {"response": [keep]}


def walk(browser: Visitor, start: Sequence[str]) -> set[str]:
    """Follow every link on our own pages from here; the paths that were seen."""
    seen: set[str] = set()
    open_ = list(start)
    while open_:
        path = open_.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = browser.get(path)
        found = [answer.headers.get("location", "")]
        if "text/html" in answer.headers.get("content-type", ""):
            found += re.findall(r'(?:href|src)="([^"]+)"', answer.text)
        for each in found:
            parts = urlsplit(each.replace("&amp;", "&"))
            if parts.path.startswith("/") and not parts.netloc:
                open_.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    return seen


def wait(api: httpx.Client, name: str) -> None:
    """Until nothing of the connection runs."""
    for _ in range(1000):
        found = api.get(f"/connections/{name}/syncs", params={"limit": 1}).json()["items"]
        if found and found[0]["status"] != "running" and not _waits(api, name, found[0]):
            return
    raise AssertionError(f"{name} is still being synced")


def _waits(api: httpx.Client, name: str, latest: dict[str, Any]) -> bool:
    asked = latest["request"]
    if asked is None:
        return False
    told = api.get(f"/connections/{name}/syncs/{asked}").json()
    return told["status"] in ("waiting", "running")
