"""A platform beside Parcels, a vendor that answers with whatever bytes a test gives it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from starlette.responses import Response

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.calls import Call, Endpoint
from sync_platform.sandbox.vendor import Vendor
from sync_platform.settings import Settings
from sync_platform_tests.books_vendor import FOLDER
from sync_platform_tests.conftest import HastyClock

SENT = "2024-01-01T00:00:00.000Z"


class Parcels(Vendor):
    """Answers each path with the bytes that a test gave it."""

    name = "parcels"

    def __init__(self) -> None:
        self.answers = {"/me": b"{}", "/fields": b"[]", "/stamps/gone": b'{"list": []}'}
        super().__init__()

    def endpoints(self) -> Sequence[Endpoint]:
        paths = ("/me", "/fields", "/parcels", "/stamps", "/stamps/gone", "/labels", "/exported")
        return [Endpoint("GET", path, self._answer) for path in paths]

    def check_token(self, call: Call) -> None:
        pass

    def _answer(self, call: Call) -> Response:
        return Response(self.answers[call.path], media_type="application/json")

    def list(self, path: str, *records: bytes) -> None:
        self.answers[path] = b'{"list": [' + b", ".join(records) + b"]}"


@dataclass
class Stage:
    platform: Platform
    vendor: Parcels
    filters: dict[str, str] = field(default_factory=dict)

    def sync(self, object: str, mode: SyncMode = SyncMode.INCREMENTAL) -> SyncResult:
        request = SyncRequest(target=Target("acme", object), mode=mode)
        return self.platform.sync(request).run(into=self.platform.destination)

    def select(self, query: str) -> list[Any]:
        with psycopg.connect(self.platform.database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def rejected(self) -> list[Any]:
        return self.select("SELECT key, record, reason FROM acme._rejected ORDER BY id")


@contextmanager
def staged(settings: Settings) -> Iterator[Stage]:
    """The connection acme to it."""
    platform = Platform(replace(settings, connector_folders=(FOLDER,)), clock=HastyClock())
    with serve(Parcels()) as vendor:
        secret = Secret({"token": "parcels-key"})
        platform.connect("parcels", "acme", secret, base_url=vendor.url)
        yield Stage(platform, vendor)
    platform.close()


def parcel(id: str, **values: Any) -> bytes:
    return json.dumps({"id": id, "weight": 1, "sent": SENT, "note": "", **values}).encode()


def holding(id: str, name: str, value: bytes) -> bytes:
    """A parcel with a value as it is written on the wire."""
    return parcel(id)[:-1] + b', "%s": %s}' % (name.encode(), value)
