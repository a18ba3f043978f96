"""Airtable: the tables of the bases that were chosen; each account has its own tables and fields.

What surprises:
- Nothing tells when a record changed, unless the table has a field "Last modified time" that
  watches all fields: it is the cursor then. Tables without one are read in full every time.
- Empty cells are missing from records: an unticked checkbox is NULL, as is a text of no letters.
- Values are asked for by the fields' ids, so a renamed field loses nothing.
- Formulas, rollups and lookups change without their records counting as modified: they are read
  again each day. Where one has an error (`#ERROR!`, NaN), the row has NULL.
- Each key press is a change, and lists are some seconds behind: the look-back covers both. Where
  deletions are told, the cursor stands an hour behind, and tells which webhook was read.
- Deletions are told by webhooks alone. Where the token may manage them (scope webhook:manage, and
  the person is a creator of the base), the first sync makes one in each base before it reads, and
  from then on its payloads name what was deleted; they are kept for a week, so after a pause of six
  days everything is read. Where somebody took the webhook away, whoever made another since, and
  where a payload is an error, the next sync of each table says so, and the one after it reads
  everything. So it is where the right to manage webhooks is lost; then, and where there never was
  that right or a base has its ten webhooks already, full syncs find deletions. A webhook that
  nobody reads for a week dies, so nothing is left of it after disconnecting.
- A record that is restored from the trash counts as unmodified: the next full sync brings it back.
- The order of a list may shift while its pages are read, and there is nothing that all tables have
  to sort by. A full sync may take a record that it skipped so for deleted; the next one brings it
  back.
- A base that was called more than five times in a second refuses all calls for 30 seconds.
- The token for a next page expires, also when the record it stands at is deleted: a read that meets
  that begins again.
- Addresses of attachments last for about two hours, so each read writes rows with some anew.
- Free and Team workspaces have a number of calls a month. Beyond it every call is a 429 that no
  waiting mends: its syncs stop, and go on once someone upgraded or the month is over and resumes.

Sources: Airtable's Web API (lists, base schema, scopes, webhooks, rate limits) as other open
connectors use it; sample answers of the client library pyairtable (field kinds, payloads).
From memory, not checked against the vendor: that LAST_MODIFIED_TIME() and DATETIME_PARSE() may
stand in filterByFormula and compare to the millisecond; that a "Last modified time" over all fields
has no referencedFieldIds; which answer says that an offset expired, a view is not there or a
formula cannot be read; that payloads' cursors count from 1 and that reading them prolongs a
webhook's life by a week; that a record restored from the trash comes as a created one; access
tokens of 60 minutes, refresh tokens of 60 days; how long attachments' addresses last; the calls a
month, and how it is told that they are used up; ten webhooks a base, and 422 for one more.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sync_platform import spec
from sync_platform.connectors import _airtable_deletions
from sync_platform.connectors._airtable_fields import COMPUTED, type_of, watches_everything
from sync_platform.connectors._airtable_names import names
from sync_platform.errors import ObjectGone

RECORD_ID, CREATED = "id", "createdTime"  # of every record, beside its fields
OWN = (
    spec.Field(RECORD_ID, read_only=True, label="Record ID"),
    spec.Field(CREATED, "timestamp", read_only=True, label="Created time"),
)
COLUMN_OF = {name: f"{name} (field)" for name in (RECORD_ID, CREATED)}  # of fields called so
FIELD_OF = {column: name for name, column in COLUMN_OF.items()}
PAGE_FORGOTTEN = "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"
REFUSED_FORMULA, NO_VIEW = "INVALID_FILTER_BY_FORMULA", "VIEW_"  # of views several begin so
MONTH_USED_UP = "PUBLIC_API_BILLING_LIMIT_EXCEEDED"
NO_TABLE = "TABLE_NOT_FOUND"
GONE = (
    "{} is not in its base any more, or the account does not see it. Its table here stays as it "
    "is. Bring it back in Airtable, or take it out of what is synced."
)
LOOKBACK_TOLD = spec.minutes(10)  # its cursor stands an hour behind by itself
AT_ONCE = 10  # records that one call may write
FILTERS = (
    spec.Filter(name="view", label="View (its name or id)", kind="text"),
    spec.Filter(name="formula", label="Formula that records must meet", kind="text"),
    spec.Filter(name="created_within", label="Created within the last days", kind="days"),
)


def bases(api: spec.Api) -> Iterator[spec.Json]:
    """The bases that the sign-in may see."""
    offset: dict[str, str] = {}
    while True:
        answer = api.get("/v0/meta/bases", **offset)
        yield from answer["bases"]
        if not answer.get("offset"):
            return
        offset = {"offset": answer["offset"]}


def options(api: spec.Api) -> Iterator[spec.Option]:
    for base in bases(api):
        yield spec.Option(value=base["id"], label=base["name"])


def schema(api: spec.Api, base: str) -> list[spec.Json]:
    """The tables of a base, with their fields."""
    tables: list[spec.Json] = api.get(f"/v0/meta/bases/{base}/tables")["tables"]
    return tables


def discover(api: spec.Api) -> Iterator[spec.Discovered]:
    """The tables of the chosen bases."""
    chosen = api.settings.get("bases", "").split(",")
    there = [base for base in bases(api) if base["id"] in chosen]
    tables = [(base, table) for base in there for table in schema(api, base["id"])]
    told = {base["id"]: _airtable_deletions.are_told(api, base) for base in there}
    for (base, table), name in zip(tables, names(tables), strict=True):
        watching = [it["id"] for it in table["fields"] if watches_everything(it)]
        yield spec.Discovered(
            name=name,
            label=f"{table['name']} ({base['name']})",
            id=table["id"],
            about={
                "base": base["id"],
                "modified": watching[0] if watching else None,
                "deletions": told[base["id"]],
                "description": table.get("description", ""),
            },
        )


def discovered(found: spec.Discovered) -> spec.ConnectorObject:
    """One table as an object."""
    base, table = found.about["base"], found.id
    modified = found.about["modified"]
    told = modified and found.about["deletions"]  # a table that is always read in full shows them
    path = f"/v0/{base}/{table}"

    def fields(api: spec.Api) -> Iterator[spec.Field]:
        told = [it["fields"] for it in schema(api, base) if it["id"] == table]
        if not told:  # to go on with no fields would empty its columns
            raise ObjectGone(GONE.format(f"The table {found.label}"))
        yield from OWN
        yield from map(field, told[0])

    return spec.ConnectorObject(
        name=found.name,
        label=found.label,
        description=found.about["description"],
        key=RECORD_ID,
        cursor=modified,
        lookback=LOOKBACK_TOLD if told else spec.hours(1 if modified else 0),
        computed_every=spec.hours(24) if modified else None,  # else every sync reads them
        fields=fields,
        by_id=True,
        row=row,
        read=spec.get(
            path,
            params=asked,
            records="records",
            pages=spec.cursor_pages("offset", found_at="offset"),
        ),
        deletes=_airtable_deletions.of(base, str(table)) if told else None,
        deletes_begin=_airtable_deletions.begin(base) if told else None,
        deletes_remembered=_airtable_deletions.SURELY_KEPT if told else None,
        filters=FILTERS,
        scopes=["data.records:read"],
        write_scopes=["data.records:write"],
        create=spec.post(path, json=created, at_once=AT_ONCE),
        update=spec.patch(path, json=updated, at_once=AT_ONCE, safe_to_repeat=True),
        delete=spec.delete(path, params=deleted, at_once=AT_ONCE),
    )


def field(it: spec.Json) -> spec.Field:
    """One field of a table; one that is called as what every record has gets another name."""
    computed = it["type"] in COMPUTED
    return spec.Field(
        COLUMN_OF.get(it["name"], it["name"]),
        type_of(it),
        read_only=computed,
        label=it["name"],
        description=it.get("description") or None,
        id=it["id"],
        computed=computed,
    )


def row(record: spec.Json) -> dict[str, Any]:
    """The record's cells by field ids; what could not be computed is empty."""
    cells = {id: None if failed(value) else value for id, value in record["fields"].items()}
    return {RECORD_ID: record["id"], CREATED: record["createdTime"], **cells}


