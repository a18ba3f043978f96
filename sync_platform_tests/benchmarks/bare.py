"""What latency alone costs: all pages, one after the other, by a socket that does nothing else."""

import re
import socket
from time import perf_counter
from urllib.parse import urlsplit

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
NEXT = re.compile(rb'"next":"(\d+)"\}$')


def read_all(api: str, page_size: int) -> float:
    """The seconds that it takes to read the whole listing."""
    place = urlsplit(api)
    begun = perf_counter()
    with socket.create_connection((place.hostname, place.port)) as line:
        cursor = b""
        while True:
            asked = b"/records?limit=%d%s" % (page_size, cursor)
            line.sendall(b"GET %s HTTP/1.1\r\nHost: bench\r\n\r\n" % asked)
            found = NEXT.search(_body(line))
            if found is None:
                return perf_counter() - begun
            cursor = b"&cursor=" + found[1]


def _body(line: socket.socket) -> bytes:
    heard = bytearray()
    while b"\r\n\r\n" not in heard:
        heard += line.recv(1 << 20)
    head, _, body = bytes(heard).partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    assert length is not None
    parts, missing = [body], int(length[1]) - len(body)
    while missing:
        parts.append(line.recv(missing))
        missing -= len(parts[-1])
    return b"".join(parts)
