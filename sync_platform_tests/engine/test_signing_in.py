"""What is asked of a person who connects an account, and in which order. Values in, values out."""

import pytest

from sync_platform import spec
from sync_platform.engine.ports import OAuthClient
from sync_platform.engine.signing_in import (
    Asked,
    asked_after,
    asked_before,
    checked_answer,
    found,
    given,
    identity,
    scopes_for,
    ways_of,
)
from sync_platform.errors import ConfigurationError, UnknownObject

OAUTH = spec.OAuth2(
    authorize_url="https://a.example/authorize",
    token_url="https://a.example/token",
    scopes=["profile", "offline"],
)
KEY = spec.ApiKey(name="X-Key", label="Secret key")
ROBOT = spec.JwtBearer(token_url="https://a.example/token", claims=lambda secret, settings: {})


def thing(name: str, *scopes: str, writing: tuple[str, ...] = ()) -> spec.ConnectorObject:
    return spec.ConnectorObject(
        name=name,
        fields=[spec.Field("id")],
        read=spec.get(f"/{name}"),
        scopes=scopes,
        write_scopes=writing,
    )


SUBDOMAIN = spec.Setting(name="subdomain", label="Subdomain", description="As in your address.")
REGION = spec.Setting(name="region", label="Region", default="eu")
INSTANCE = spec.Setting(name="instance_url", label="Instance", found_in="token")
REALM = spec.Setting(name="realm", label="Company", found_in="callback", found_as="realmId")
TENANT = spec.Setting(name="tenant", label="Tenant", options=lambda api: [])
BASES = spec.Setting(name="bases", label="Bases", options=lambda api: [], many=True)
ACME = spec.Connector(
    name="acme",
    label="Acme",
    base_url="https://a.example",
    auth=[OAUTH, KEY, ROBOT, spec.BasicAuth(), spec.BasicAuth(username="x", label="Token")],
    check=spec.get("/me"),
    settings=[SUBDOMAIN, REGION, INSTANCE, REALM, TENANT, BASES],
    object_settings="table.",
    misfits=lambda settings, objects: (),
    limits=[spec.RateLimit(name="burst", calls=10, seconds=1)],
    objects=[
        thing("deals", "crm", "deals.read", writing=("deals.write",)),
        thing("notes", "crm", "notes.read"),
    ],
)


def test_consent_is_asked_for_what_the_chosen_objects_need_and_nothing_else() -> None:
    assert scopes_for(ACME) == ["profile", "offline", "crm", "deals.read", "notes.read"]
    assert scopes_for(ACME, ["notes"]) == ["profile", "offline", "crm", "notes.read"]
    assert scopes_for(ACME, ["deals"], writing=True)[-2:] == ["deals.read", "deals.write"]
    with pytest.raises(UnknownObject):
        scopes_for(ACME, ["people"])


def test_what_a_way_cannot_be_told_is_asked_before() -> None:
    assert asked_before(ACME, OAUTH) == [SUBDOMAIN, REGION]
    assert asked_before(ACME, KEY) == [SUBDOMAIN, REGION, INSTANCE, REALM]
    assert asked_before(ACME, ROBOT) == [SUBDOMAIN, REGION, REALM]  # its token comes with the rest
    assert asked_after(ACME) == [TENANT, BASES]


def test_settings_get_their_defaults_and_the_first_missing_one_is_named() -> None:
    complete = given(ACME, OAUTH, {"subdomain": " acme ", "region": "", "rate_limit.burst": "9"})
    assert complete == {"subdomain": "acme", "region": "eu", "rate_limit.burst": "9"}
    with pytest.raises(ConfigurationError, match=r"'subdomain'\. As in your address\."):
        given(ACME, OAUTH, {})


