"""What passes between a connector and the platform: JSON, rows, pages and the calls it may make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sync_platform.spec.requests import Asked, Request

Json = Any  # what json.loads gives
Row = Mapping[str, Any]  # field name -> value as the vendor sent it
Key = tuple[Any, ...]  # the values of an object's key fields, in their order


@dataclass(frozen=True)
class Page:
    """Rows and gone keys that came together.

    `resume` is where the next page starts, as JSON: a read that is given it back as `Read.resume`
    goes on from there. None: this was the last page, or the read cannot be resumed. `reached` is
    the moment up to which a feed of changes was read, where its rows do not tell; in `deletes`, the
    moment up to which the vendor knows them: the next sync asks again from there. `forgotten`, in
    `deletes`, says that it does not know all of the window's: the next sync reads everything.
    """

    rows: Sequence[Row] = ()
    gone: Sequence[Key] = ()
    resume: Json = None
    reached: datetime | None = None
    forgotten: bool = False


@dataclass(frozen=True)
class Answer:
    """A vendor's answer: its decoded body (None where it has none), its headers by names in small
    letters."""

    body: Json
    headers: Mapping[str, str]


class Api(Protocol):
    """What a function in a slot may call. Signing, pace, retries and errors are taken care of."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The connection's settings."""
        ...

    def get(self, path: str, **params: str) -> Json:
        """The decoded answer of a GET."""
        ...

    def send(self, request: "Request", asked: "Asked" = None) -> Json:
        """The decoded answer of a described call; None where the answer has no body."""
        ...

    def ask(self, request: "Request", asked: "Asked" = None) -> Answer:
        """As `send`, with the answer's headers."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time pass before looking again at what the vendor prepares; ends with the sync."""
        ...
