"""Serves a sandbox vendor over real HTTP, from a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sync_platform.sandbox.vendor import Vendor

AnyVendor = TypeVar("AnyVendor", bound=Vendor)
TICK, GRACE = 0.1, 1.0  # seconds: uvicorn's own beat; for calls that are being answered at the end


class Server(uvicorn.Server):
    """Ends at once: by itself uvicorn takes tenths of a second, which hundreds of tests add up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Stop serving; may be called from any thread, and again."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed meanwhile
                self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        beats = 0
        while not await self.on_tick(beats):
            beats = (beats + 1) % 864_000
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if busy := set(self.server_state.tasks):
            _, late = await asyncio.wait(busy, timeout=GRACE)
            for task in late:
                task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # closed connections say so to their protocols


@contextmanager
def serve(vendor: AnyVendor, port: int = 0, host: str = "127.0.0.1") -> Iterator[AnyVendor]:
    """Serve until the block ends; `vendor.url` says where. A handler that broke is raised here."""
    # Named as TCP, or asyncio leaves Nagle's delay on and every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    vendor.url = f"http://{host}:{listener.getsockname()[1]}"
    server = Server(
        uvicorn.Config(
            vendor,
            http=_remembering_connections(vendor),
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=60,
        )
    )
    thread = threading.Thread(
        target=server.run, args=([listener],), name=f"sandbox {vendor.name}", daemon=True
    )
    thread.start()
    try:
        yield vendor
    finally:
        while thread.is_alive():
            server.end()
            thread.join(0.05)
        listener.close()
    if vendor.problems:
        raise RuntimeError(f"The {vendor.name} sandbox itself broke.") from vendor.problems[0]


def _remembering_connections(vendor: Vendor) -> type[asyncio.Protocol]:
    """A protocol that keeps hold of its transport, so that a fault can drop the connection."""

    class Remembering(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.peer: tuple[str, int] = transport.get_extra_info("peername")
            vendor.connections[self.peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            vendor.connections.pop(self.peer, None)
            super().connection_lost(exc)

    return Remembering
