"""Serves a sandbox vendor from the command line, until it is told to stop.

Prints one line of JSON when it accepts connections: {"url": ..., "vendor": ..., "connect":
{"secret": {...}, "settings": {...}}, "client_id": ..., "client_secret": ...}; the latter two are
those of the one app that is registered for OAuth, where the vendor has that.
"""

import argparse
import errno
import importlib
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from sync_platform.sandbox.serving import serve
from sync_platform.sandbox.vendor import Vendor

SAVE_EVERY = 3.0

# Each module has `asked_for(wanted, *, empty, **usual) -> Vendor`: the vendor that the command line
# wants, filled with records unless `empty`; `usual` is what every vendor takes. A line each:
VENDORS = {
    "airtable": "sync_platform.sandbox.airtable",
    "google_sheets": "sync_platform.sandbox.google_sheets",
    "hubspot": "sync_platform.sandbox.hubspot",
    "salesforce": "sync_platform.sandbox.salesforce",
    "stripe": "sync_platform.sandbox.stripe",
    "xero": "sync_platform.sandbox.xero",
}


def main(arguments: Sequence[str] | None = None) -> int:
    wanted = _parser().parse_args(arguments)
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    file: Path | None = wanted.state
    resumed = file is not None and file.exists()
    usual = {
        "tokens": wanted.token or ["sandbox-token"],
        "seed": wanted.seed,
        "redirect_uris": wanted.redirect_uri,
    }
    vendor: Vendor = importlib.import_module(VENDORS[wanted.vendor]).asked_for(
        wanted, empty=resumed, **usual
    )
    try:
        if resumed and file is not None:
            vendor.load(file)
        elif file is not None:
            vendor.save(file)  # says now, not at the end, that it cannot be written
        with serve(vendor, wanted.port):
            said = {"url": vendor.url, "vendor": vendor.name, "connect": vendor.connecting()}
            if server := vendor.authorization_server():
                said |= {"client_id": server.client_id, "client_secret": server.client_secret}
            print(orjson.dumps(said).decode(), flush=True)
            _keep_going(vendor, stop, wanted.living, file)
    except (OSError, ValueError, KeyError) as problem:
        busy = isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE
        reason = f"port {wanted.port} is in use" if busy else f"{problem} (state: {file})"
        print(f"The sandbox cannot run: {reason}.", file=sys.stderr)
        return 2
    if file is not None:
        vendor.save(file)
    return 0


def _keep_going(
    vendor: Vendor, stop: threading.Event, living: float | None, file: Path | None
) -> None:
    """Let time pass: changes every so often, and the state saved where something changed."""
    saved = vendor.version()
    next_life = time.monotonic() + living if living else float("inf")
    next_save = time.monotonic() + SAVE_EVERY if file else float("inf")
    while not stop.wait(
        max(0.0, min(next_life, next_save, time.monotonic() + 60) - time.monotonic())
    ):
        if living and time.monotonic() >= next_life:
            vendor.live()
            next_life += living
        if file and time.monotonic() >= next_save:
            began = time.monotonic()
            if vendor.version() != saved:
                saved = vendor.version()
                vendor.save(file)
            took = time.monotonic() - began
            next_save = time.monotonic() + max(SAVE_EVERY, 20 * took)  # a big state, less often


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sync_platform.sandbox", description="Serve a fake vendor on loopback."
    )
    parser.add_argument("vendor", choices=sorted(VENDORS))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, metavar="FILE", help="continue from and save to")
    parser.add_argument("--contacts", type=int, default=1500, metavar="N")
    parser.add_argument("--others", type=int, default=200, metavar="N", help="of each other object")
    parser.add_argument("--living", type=float, metavar="SECONDS", help="change something so often")
    parser.add_argument("--search-lag", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--unlimited", action="store_true", help="no call limits")
    parser.add_argument("--token", action="append", help="a token to accept (repeatable)")
    parser.add_argument(
        "--redirect-uri",
        action="append",
        metavar="URI",
        help="where the OAuth app may be called back, exactly (repeatable; default: anywhere on "
        "loopback)",
    )
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
