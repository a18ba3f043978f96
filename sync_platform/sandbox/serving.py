"""Serves a sandbox vendor over real HTTP on loopback, from a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sync_platform.sandbox.vendor import Vendor

AnyVendor = TypeVar("AnyVendor", bound=Vendor)


@contextmanager
def serve(vendor: AnyVendor, port: int = 0) -> Iterator[AnyVendor]:
    """Serve until the block ends; `vendor.url` says where. A handler that broke is raised here."""
    # Named as TCP, or asyncio leaves Nagle's delay on and every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    vendor.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
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
            timeout_graceful_shutdown=1,
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
            server.should_exit = True
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
