"""The connector of Parcels (see journeys/parcels_stage.py): lists, read in the ways there are."""

from collections.abc import Iterator

from sync_platform import spec


def fields(api: spec.Api) -> Iterator[spec.Field]:
    for each in api.get("/fields"):
        yield spec.Field(each["name"], each["type"], label=each.get("label"))


def sent_since(row: spec.Row, since: str) -> bool:
    return spec.moment(row["sent"]) >= spec.moment(since)


connector = spec.Connector(
    name="parcels",
    label="Parcels",
    base_url="https://parcels.example",
    auth=[spec.ApiKey(name="X-Key")],
    check=spec.get("/me"),
    objects=[
        spec.ConnectorObject(
            name="parcels",
            fields=[
                spec.Field("id"),
                spec.Field("weight", "number"),
                spec.Field("sent", "timestamp"),
                spec.Field("about", "json"),
                spec.Field("note"),
            ],
            cursor="sent",
            read=spec.get("/parcels", records="list"),
            gone_when=lambda row: row["note"].startswith("lost"),
            filters=[
                spec.Filter(name="sent_within", label="Sent", kind="days", keeps=sent_since),
            ],
        ),
        spec.ConnectorObject(
            name="stamps",
            fields=[spec.Field("id", "integer"), spec.Field("motif")],
            row=lambda record: {"id": record["id"], **record["values"]},
            read=spec.get("/stamps", records="list"),
            deletes=spec.get("/stamps/gone", records="list"),
            filters=[
                spec.Filter(
                    name="motif", label="Motif", keeps=lambda row, value: row.get("motif") == value
                ),
            ],
        ),
        spec.ConnectorObject(
            name="labels",
            key="code",
            cursor="changed",
            fields=fields,
            read=spec.get("/labels", records="list"),
        ),
        spec.ConnectorObject(
            name="exported",
            fields=[spec.Field("id"), spec.Field("note")],
            read=spec.get("/exported", answers="csv"),
        ),
    ],
)
