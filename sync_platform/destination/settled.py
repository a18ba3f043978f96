"""Tables that need nothing: of one that is as it was, a sync plans nothing anew."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.destination.book import Found
from sync_platform.destination.landing import Landing
from sync_platform.engine.destination import Table
from sync_platform.spec import Field


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that a plan follows from, where it need not ask Postgres what is built on a column: that
    is asked only where a column is to be widened."""

    table: Table
    fields: tuple[Field, ...]  # those that are wanted, in their order
    found: Found
    some_fields: bool

    @classmethod
    def of(
        cls, table: Table, wanted: Mapping[str, Field], found: Found, *, some_fields: bool
    ) -> "Case":
        """The case of these fields by name."""
        fields = tuple(wanted.values())
        return cls(table=table, fields=fields, found=found, some_fields=some_fields)


class Settled:
    """The last case of each table in which there was nothing to do. Threads may share it."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, bool], tuple[Case, Landing]] = {}

    def landing(self, case: Case) -> Landing | None:
        """The landing of the same case before; None where there was none."""
        known = self._last.get(_place(case))
        return known[1] if known is not None and known[0] == case else None

    def keep(self, case: Case, landing: Landing) -> None:
        """Remember a landing for which nothing had to be done, in place of the table's last. One
        that tells of something is not kept: of a column that could not be widened, every sync
        looks whether it can be by now."""
        if not landing.told:
            self._last[_place(case)] = case, landing


def _place(case: Case) -> tuple[str, str, bool]:
    return case.table.schema, case.table.name, case.some_fields
