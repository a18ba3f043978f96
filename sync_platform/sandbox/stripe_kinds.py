"""What a fake Stripe knows of a kind of object: its path, its events, what may be written, and all
of its properties as they are when nobody has set them (API version 2022-11-15)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_platform.sandbox.calls import Json

NO_TAX = {"enabled": False, "status": None}


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def blank(nothing: str = "", **given: object) -> Json:
    """A record's properties: those named in `nothing` are null."""
    return dict.fromkeys(nothing.split()) | given


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of object. `creates`, `updates`: the parameters that are taken; None: no such call.

    `events` has the event's type for created, updated and deleted. `stays` is whether a deleted one
    can still be asked for, and is then a stub. `required` must be given to create one.
    """

    object: str
    prefix: str
    template: Json
    events: Mapping[str, str] = field(default_factory=dict)
    filters: frozenset[str] = frozenset()  # of the list, beside those of all lists
    dated: bool = True  # the list takes `created`
    livemode: bool = True  # it has that property
    creates: frozenset[str] | None = None
    updates: frozenset[str] | None = None
    deletes: bool = False
    stays: bool = True
    required: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where they are listed."""
        return f"/v1/{self.object.replace('.', '/')}s"


def lifecycle(prefix: str, happenings: str = "created updated deleted") -> dict[str, str]:
    """The types of a kind's events, by what happened."""
    return {each: f"{prefix}.{each}" for each in happenings.split()}
