"""The same vendor, by a key in the address."""

from sync_platform import spec

connector = spec.Connector(
    name="echoing_query",
    label="Echoing",
    base_url="https://echoing.example",
    auth=[spec.ApiKey(name="api_key", sent_in="query")],
    check=spec.get("/me"),
    account=lambda me: spec.Account(id=me["id"]),
    objects=[
        spec.ConnectorObject(
            name="things", fields=[spec.Field("id")], read=spec.get("/things", records="list")
        )
    ],
)
