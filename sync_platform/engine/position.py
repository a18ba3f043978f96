"""Where a sync stands inside its window, as the progress beside its rows keeps it."""

from dataclasses import dataclass, replace
from datetime import datetime

from sync_platform.engine.destination import Progress
from sync_platform.spec import Json, Page
from sync_platform.spec.times import moment

MOMENTS = ("highest", "covered", "at")


@dataclass(frozen=True)
class Position:
    """Which step of the window is read, by which way, and how far."""

    phase: str = "rows"  # then "gone"
    step: int = 0
    resume: Json = None  # where to go on; None: at the phase's beginning
    highest: datetime | None = None  # of the cursor's values in this step
    lost: bool = False  # the table lost values: until it is read in full, that is due
    first: bool = False  # nobody had begun to read into the table before this sync
    accepted: bool = False  # a person lets this read mark any share of the table as deleted
    way: str | None = None  # of engine.ways; a resume point means nothing to another one
    covered: datetime | None = None  # up to where the vendor told deletions in this step; None: all
    at: datetime | None = None  # when it was kept, by our clock

    def as_json(self, at: datetime | None = None) -> Json:
        """For Progress.position; `at` this moment."""
        moments = {"highest": self.highest, "covered": self.covered, "at": at or self.at}
        return vars(self) | {
            name: it.isoformat() if it is not None else None for name, it in moments.items()
        }

    @property
    def at_the_beginning(self) -> bool:
        """Whether nothing of the window is done that a sync could go on from."""
        return (self.step, self.phase, self.resume) == (0, "rows", None)

    def after(self, page: Page, highest: datetime | None = None) -> "Position":
        """The position when this page is committed. After a page that cannot be gone on from, such
        as the last, the earlier place stays: better one page again than all."""
        resume = self.resume if page.resume is None else page.resume
        return replace(self, resume=resume, highest=highest or self.highest)

    def next_step(self) -> "Position":
        """At the beginning of the next step, with what holds for the whole sync."""
        return Position(
            step=self.step + 1, lost=self.lost, first=self.first, accepted=self.accepted
        )

    @classmethod
    def from_json(cls, value: Json) -> "Position":
        """Back from Progress.position."""
        moments = {name: moment(value[name]) for name in MOMENTS if value.get(name)}
        return cls(**{**value, **moments})


def lost(progress: Progress) -> bool:
    """Whether the table lost values (see Progress) and has not been read in full since."""
    return progress.position is None or Position.from_json(progress.position).lost
