"""The connector of Books (see books_vendor.py)."""

from collections.abc import Iterator

from sync_platform import spec


def organisations(api: spec.Api) -> Iterator[spec.Option]:
    for each in api.get("/organisations")["list"]:
        yield spec.Option(value=each["id"], label=each["name"])


def fields(api: spec.Api) -> Iterator[spec.Field]:
    for name in api.send(spec.get("/{organisation}/fields"))["fields"]:
        yield spec.Field(name)


CENTRES = {"eu": "centres/eu", "us": "centres/us"}  # no other address is to get our secret


def token_url(settings: spec.Json) -> str:
    """That of the data centre which the vendor names on the way back."""
    return f"{settings['login']}/login/{CENTRES[settings['centre']]}/token"


def robot(secret: spec.Json, settings: spec.Json) -> spec.Json:
    return {"iss": secret["email"], "aud": f"{settings['login']}/login/centres/eu/token"}


connector = spec.Connector(
    name="books",
    label="Books",
    base_url=lambda settings: settings["instance_url"],
    auth=[
        spec.OAuth2(
            authorize_url=lambda settings: f"{settings['login']}/login/authorize",
            token_url=token_url,
            revoke_url=lambda settings: f"{settings['login']}/login/revoke",
            scopes=["profile"],
            refresh_rotates=True,
        ),
        spec.ApiKey(name="X-Key"),
        spec.ClientCredentials(
            token_url=lambda settings: f"{settings['login']}/login/centres/eu/token"
        ),
        spec.JwtBearer(
            token_url=lambda settings: f"{settings['login']}/login/centres/eu/token",
            claims=robot,
            key_file=lambda file: {"private_key": file["key"], "email": file["email"]},
        ),
    ],
    settings=[
        spec.Setting(name="login", label="Login address", description="Your own, https://…"),
        spec.Setting(name="instance_url", label="Instance", found_in="token"),
        spec.Setting(
            name="company", label="Company", found_in="callback", found_as="realmId", required=False
        ),
        spec.Setting(
            name="centre",
            label="Data centre",
            found_in="callback",
            found_as="location",
            required=False,
        ),
        spec.Setting(name="organisation", label="Organisation", options=organisations),
    ],
    check=spec.get("/me"),
    account=lambda me: spec.Account(id=me["id"], name=me["name"]),
    objects=[
        spec.ConnectorObject(
            name="invoices",
            label="Invoices",
            fields=[spec.Field("id"), spec.Field("text")],
            scopes=["invoices.read"],
            write_scopes=["invoices.write"],
            create=spec.post("/{organisation}/invoices"),
            read=spec.get("/{organisation}/invoices", records="list"),
        ),
        spec.ConnectorObject(
            name="notes",
            label="Notes",
            fields=fields,
            scopes=["notes.read"],
            read=spec.get("/{organisation}/notes", records="list"),
        ),
    ],
)
