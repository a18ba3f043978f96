"""What Postgres would not take (a batch of rows, marks of deletion), once more: without the rows
that break what people built on the table (an index, a constraint, a computed column, a trigger)."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL

from sync_platform.destination import rejects
from sync_platform.destination.landing import Landing
from sync_platform.destination.lines import ENDS, Lines, as_json, values
from sync_platform.destination.merge import STAGING, arrays
from sync_platform.destination.rejects import GONE, Rejected
from sync_platform.destination.sessions import Connection, is_outage
from sync_platform.destination.tangles import Tangle, Tangles
from sync_platform.errors import SyncPlatformError

T = TypeVar("T", bound=Hashable)
# How rows that were refused together wait for each other, and for others that are lost.
Untangle = Callable[[psycopg.Error, Sequence[T], Sequence[T]], Tangle | None]
MOST_REFUSED = 100  # rows of a batch; beyond that it is no bad value, but a rule that does not hold
PARTS = 8  # of what was refused; in halves, the same rows would come again more often
MOST_SINGLES = 1000  # tried before one of them loads: the one all others refer to may come late
PASSES = 20
SAID = 500  # characters of Postgres' sentence
REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    pg.ProgramLimitExceeded,  # too long for an index
    pg.RaiseException,  # a trigger's own words
)
ROW_SECURITY = "ExecWithCheckOptions"  # where Postgres raises that a policy forbids a row
MENDED = (  # by other rows of the batch, perhaps: once they are there, or have another value
    pg.ForeignKeyViolation,
    pg.UniqueViolation,
    pg.ExclusionViolation,
    pg.RaiseException,
)
TANGLED = (pg.ForeignKeyViolation, pg.UniqueViolation, pg.ExclusionViolation)
# Deferred ones would refuse the commit, and tell no row; within a part they may be deferred.
DEFERRED = "SET CONSTRAINTS ALL DEFERRED"
CHECKED = f"SET CONSTRAINTS ALL IMMEDIATE; {DEFERRED}"
# A DELETE leaves what each later statement reads past; a TRUNCATE takes longer than a small part.
EMPTY = SQL("DELETE FROM {}").format(STAGING)
EMPTY_ALL = SQL("TRUNCATE {}").format(STAGING)
LEFT = 2000  # lines


def refuses_rows(error: SyncPlatformError) -> bool:
    """Whether a batch failed by what is in its rows, so that the others may be loaded."""
    return isinstance(error.__cause__, psycopg.Error) and _refuses(error.__cause__)


def _refuses(error: psycopg.Error) -> bool:
    if isinstance(error, REFUSALS):
        return True
    if is_outage(error):
        return False
    diag = error.diag  # what is raised inside of people's functions refuses a row, too
    return diag.source_function == ROW_SECURITY or _in_a_function(diag.context or "")


def _in_a_function(context: str) -> bool:
    """Whether this is where a function of somebody's was: our statements call none, so all that
    Postgres tells of them is the line of a COPY. It tells it in any language."""
    return any(line and not line.startswith("COPY ") for line in context.splitlines())


def _may_be_mended(error: psycopg.Error) -> bool:
    return isinstance(error, MENDED) or not isinstance(error, REFUSALS)


class Careful:
    """One batch, in a transaction that its caller has open; used once."""

    def __init__(
        self, connection: Connection, landing: Landing, because: SyncPlatformError
    ) -> None:
        """`because` is what the batch failed with."""
        self._connection, self._landing, self._because = connection, landing, because
        self._left = 0
        self._bad = 0  # refused so far, but for those that wait for others that were
        self._marked: set[tuple[str, ...]] = set()  # keys, the first time
        self.unmarked: list[tuple[str, ...]] = []  # keys
        self.rejected: list[Rejected] = []
        self.rejected_keys: dict[Hashable, tuple[str, ...]] = {}  # of records that are there

    def load(
        self,
        lines: Lines,
        stage: Callable[[Iterable[bytes]], object],
        merge: Callable[[Iterable[bytes]], tuple[int, int]],
        free: Callable[[Sequence[bytes]], int] | None = None,
    ) -> tuple[int, int]:
        """How many rows were created and updated by `merge`, which takes texts of lines through a
        staging table that is there; `stage` takes them only as far as that. `free` is called once
        where lines are refused, with these, and tells how many rows it changed: values that these
        wait for may be free then. What was refused in the end is in `rejected` and `rejected_keys`.

        Raises what the batch failed with where more than MOST_REFUSED rows are refused, beside
        those that wait for others that are: one bad value may have any number behind it.
        """
        created = updated = 0
        tangles = Tangles(self._connection, self._landing, stage)

        def take(part: Sequence[bytes]) -> None:
            nonlocal created, updated
            self._left += len(part)  # refused or not
            these = merge([ENDS.join([*part, b""])])
            self._connection.execute(CHECKED)
            if self._left < LEFT:
                self._connection.execute(EMPTY)
            created, updated = created + these[0], updated + these[1]

        def untangle(
            error: psycopg.Error, part: Sequence[bytes], lost: Sequence[bytes]
        ) -> Tangle | None:
            self._empty()
            return tangles.find(error, [ENDS.join([*part, *lost, b""])], len(part))

        columns = [(it.name if it.beside else it.field, it.type) for it in self._landing.columns]
        for line, said in self._apart(lines.singly(), take, untangle, free):
            key = self.key(line)
            self.rejected_keys[key] = key
            # What the vendor sent is not kept as long.
            record = as_json(columns, values(line))
            self._reject(record, key, f"Postgres would not take the row: {said}.")
        return created, updated

    def key(self, line: bytes) -> tuple[str, ...]:
        """The key of its row."""
        texts = values(line)
        columns = self._landing.columns
        return tuple(texts[columns.index(key)] or "" for key in self._landing.keys)

    def mark(
        self,
        keys: Iterable[tuple[str, ...]],
        mark: Callable[[list[list[str]]], int],
        *,
        first: bool = False,
        why: str = f"{GONE}, and Postgres would not mark its row as deleted",
    ) -> int:
        """How many rows were marked as deleted by `mark`, which takes an array for each column of
        the key (or changed in another way, which `why` tells). Those that were refused stay as they
        are, and are in `rejected`; where it is only the `first` time, they are to come again, and
        the others are passed over then. Raises as `load`."""
        marked = 0

        def take(part: Sequence[tuple[str, ...]]) -> None:
            nonlocal marked
            these = mark(arrays(part))
            self._connection.execute(CHECKED)
            marked += these

        keys = [key for key in keys if key not in self._marked]
        if first:
            refused, _whole = self._parts([keys] if keys else [], take)
            self._marked = set(keys).difference(key for key, _ in refused)
            return marked
        columns = [(column.field, column.type) for column in self._landing.keys]
        for key, said in self._apart(keys, take):
            self.unmarked.append(key)
            self._reject(as_json(columns, key), key, f"{why}: {said}.")
        return marked

    def _apart(
        self,
        items: Sequence[T],
        take: Callable[[Sequence[T]], None],
        untangle: Untangle[T] | None = None,
        free: Callable[[Sequence[T]], int] | None = None,
    ) -> list[tuple[T, str]]:
        """Have all taken that Postgres takes; the others, and what it said of each. `free` is
        called once with those that are left when all went together that can: whether it helped."""
        self._connection.execute(DEFERRED)
        refused: list[tuple[T, str]] = []
        behind: list[tuple[T, str]] = []
        for _ in range(PASSES):
            if untangle is not None:
                items, behind = self._together(items, take, untangle)
            left = [*items, *(item for item, _ in behind)]
            if free is not None and left:
                helped, free = free(left), None
                if helped:
                    items = left
                    continue
            refused = self._passes(items, take)
            if not behind or untangle is None:
                break
            if len(refused) == len(items):
                before = len(behind)
                behind = self._alone(behind, take, untangle)
                if len(behind) == before:
                    break
            # Something that others wait for was taken after all.
            items = [item for item, _ in (*refused, *behind)]
        self._bad += len(refused)
        if self._bad > MOST_REFUSED:
            raise self._because
        return refused + behind

    def _together(
        self,
        items: Sequence[T],
        take: Callable[[Sequence[T]], None],
        untangle: Untangle[T],
    ) -> tuple[list[T], list[tuple[T, str]]]:
        """Have as many taken at once as wait for each other: all that is left without the rows that
        are refused by themselves, and without those that wait for what does not come. The others:
        those to be tried once more, and those that cannot be taken without these."""
        left = list(items)
        others: list[T] = []
        behind: list[tuple[T, str]] = []
        for _ in range(PASSES):
            error = self._refusal(left, take) if left else None
            if error is None:
                return others, behind
            before = left
            if not isinstance(error, TANGLED):
                alone, waiting = self._parts(_split(left), take, whole=TANGLED)
                others += [item for item, _ in alone]
                left = [item for item in left if item in waiting]
                if left == before:  # what refuses its row would be told only after those it needs
                    error = waiting[left[-1]]
            if isinstance(error, TANGLED):
                found = untangle(error, left, [*others, *(item for item, _ in behind)])
                if found is not None:
                    others += [left[place] for place in found.stuck]
                    behind += [(left[place], _said(it)) for place, it in found.behind.items()]
                    left = [left[place] for place in found.order]
            if left == before:
                break
        return left + others, behind

    def _alone(
        self,
        behind: Sequence[tuple[T, str]],
        take: Callable[[Sequence[T]], None],
        untangle: Untangle[T],
    ) -> list[tuple[T, str]]:
        """Those that wait for others in vain are tried without these: what they wait for may be
        there, because its row was to lose it and was refused, or a trigger had other values than
        came. Those that are not taken even so."""
        left: set[T] = set()
        for each in dict.fromkeys(said for _, said in behind):  # rule by rule
            alike = [item for item, said in behind if said == each]
            others, further = self._together(alike, take, untangle)
            left.update(others, (item for item, _ in further))
        if len(left) == len(behind):
            left = {item for item, _ in self._passes([item for item, _ in behind], take)}
        return [it for it in behind if it[0] in left]

    def _passes(
        self, items: Sequence[T], take: Callable[[Sequence[T]], None]
    ) -> list[tuple[T, str]]:
        """Those that were refused come again, from the other end, while it helps: what they refer
        to, or what had the value that they have now, may have come after them. With R rows that are
        refused in the end, that takes about 50 R tries of a millisecond; where rows refer to each
        other in ways that nobody can tell, as triggers' are, each of them is tried by itself,
        PASSES times at most."""
        refused: list[tuple[T, str]] = []
        in_vain = 0
        for _ in range(PASSES):
            refused, _whole = self._parts([items] if items else [], take)
            in_vain = in_vain + 1 if len(refused) == len(items) else 0
            if not refused or in_vain == 2:  # from either end
                break
            items = [item for item, _ in reversed(refused)]
        return refused

    def _parts(
        self,
        parts: Sequence[Sequence[T]],
        take: Callable[[Sequence[T]], None],
        *,
        whole: tuple[type[psycopg.Error], ...] = (),
    ) -> tuple[list[tuple[T, str]], dict[T, psycopg.Error]]:
        """One pass: all parts of one size before the smaller ones that they are made of. The rows
        that were refused, and those of parts that stay as they are, because what was said of these
        is one of `whole`. While nothing was taken at all, not all of them are tried: so a rule that
        nothing meets, and one that no other row can mend, are known for what they are soon."""
        refused: list[tuple[T, str]] = []
        staying: dict[T, psycopg.Error] = {}
        hopeless = 0
        taken = False
        while parts:
            singles = max(map(len, parts)) == 1
            enough = MOST_SINGLES if singles else MOST_REFUSED
            waiting: list[Sequence[T]] = []
            for tried, part in enumerate(parts):
                if tried > enough and not taken:
                    waiting += parts[tried:]
                    break
                said = self._refusal(part, take)
                if said is None:
                    taken = True
                elif isinstance(said, whole):
                    staying |= dict.fromkeys(part, said)
                elif len(part) > 1 or (_may_be_mended(said) and not singles):
                    waiting.append(part)
                else:
                    refused.append((part[0], _said(said)))
                    hopeless += not _may_be_mended(said)
                if hopeless > MOST_REFUSED:
                    raise self._because
            if singles:
                return refused + [(part[0], "") for part in waiting], staying
            parts = [part for each in waiting for part in _split(each)]
        return refused, staying

    def _refusal(
        self, part: Sequence[T], take: Callable[[Sequence[T]], None]
    ) -> psycopg.Error | None:
        """What Postgres says against this part; None where it was taken."""
        if self._left >= LEFT:
            self._empty()
        try:
            with self._connection.transaction():
                take(part)
        except psycopg.Error as error:
            if not _refuses(error):
                raise
            return error
        return None

    def _empty(self) -> None:
        self._connection.execute(EMPTY_ALL)
        self._left = 0

    def _reject(self, record: str, key: tuple[str, ...], why: str) -> None:
        why = why.encode("ascii", "backslashreplace").decode()
        self.rejected.append(rejects.refused(record, key, why))


def _said(error: psycopg.Error) -> str:
    """Without its detail, which may show other rows."""
    return (error.diag.message_primary or str(error))[:SAID]


def _split(part: Sequence[T]) -> list[Sequence[T]]:
    size = -(-len(part) // PARTS)
    return [part[start : start + size] for start in range(0, len(part), size)]
