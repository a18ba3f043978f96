"""HubSpot CRM: the object types share one API and differ only in name; owners are a list of people.

What surprises:
- A search gives 10,000 results at most, then HTTP 400, so reads walk by id (`keyset_pages`).
- The search index lags behind writes, so every incremental read goes back an hour (`lookback`).
- Archived records are listed whole, not by time: each incremental sync reads that list.
- Contacts call their cursor `lastmodifieddate`, all others `hs_lastmodifieddate`.
- Dates and moments are ISO 8601, or milliseconds since 1970.
- Calculated properties change without moving the cursor; the daily full sync refreshes them.

Sources: HubSpot's developer documents: CRM > Search, Objects, Properties, Owners; Usage details.
From memory, not checked against the vendor: the 100 calls in 10 seconds of a free private app
(larger plans have 190 or 250: setting `rate_limit.burst`), its 250,000 calls a day (larger plans
have 650,000 or more, which answers tell; a public OAuth app has none that we know of: setting
`rate_limit.daily`), 5 searches a second, the scopes, that numbers in dates and moments are
milliseconds.
"""

import logging
from collections.abc import Iterator, Mapping

from sync_platform import spec

log = logging.getLogger("sync_platform.hubspot")

OBJECTS = ("contacts", "companies", "deals", "tickets", "products", "line_items")
KEY = "hs_object_id"  # HubSpot calls it a number, as it does what has decimals
TYPES: dict[str, spec.FieldType] = {
    "number": "number",
    "bool": "boolean",
    "date": "date",
    "datetime": "timestamp",
}
CREATED = spec.Filter(name="created_within", label="Created within the last days", kind="days")
STAGES = {
    "contacts": [("lifecyclestage", "Lifecycle stage")],
    "deals": [("pipeline", "Pipeline"), ("dealstage", "Deal stage")],
    "tickets": [("hs_pipeline", "Pipeline"), ("hs_pipeline_stage", "Ticket status")],
}
NEXT = spec.cursor_pages("after", found_at="paging.next.after", more="paging.next")


def crm_object(name: str) -> spec.ConnectorObject:
    """One object type of the CRM."""
    path = f"/crm/v3/objects/{name}"
    modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    stages = [spec.Filter(name=each, label=label) for each, label in STAGES.get(name, ())]

    def fields(api: spec.Api) -> Iterator[spec.Field]:
        for found in api.get(f"/crm/v3/properties/{name}")["results"]:
            if isinstance(found, dict) and isinstance(found.get("name"), str):
                yield field(found)
            else:  # one of thousands: the others are synced
                log.warning("HubSpot tells of a property of %s without a name: left out.", name)

    def search(read: spec.Read) -> spec.Json:
        """Walk by id: HubSpot refuses to page one search past 10,000 results."""
        filters = [where(KEY, "GT", read.after or 0)]
        if read.since:
            filters.append(where(modified, "GTE", spec.epoch_ms(read.since)))
        if read.until:
            filters.append(where(modified, "LT", spec.epoch_ms(read.until)))
        by_id = {"propertyName": KEY, "direction": "ASCENDING"}
        if "created_within" in read.filters:
            created = spec.moment(read.filters["created_within"])
            filters.append(where("createdate", "GTE", spec.epoch_ms(created)))
        for choice in stages:
            if choice.name in read.filters:
                wanted = read.filters[choice.name].split(",")
                filters.append({"propertyName": choice.name, "operator": "IN", "values": wanted})
        query = {"filterGroups": [{"filters": filters}], "sorts": [by_id]}
        return query | {"properties": list(read.fields), "limit": 200}

    return spec.ConnectorObject(
        name=name,
        label=name.replace("_", " ").capitalize(),
        key=KEY,
        cursor=modified,
        lookback=spec.hours(1),
        fields=fields,
        row=lambda record: record["properties"],
        read=spec.post(
            f"{path}/search",
            json=search,
            records="results",
            pages=spec.keyset_pages("id", limit=200, more="paging.next", total="total"),
            safe_to_repeat=True,
        ),
        deletes=spec.get(
            path, params={"archived": "true", "limit": 100}, records="results", pages=NEXT
        ),
        filters=[CREATED, *stages],
        scopes=scopes(name, "read"),
        write_scopes=scopes(name, "write"),
        create=spec.post(path, json=properties),
        update=spec.patch(path + "/{key}", json=properties, safe_to_repeat=True),
        delete=spec.delete(path + "/{key}"),
    )


def field(found: spec.Json) -> spec.Field:
    """One property. What it says of itself in another form than a text, it does not say; without a
    type its column keeps the one that it has."""
    locked = found.get("calculated") or spec.at(found, "modificationMetadata.readOnlyValue")
    type = text(found, "type")
    return spec.Field(
        found["name"],
        "integer" if found["name"] == KEY else TYPES.get(type or "", "text"),
        read_only=bool(locked),
        label=text(found, "label"),
        description=text(found, "description") or None,
        computed=bool(found.get("calculated")),
        empty=type is None and found["name"] != KEY,
        epoch="ms" if type in ("date", "datetime") else None,
    )


def text(found: spec.Json, name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


def scopes(name: str, may: str) -> list[str]:
    """Tickets have one scope for everything; the others one for each of these."""
    if name == "tickets":
        return ["tickets"]
    reading = [f"crm.schemas.{name}.read"] if may == "read" else []
    return [f"crm.objects.{name}.{may}", *reading]


def left_today(headers: Mapping[str, str]) -> spec.CallsLeft | None:
    """What is left of the account's calls of the day; searches do not tell it."""
    left, of = (headers.get(f"x-hubspot-ratelimit-daily{it}", "") for it in ("-remaining", ""))
    if not (left.isascii() and left.isdigit()):
        return None
    return spec.CallsLeft(left=int(left), of=int(of) if of.isascii() and of.isdigit() else None)


def where(name: str, operator: str, value: object) -> spec.Json:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def properties(change: spec.OutboundChange) -> spec.Json:
    return {"properties": dict(change.values)}


owners = spec.ConnectorObject(
    name="owners",
    label="Owners",
    fields=[
        spec.Field("id", read_only=True, label="Owner id"),
        spec.Field("email", read_only=True, label="Email"),
        spec.Field("firstName", read_only=True, label="First name"),
        spec.Field("lastName", read_only=True, label="Last name"),
        spec.Field("userId", "integer", read_only=True, label="User id"),
        spec.Field("createdAt", "timestamp", read_only=True, label="Created at"),
        spec.Field("updatedAt", "timestamp", read_only=True, label="Updated at"),
        spec.Field("teams", "json", read_only=True, label="Teams"),
    ],
    scopes=["crm.objects.owners.read"],
    read=spec.get("/crm/v3/owners", params={"limit": 100}, records="results", pages=NEXT),
)


connector = spec.Connector(
    name="hubspot",
    label="HubSpot",
    base_url="https://api.hubapi.com",
    auth=[
        spec.OAuth2(
            authorize_url="https://app.hubspot.com/oauth/authorize",
            token_url="https://api.hubapi.com/oauth/v1/token",
            scopes=["oauth"],
        ),
        spec.BearerToken(label="Private app token"),
    ],
    limits=[
        spec.RateLimit(name="burst", calls=100, seconds=10),
        spec.RateLimit(name="search", calls=5, seconds=1, path="*/search"),
        spec.RateLimit(name="daily", calls=250_000, seconds=86_400, told=left_today),
    ],
    check=spec.get("/account-info/v3/details"),
    account=lambda details: spec.Account(id=str(details["portalId"])),
    objects=[*(crm_object(name) for name in OBJECTS), owners],
)