def failed(value: Any) -> bool:
    """Whether a computed cell holds an error, or what is no number, instead of a value."""
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and not {"error", "specialValue"}.isdisjoint(value)
    )


def asked(read: spec.Read) -> dict[str, Any]:
    """The parameters of a list: the records that changed in the window. Fields are not named: the
    list would fail for one that was removed since it was discovered."""
    conditions = []
    if read.since:
        conditions.append(f"NOT(IS_BEFORE(LAST_MODIFIED_TIME(), {moment(spec.iso(read.since))}))")
    if read.until:
        conditions.append(f"IS_BEFORE(LAST_MODIFIED_TIME(), {moment(spec.iso(read.until))})")
    if "created_within" in read.filters:
        since = moment(read.filters["created_within"])
        conditions.append(f"NOT(IS_BEFORE(CREATED_TIME(), {since}))")
    if "formula" in read.filters:
        conditions.append(read.filters["formula"])
    return {
        "pageSize": 100,
        "returnFieldsByFieldId": "true",
        "view": read.filters.get("view"),
        "filterByFormula": f"AND({', '.join(conditions)})" if conditions else None,
    }


def moment(iso: str) -> str:
    """A moment, in a formula."""
    return f"DATETIME_PARSE('{iso}')"


def cells(change: spec.OutboundChange) -> dict[str, Any]:
    """The values of a change, by what Airtable calls their fields."""
    return {FIELD_OF.get(name, name): value for name, value in change.values.items()}


