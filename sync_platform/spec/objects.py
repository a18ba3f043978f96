"""What a connector says about one kind of record: its columns, its reads, its writes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sync_platform.spec.api import Api, Json, Page, Row
from sync_platform.spec.requests import OutboundChange, Read, Request
from sync_platform.spec.times import EpochUnit

FieldType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "json"]
FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
FilterKind = Literal["values", "days", "text"]
FILTER_KINDS: tuple[str, ...] = get_args(FilterKind)


@dataclass(frozen=True)
class Field:
    """A column of an object. `label` is the vendor's name for people; it becomes the comment.

    `id` is what the vendor knows the field by, where that is not its name and outlives a rename
    (Airtable's `fldXXXXXXXXXXXXXX`): then a renamed field keeps its column and its values.
    A `computed` one (a formula) may change without moving its record's cursor. Where types are told
    from values, an `empty` field has none to tell from: its column keeps the type that it has, and
    is made when the first value comes.
    `epoch` is the unit of numbers since 1970 in a date or timestamp, where the vendor documents
    one: then digits always count it. With None their size tells, which takes milliseconds before
    1973-03-03 for seconds.
    """

    name: str
    type: FieldType = "text"
    read_only: bool = False  # computed by the vendor: synced in, never written out
    label: str | None = None
    description: str | None = None
    id: str | None = None
    computed: bool = False
    empty: bool = False
    epoch: EpochUnit | None = None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which records of an object a person may ask for alone, such as those of one status.

    A filter of `kind` "values" is given one or several values, with commas between; `values` are
    all there are, or none where they are not known. One of kind "days" is given a number: records
    of the last so many days; what `read` gets is the moment that this means, in ISO 8601. One of
    kind "text" is given one text, commas and all: a formula, a condition, the name of a view.
    Without `keeps` the object's own `read` asks the vendor; with it, the platform drops rows after
    reading.
    """

    name: str
    label: str
    kind: FilterKind = "values"
    values: Sequence[str] = ()
    keeps: Callable[[Row, str], bool] | None = None


Fields = Sequence[Field] | Callable[[Api], Iterable[Field]]
Reading = Request | Callable[[Api, Read], Iterator[Page]]
Writing = Request | Callable[[Api, OutboundChange], Json]  # a function looks before it writes


@dataclass(frozen=True, kw_only=True)
class Changes:
    """A feed of what changed, where records do not tell it themselves (Stripe's events).

    `read` gives pages of rows and gone keys, and says how far the feed was `reached`. The vendor
    `remembers` so long: after a longer pause an incremental sync reads everything, and says so.
    """

    read: Callable[[Api, Read], Iterator[Page]]
    remembers: timedelta


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """Another way to read, cheaper from `above` records on; they are counted first."""

    count: Callable[[Api, Read], int]
    read: Callable[[Api, Read], Iterator[Page]]
    above: int


@dataclass(frozen=True, kw_only=True)
class ConnectorObject:
    """One kind of record. Each slot answers a question; a slot left out the API cannot do.

    `cursor` names the field that moves when a record *changes*. A creation date is not a cursor:
    edits would never be seen. `side_by_side` is for offsets, page numbers and steps: at most the
    number of calls that the vendor allows at the same time, and 1 where it forbids them.

    With `by_id` rows, `cursor` and `Read.fields` call fields that have a `Field.id` by it: then a
    field that is renamed at the vendor loses nothing until its new name is discovered.
    """

    name: str
    fields: Fields  # what columns are there?
    read: Reading  # which records, in this window?
    key: str | tuple[str, ...] = "id"
    cursor: str | None = None  # None: full syncs only
    lookback: timedelta = timedelta(0)  # re-read this much, for sources that settle late
    step: timedelta | None = None  # read long windows in steps, saving the cursor after each
    side_by_side: int = 1  # calls of one read under way at once; needs counted pages or `step`
    changes: Changes | None = None  # what changed, where no cursor tells?
    deletes: Reading | None = None  # which are gone?
    deletes_begin: Callable[[Api], None] | None = None  # before all is read: have them told
    deletes_remembered: timedelta | None = None  # only so long; after a longer pause, read it all
    gone_when: Callable[[Row], bool] | None = None  # or does a row itself say that it is?
    bulk: Bulk | None = None  # how to read many?
    computed_every: timedelta | None = None  # re-read computed fields so often; None: full syncs do
    row: Callable[[Json], Row] = dict
    by_id: bool = False  # what do rows call fields? their names, or their ids
    create: Writing | None = None
    update: Writing | None = None
    delete: Writing | None = None
    filters: Sequence[Filter] = ()
    scopes: Sequence[str] = ()  # of OAuth, to read it
    write_scopes: Sequence[str] = ()  # and to write it
    label: str = ""
    description: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's fields, also where there is only one."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def incremental(self) -> bool:
        """Whether changes can be asked for; without it every sync is a full one."""
        return self.cursor is not None or self.changes is not None

    @property
    def sees_deletes(self) -> bool:
        """Whether the vendor tells of deletions; without it only a full sync finds them."""
        return any((self.deletes, self.gone_when, self.changes))

    @property
    def writable(self) -> bool:
        """Whether any change can be written to the vendor."""
        return any((self.create, self.update, self.delete))
