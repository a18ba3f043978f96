"""Calls that the platform will make. Connectors describe calls; they never make them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from sync_platform.spec.api import Json
from sync_platform.spec.pages import Paginator, single_page

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class Read:
    """What one read is asked for; late parts of a Request are functions of it."""

    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive
    started_at: datetime | None = None  # when the sync began: the present, for who must say it
    fields: tuple[str, ...] = ()
    after: str | None = None  # set by keyset_pages: the last key that was read
    resume: Json = None  # for reads that are functions: the `resume` of the last page loaded
    filters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)  # the connection's own


@dataclass(frozen=True, kw_only=True)
class OutboundChange:
    """One create, update or delete to write to the vendor.

    `id` tells this change from all others, and stays the same however often it is sent: vendors
    that are given it (as an idempotency key) carry it out once.
    """

    kind: Literal["create", "update", "delete"]
    key: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid4()))
    settings: Mapping[str, str] = field(default_factory=dict)


Asked = Read | OutboundChange | Sequence[OutboundChange] | None  # what a call is made for


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call to the vendor.

    `path` is relative to the connector's base_url; "{key}", "{a_setting}" and "{a_value}" of a
    change are filled in, quoted.
    `params`, `json`, `form` and `headers` are values or functions of the Read or OutboundChange.
    `form` is sent instead of `json`, as HTML forms are, nested values as `a[b]`. `answers` "csv"
    gives a list of dicts of texts; `columns` are what its header line must have, so that nothing
    else passes for a list without records. `records` says where the list is in the answer, dotted;
    "" is the answer itself. `pages` says what comes next.

    A write that takes several changes `at_once` has its late parts given a list of OutboundChanges,
    at most so many, also where there is only one.
    """

    method: Method
    path: str
    params: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] = field(default_factory=dict)
    json: Json | Callable[[Any], Json] = None
    form: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None = None
    headers: Mapping[str, str] | Callable[[Any], Mapping[str, str]] = field(default_factory=dict)
    answers: Literal["json", "csv"] = "json"
    columns: Sequence[str] = ()  # of CSV; (): the key's, where rows are records as they come
    records: str = ""
    pages: Paginator = single_page
    safe_to_repeat: bool | None = None  # None: decided by the method
    at_once: int = 1  # changes that one call may carry

    @property
    def repeatable(self) -> bool:
        """Whether a call whose answer was lost may be made again: a POST that searches may."""
        if self.safe_to_repeat is None:
            return self.method in ("GET", "PUT", "DELETE")
        return self.safe_to_repeat

    def with_(self, **changes: Any) -> "Request":
        """The same call with other parts: dataclasses' `replace` takes its time with each of them,
        and every page of every read is a call of its own."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **changes)
        return other


def get(path: str, **slots: Any) -> Request:
    """Describe a GET."""
    return Request(method="GET", path=path, **slots)


def post(path: str, **slots: Any) -> Request:
    """Describe a POST. Say `safe_to_repeat=True` where it only reads."""
    return Request(method="POST", path=path, **slots)


def put(path: str, **slots: Any) -> Request:
    """Describe a PUT."""
    return Request(method="PUT", path=path, **slots)


def patch(path: str, **slots: Any) -> Request:
    """Describe a PATCH."""
    return Request(method="PATCH", path=path, **slots)


def delete(path: str, **slots: Any) -> Request:
    """Describe a DELETE."""
    return Request(method="DELETE", path=path, **slots)
