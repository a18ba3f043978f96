"""The connector of the vendor that repeats what it was sent: every way of signing in there is."""

from sync_platform import spec

THINGS = spec.ConnectorObject(
    name="things", fields=[spec.Field("id")], read=spec.get("/things", records="list")
)

connector = spec.Connector(
    name="echoing",
    label="Echoing",
    base_url="https://echoing.example",
    auth=[
        spec.OAuth2(
            authorize_url="https://echoing.example/oauth/authorize",
            token_url="https://echoing.example/oauth/token",
            refresh_rotates=True,
        ),
        spec.BearerToken(),
        spec.ApiKey(name="X-Key"),
        spec.BasicAuth(),
        spec.ClientCredentials(token_url="https://echoing.example/oauth/token"),
        spec.JwtBearer(
            token_url="https://echoing.example/oauth/token",
            claims=lambda secret, settings: {
                "iss": "robot@echoing",
                "aud": f"{settings['here']}/oauth/token",
            },
        ),
    ],
    settings=[spec.Setting(name="here", label="Its address", required=False)],
    check=spec.get("/me"),
    account=lambda me: spec.Account(id=me["id"]),
    objects=[THINGS],
)
