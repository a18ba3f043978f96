"""The API that all of them read: quick, because its records are serialised before anyone asks.

`GET /records?limit=&cursor=&updated_since=&updated_before=` pages by cursor, oldest change first,
or by `offset`, and then tells the `total`; `GET /me` answers to anyone.
`POST /_stage?count=&stage=&latency=` (seconds) says what is there and forgets the count of calls,
which `GET /_calls` tells. The latency is from when a call came until its answer goes out.
"""

import asyncio
import sys
from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime
from selectors import SelectSelector
from urllib.parse import parse_qs, urlsplit

from sync_platform_tests.benchmarks import records

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
EARLY = 0.0005  # seconds before an answer is due that the vendor wakes: timers ring late


class Account:
    """What the vendor holds now."""

    def __init__(self) -> None:
        self.count = self.stage = self.calls = 0
        self.latency = 0.0
        self._bodies: list[bytes] = []
        self._times: list[datetime] = []
        self._base: list[bytes] = []  # the records of stage 0, which most of them stay

    def set(self, count: int, stage: int, latency: float) -> None:
        """Have these records from now on."""
        if len(self._base) != count:
            self._base = [records.written(number, 0) for number in range(count)]
        if (count, stage) != (self.count, self.stage):
            listed = []
            for number in range(count):
                version = records.version(number, stage)
                if version is not None:
                    body = records.written(number, version) if version else self._base[number]
                    listed.append((records.updated_at(number, version), body))
            listed.sort(key=lambda pair: pair[0])
            self._times = [moment for moment, _ in listed]
            self._bodies = [body for _, body in listed]
        self.count, self.stage, self.latency, self.calls = count, stage, latency, 0

    def page(self, asked: Mapping[str, str]) -> bytes:
        """One page of the listing, as JSON."""
        limit = int(asked.get("limit", 100))
        first, behind = self._place(asked.get("updated_since"), 0), len(self._bodies)
        if "offset" in asked:
            start = first + int(asked["offset"])
            found = b",".join(self._bodies[start : start + limit])
            return b'{"records":[%s],"total":%d}' % (found, behind - first)
        behind = self._place(asked.get("updated_before"), behind)
        start = int(asked.get("cursor", first))
        end = min(start + limit, behind)
        coming = b'"%d"' % end if end < behind else b"null"
        return b'{"records":[%s],"next":%s}' % (b",".join(self._bodies[start:end]), coming)

    def _place(self, moment: str | None, otherwise: int) -> int:
        """Of the first record that changed then or later."""
        return bisect_left(self._times, datetime.fromisoformat(moment)) if moment else otherwise


class Exchange(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, account: Account) -> None:
        self._account, self._heard = account, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        came = asyncio.get_running_loop().time()
        self._heard += data
        while b"\r\n\r\n" in self._heard:  # nobody sends a body
            head, _, self._heard = self._heard.partition(b"\r\n\r\n")
            self._answer(head.split(b" ", 2)[1].decode(), came)

    def _answer(self, target: str, came: float) -> None:
        account, parts = self._account, urlsplit(target)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/records":
            account.calls += 1
            answer, due = _whole(account.page(asked)), came + account.latency
            asyncio.get_running_loop().call_at(due - EARLY, self._send, answer, due)
            return
        if parts.path == "/_stage":
            account.set(int(asked["count"]), int(asked["stage"]), float(asked["latency"]))
        self._send(_whole(b"%d" % account.calls if parts.path == "/_calls" else b"{}"), came)

    def _send(self, answer: bytes, due: float) -> None:
        clock = asyncio.get_running_loop().time
        while clock() < due:
            pass
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _whole(body: bytes) -> bytes:
    return JSON % len(body) + body


def punctual() -> asyncio.AbstractEventLoop:
    """A loop that wakes when it should: by epoll, others wait up to a millisecond longer."""
    return asyncio.SelectorEventLoop(SelectSelector())


async def serve() -> None:
    """Serve on a free port, which is printed, until standard input ends."""
    account, loop = Account(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(account), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=punctual) as runner:
        runner.run(serve())