def created(changes: list[spec.OutboundChange]) -> spec.Json:
    return {"records": [{"fields": cells(each)} for each in changes]}


def updated(changes: list[spec.OutboundChange]) -> spec.Json:
    return {"records": [{"id": each.key, "fields": cells(each)} for each in changes]}


def deleted(changes: list[spec.OutboundChange]) -> dict[str, Any]:
    return {"records[]": [each.key for each in changes]}


def means(status: int, body: spec.Json) -> spec.Meaning | None:
    """An offset that expired and a filter that cannot be are a 422 as any other, and calls of a
    month that are used up are a 429 as any other, but for their names."""
    if status == 429:
        errors = spec.at(body, "errors")
        used_up = isinstance(errors, list) and any(
            spec.at(each, "error") == MONTH_USED_UP for each in errors
        )
        return "not_permitted" if used_up else None
    kind = kind_of(body)
    if status == 404 and kind == NO_TABLE:
        return "not_permitted"
    if status == 422 and kind == PAGE_FORGOTTEN:
        return "page_forgotten"
    mistyped = kind == REFUSED_FORMULA or str(kind).startswith(NO_VIEW)
    return "query_refused" if status in (404, 422) and mistyped else None


def kind_of(body: spec.Json) -> Any:
    """The name of an error."""
    said = spec.at(body, "error")
    return said.get("type") if isinstance(said, Mapping) else said


def says(body: spec.Json) -> str | None:
    """That a table is gone is said in our words: Airtable names it by its id."""
    return GONE.format("The table") if kind_of(body) == NO_TABLE else None


connector = spec.Connector(
    name="airtable",
    label="Airtable",
    base_url="https://api.airtable.com",
    auth=[
        spec.OAuth2(
            authorize_url="https://airtable.com/oauth2/v1/authorize",
            token_url="https://airtable.com/oauth2/v1/token",
            scopes=["data.records:read", "schema.bases:read", "webhook:manage"],
            write_scopes=["data.records:write"],
            client_sent_in="header",
            refresh_rotates=True,
            refresh_lasts=spec.hours(24 * 60),
        ),
        spec.BearerToken(label="Personal access token"),
    ],
    settings=[
        spec.Setting(
            name="bases",
            label="Bases",
            description="The bases whose tables are synced.",
            options=options,
            many=True,
        )
    ],
    limits=[
        # Also /v0/meta/bases/app.../tables and /v0/bases/app.../webhooks: they are the base's, too.
        spec.RateLimit(name="base", calls=5, seconds=1, path="*/app{}*", penalty=30),
        spec.RateLimit(name="token", calls=50, seconds=1, penalty=30),
    ],
    interval=spec.Interval(default=spec.minutes(30)),
    check=spec.get("/v0/meta/whoami"),
    account=lambda me: spec.Account(id=me["id"], name=me.get("email") or ""),
    means=means,
    says=says,
    objects=[],
    discover=discover,
    discovered=discovered,
)