@pytest.mark.parametrize("mistyped", ["rate_limit.bursst", "regoin", "tables.deals.key"])
def test_a_setting_that_there_is_not_is_refused_with_those_that_there_are(mistyped: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        given(ACME, OAUTH, {"subdomain": "acme", "table.deals.key": "Id", mistyped: "9"})
    assert str(refused.value) == (
        f"Acme has no setting {mistyped!r}. There are: subdomain, region, instance_url, realm, "
        "tenant, bases, rate_limit.burst, and those of its objects, which begin with 'table.'. "
        "Correct the name, or leave it out."
    )


def test_a_setting_that_a_connection_has_already_stays_until_it_is_emptied() -> None:
    kept = {"subdomain": "acme", "region": "us", "of_an_older_connector": "1"}
    assert given(ACME, OAUTH, {"region": "eu"}, kept) == kept | {"region": "eu"}
    without = given(ACME, OAUTH, {"of_an_older_connector": ""}, kept)
    assert without == {"subdomain": "acme", "region": "us"}


def test_what_the_vendor_tells_becomes_settings() -> None:
    told = found(ACME, {"instance_url": "https://eu9.example"}, {"realmId": "77", "code": "x"})
    assert told == {"instance_url": "https://eu9.example", "realm": "77"}
    with pytest.raises(ConfigurationError, match="did not tell 'Company' on the way back"):
        found(ACME, {"instance_url": "https://eu9.example"}, {"code": "x"})


def test_what_is_known_stands_where_a_sign_in_without_a_person_tells_nothing() -> None:
    typed = {"realm": "7", "instance_url": "https://eu1.example"}
    told = {"instance_url": "https://eu9.example"}
    assert found(ACME, {}, {}, typed) == {}
    assert found(ACME, told, {}, typed) == told
    with pytest.raises(ConfigurationError, match=r"with the sign-in, .* setting 'instance_url'"):
        found(ACME, {}, {}, {"realm": "7"})


def test_ways_tell_what_to_fill_in_and_whether_they_can_be_used() -> None:
    ways = ways_of(ACME, client=False)
    assert [(way.name, way.label, way.ready) for way in ways] == [
        ("OAuth2", "Sign in with Acme", False),
        ("ApiKey", "Secret key", True),
        ("JwtBearer", "Service account", True),
        ("BasicAuth", "Password", True),
        ("BasicAuth", "Token", True),
    ]
    blanks = [[(blank.name, blank.kind) for blank in way.blanks] for way in ways]
    assert blanks == [
        [],
        [("token", "hidden")],
        [("private_key", "file")],
        [("username", "shown"), ("token", "hidden")],
        [("token", "hidden")],
    ]
    assert ways_of(ACME, client=True)[0].ready


@pytest.mark.parametrize(
    ("setting", "answer", "kept"),
    [
        (TENANT, " t2 ", "t2"),
        (BASES, "t1, t2,t1", "t1,t2"),
        (TENANT, "t1,t2", ConfigurationError),
        (TENANT, "", ConfigurationError),
        (BASES, "t1,t3", ConfigurationError),
    ],
)
def test_an_answer_is_one_of_the_options(
    setting: spec.Setting, answer: str, kept: str | type[Exception]
) -> None:
    options = [spec.Option(value="t1", label="One"), spec.Option(value="t2", label="Two")]
    asked = Asked(setting=setting, options=options)
    assert asked.open
    if isinstance(kept, str):
        assert checked_answer(asked, answer, "Acme") == kept
    else:
        with pytest.raises(kept, match=r"There are: t1 \(One\), t2 \(Two\)"):
            checked_answer(asked, answer, "Acme")


def test_the_chosen_organisation_is_part_of_whose_data_it_is_and_a_selection_is_not() -> None:
    ann = spec.Account(id="ann")
    chosen = {"tenant": "t1", "bases": "b1,b2", "subdomain": "acme"}
    assert identity(ACME, ann, chosen) == "ann:t1"
    assert identity(ACME, None, chosen) == "t1"
    assert identity(ACME, ann, {}) == "ann"
    assert identity(ACME, None, {}) is None


def test_a_clients_secret_is_not_printed() -> None:
    assert "hush" not in repr(OAuthClient("app", "hush"))
