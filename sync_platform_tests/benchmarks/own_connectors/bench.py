"""The benchmark's API as anyone would connect it: one file in a folder of one's own."""

from datetime import timedelta

from sync_platform import spec

COUNTED = 100  # records on a page by offset, or in a window

FIELDS = [
    spec.Field("id"),
    spec.Field("number", "integer"),
    spec.Field("name"),
    spec.Field("email"),
    spec.Field("phone"),
    spec.Field("company"),
    spec.Field("title"),
    spec.Field("street"),
    spec.Field("city"),
    spec.Field("postal_code"),
    spec.Field("country"),
    spec.Field("website"),
    spec.Field("status"),
    spec.Field("notes"),
    spec.Field("amount", "number"),
    spec.Field("score", "number"),
    spec.Field("quantity", "integer"),
    spec.Field("active", "boolean"),
    spec.Field("birthday", "date"),
    spec.Field("created_at", "timestamp"),
    spec.Field("updated_at", "timestamp"),
    spec.Field("tags", "json"),
    spec.Field("custom", "json"),
]


def asked(read: spec.Read) -> dict[str, str | None]:
    """What a read of the listing is asked for."""
    since = spec.iso(read.since) if read.since else None
    return {"limit": read.settings["page_size"], "updated_since": since}


def by_offset(name: str, side_by_side: int) -> spec.ConnectorObject:
    """The listing, read by offsets."""
    return spec.ConnectorObject(
        name=name,
        cursor="updated_at",
        fields=FIELDS,
        read=spec.get(
            "/records",
            params=lambda read: {**asked(read), "limit": COUNTED, "offset": 0},
            records="records",
            pages=spec.offset_pages("offset", limit=COUNTED, total="total"),
        ),
        side_by_side=side_by_side,
    )


def by_window(name: str, side_by_side: int) -> spec.ConnectorObject:
    """The listing, read by windows of a page each: at first, a record changed every second."""

    def window(read: spec.Read) -> dict[str, str | None]:
        until = spec.iso(read.until) if read.until else None
        return {**asked(read), "limit": str(COUNTED), "updated_before": until}

    return spec.ConnectorObject(
        name=name,
        cursor="updated_at",
        step=timedelta(seconds=COUNTED),
        fields=FIELDS,
        read=spec.get(
            "/records",
            params=window,
            records="records",
            pages=spec.cursor_pages("cursor", found_at="next"),
        ),
        side_by_side=side_by_side,
    )


connector = spec.Connector(
    name="bench",
    label="Bench",
    base_url="http://127.0.0.1:1",
    auth=[spec.BearerToken()],
    check=spec.get("/me"),
    settings=[spec.Setting(name="page_size", label="Page size")],
    objects=[
        spec.ConnectorObject(
            name="records",
            cursor="updated_at",
            fields=FIELDS,
            read=spec.get(
                "/records",
                params=asked,
                records="records",
                pages=spec.cursor_pages("cursor", found_at="next"),
            ),
        ),
        by_offset("one_by_one", 1),
        by_offset("side_by_side", 8),
        by_window("windows_one_by_one", 1),
        by_window("windows_side_by_side", 8),
    ],
)
