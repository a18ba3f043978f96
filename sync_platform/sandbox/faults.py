"""Faults on demand: a sandbox vendor can be told to fail its next answers the way networks do."""

import asyncio
import fnmatch
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any, Literal, get_args

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal["status", "html", "reset", "slow", "cut", "malformed"]
Connections = Mapping[tuple[str, int], asyncio.Transport]


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the next `times` answers whose path matches.

    `status` answers with an error and does nothing; `html` too, with a page, as proxies do; `reset`
    drops the connection and does nothing; `slow` waits first; `cut` and `malformed` do what was
    asked and then spoil the answer.
    """

    kind: Kind
    times: int = 1
    after: int = 0  # so many matching answers go well first
    path: str | None = None
    status: int = 500
    retry_after: float | None = None
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"No fault {self.kind!r}; there are {', '.join(get_args(Kind))}.")

    def strikes(self, path: str) -> bool:
        """Whether it spoils the answer to a call of this path that has just come; counts it."""
        if self.path is not None and not fnmatch.fnmatchcase(path, self.path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


def fault_from(wanted: Mapping[str, Any]) -> Fault:
    """The fault that an admin call describes; a word it does not know is refused."""
    unknown = set(wanted) - {known.name for known in fields(Fault)}
    if unknown or "kind" not in wanted:
        raise ValueError(f"A fault has a kind; unknown here: {', '.join(sorted(unknown)) or '-'}.")
    return Fault(**wanted)


async def reset(connections: Connections, scope: Scope, receive: Receive) -> None:
    """Drop the connection with a TCP reset instead of a goodbye."""
    transport = connections[scope["client"]]
    linger_not_at_all = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all
    )
    transport.abort()
    await _disconnected(receive)


async def cut(
    app: ASGIApp, connections: Connections, scope: Scope, receive: Receive, send: Send
) -> None:
    """Announce the whole answer, send half of it and hang up."""
    answer = await _collect(app, scope, receive)
    half = answer.body[: len(answer.body) // 2]
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.headers]
    lines.append(b"content-length: " + str(max(len(answer.body), 1)).encode())
    transport = connections[scope["client"]]
    transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + half)
    transport.close()
    await _disconnected(receive)


async def malformed(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 with JSON that stops in the middle, under a length that fits."""
    answer = await _collect(app, scope, receive)
    body = answer.body[: len(answer.body) // 2] or b'{"results": ['
    headers = [*answer.headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    """What the app would have sent, without its content-length."""
    answer = _Answer(200, [], b"")

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [
                (name, value)
                for name, value in message["headers"]
                if name.lower() != b"content-length"
            ]
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
