"""The Salesforce connector's objects, fields, settings and what its errors mean, in values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors._salesforce_fields import TYPES, external_ids
from sync_platform.connectors.salesforce import CORE, NOT_WHOLE, connector, discovered, login, means
from sync_platform.errors import ConfigurationError, NotPermitted, UnexpectedResponse
from sync_platform_tests.connectors.answers_in_turn import Answers

FLAGS = {"replicateable": True, "createable": True, "updateable": True, "deletable": True}
V = "/services/data/v62.0"


def object_of(name: str, **about: Any) -> spec.ConnectorObject:
    return discovered(spec.Discovered(name=name, about={"sobject": name, **FLAGS, **about}))


def test_it_has_no_faults_with_objects_or_without() -> None:
    assert spec.faults(connector) == []
    whole = replace(connector, objects=[object_of(name) for name in CORE])
    assert spec.faults(whole) == []
    bare = object_of("TaskStatus", **dict.fromkeys(FLAGS, False))
    assert spec.faults(replace(connector, objects=[bare])) == []
    assert (bare.cursor, bare.deletes, bare.bulk, bare.writable) == (None, None, None, False)


# -- objects and fields ---------------------------------------------------------------------------


def listed(name: str, **more: Any) -> dict[str, Any]:
    known = {"name": name, "label": name, "labelPlural": f"{name}s", "keyPrefix": "a00"}
    return known | {"queryable": True, "deprecatedAndHidden": False, **FLAGS, **more}


def found_in(api: Answers) -> list[spec.Discovered]:
    assert connector.discover is not None
    return list(connector.discover(api))


def test_what_can_be_queried_is_offered_and_the_core_is_suggested() -> None:
    listing = [
        listed("Account"),
        listed("AccountShare", replicateable=False),
        listed("Bill__c"),
        listed("Old__c", deprecatedAndHidden=True),
        listed("AccountChangeEvent", queryable=False),
        *(listed(name) for name in NOT_WHOLE),
    ]
    account, share, bill = found_in(
        Answers(
            [{"sobjects": listing}, {"fields": [described("Number__c", externalId=True)]}],
            settings={"external_ids": "Bill__c.Number__c"},
        )
    )
    assert [(it.name, it.chosen) for it in (account, share, bill)] == [
        ("Account", True),
        ("AccountShare", False),
        ("Bill__c", True),
    ]
    assert (account.id, bill.id) == (None, "a00")  # a standard object's name never changes
    assert discovered(share).cursor is None
    assert bill.about["external_id"] == "Number__c"


def test_an_object_is_made_of_what_was_listed() -> None:
    it = object_of("Contact")
    assert (it.keys, it.cursor, it.lookback) == (("Id",), "SystemModstamp", timedelta(minutes=5))
    assert it.deletes_remembered == timedelta(days=13)
    assert it.sees_deletes
    assert it.writable
    assert it.create == spec.post(f"{V}/sobjects/Contact", json=it.create.json)  # type: ignore[union-attr]


def test_an_external_id_makes_of_a_create_what_may_be_sent_twice() -> None:
    create = object_of("Contact", external_id="Number__c").create
    assert isinstance(create, spec.Request)
    assert (create.method, create.repeatable) == ("PATCH", True)
    assert create.path == f"{V}/sobjects/Contact/Number__c/{{Number__c}}"
    assert callable(create.json)
    change = spec.OutboundChange(kind="create", values={"Number__c": "1", "LastName": "L"})
    assert create.json(change) == {"LastName": "L"}


def test_external_ids_are_an_object_and_a_field_each() -> None:
    assert external_ids(" A.X__c, B__c.Y__c ,") == {"A": "X__c", "B__c": "Y__c"}
    for wrong in ("Contact", "Contact.", "Contact.a/b"):
        with pytest.raises(ConfigurationError, match=r"as Contact\.Number__c"):
            external_ids(wrong)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("Contcat.Number__c", r"the object 'Contcat', which this org does not have or"),
        ("Bill__c.Numbr__c", r"Bill__c\.Numbr__c, which finds no .* do: Number__c, Email\. In"),
        ("Bill__c.Title", r"Bill__c\.Title, which finds no record by itself"),
    ],
)
def test_an_external_id_that_is_none_is_told(written: str, sentence: str) -> None:
    fields = [
        described("Id", "id", idLookup=True),
        described("Number__c", externalId=True),
        described("Email", "email", idLookup=True),
        described("Title"),
    ]
    answers = [{"sobjects": [listed("Bill__c")]}, {"fields": fields}]
    with pytest.raises(ConfigurationError, match=sentence):
        found_in(Answers([*answers], settings={"external_ids": written}))
    found_in(Answers(answers, settings={"external_ids": "Bill__c.Email"}))


def described(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "label": name, "createable": True, "updateable": True,
            "calculated": False, **more}  # fmt: skip


def fields_of(*found: dict[str, Any]) -> list[spec.Field]:
    discover = object_of("Account").fields
    assert callable(discover)
    return list(discover(Answers([{"fields": [*found]}])))


@pytest.mark.parametrize(("theirs", "ours"), TYPES.items())
def test_types_become_ours(theirs: str, ours: spec.FieldType) -> None:
    assert fields_of(described("X", theirs)) == [spec.Field("X", ours, label="X")]


def test_a_type_that_is_new_to_us_is_text() -> None:
    assert fields_of(described("X", "hologram"))[0].type == "text"


def test_compound_fields_and_files_are_left_out_and_named() -> None:
    id, city = fields_of(
        described("Id", "id"),
        described("BillingCity"),
        described("BillingAddress", "address"),
        described("Body", "base64"),
        described("Gone__c", deprecatedAndHidden=True),
    )
    assert city.name == "BillingCity"
    assert id.description == "Not synced: BillingAddress (in its parts), Body (a file)."


@pytest.mark.parametrize(
    ("more", "read_only", "computed"),
    [
        ({}, False, False),
        ({"createable": False}, False, False),
        ({"createable": False, "updateable": False}, True, False),
        ({"createable": False, "updateable": False, "calculated": True}, True, True),
    ],
)
def test_formulas_are_computed_and_what_nobody_may_write_is_read_only(
    more: dict[str, Any], read_only: bool, computed: bool
) -> None:
    (found,) = fields_of(described("X", **more))
    assert (found.read_only, found.computed) == (read_only, computed)


def test_an_object_that_is_not_shown_is_not_permitted() -> None:
    discover = object_of("Case").fields
    assert callable(discover)
    own = '[{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]'
    with pytest.raises(NotPermitted, match="does not show Case"):
        list(discover(Answers([UnexpectedResponse("x", evidence={"status": 404, "body": own})])))
    for status, body in ((400, own), (404, "<html>Not found</html>"), (404, "")):
        evidence = {"status": status, "body": body}
        with pytest.raises(UnexpectedResponse, match="x"):
            list(discover(Answers([UnexpectedResponse("x", evidence=evidence)])))


# -- the account ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("REQUEST_LIMIT_EXCEEDED", "rate_limited"),
        ("INVALID_SESSION_ID", "sign_in_refused"),
        ("INVALID_TYPE", "not_permitted"),
        ("QUERY_TIMEOUT", "unavailable"),
        ("EXCEEDED_ID_LIMIT", "too_much"),
        ("INVALID_QUERY_LOCATOR", "page_forgotten"),
        ("MALFORMED_QUERY", "query_refused"),
        ("INVALID_FIELD", "query_refused"),
        ("MALFORMED_ID", None),
    ],
)
def test_an_answer_means_what_its_code_says(code: str, meaning: spec.Meaning | None) -> None:
    assert means(403, [{"errorCode": code, "message": "m"}]) == meaning


@pytest.mark.parametrize("body", [None, {}, [], ["x"], "text", {"error": "invalid_grant"}, [{}]])
def test_other_bodies_mean_what_their_status_says(body: Any) -> None:
    assert means(400, body) is None


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("api-usage=18/5000", (4982, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=sync)", (233, 250)),
        ("", None),
        ("nonsense", None),
    ],
)
def test_what_is_left_of_the_day_is_read_from_the_answers(header: str, left: Any) -> None:
    told = connector.limits[0].told
    assert told is not None
    found = told({"sforce-limit-info": header})
    assert (found and (found.left, found.of)) == left


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({}, "login.salesforce.com"),
        ({"login_host": "test.salesforce.com"}, "test.salesforce.com"),
        ({"login_host": " https://Acme--dev.sandbox.my.salesforce.com/ "},
         "acme--dev.sandbox.my.salesforce.com"),
    ],
)  # fmt: skip
def test_people_sign_in_at_the_host_of_their_org(given: dict[str, str], host: str) -> None:
    assert login(given) == f"https://{host}"


@pytest.mark.parametrize(
    "host",
    ["evil.com", "salesforce.com.evil.com", "evil.com/.salesforce.com", "a@b.salesforce.com"],
)
def test_our_apps_secret_goes_to_salesforce_only(host: str) -> None:
    with pytest.raises(ConfigurationError, match="no login host of Salesforce"):
        login({"login_host": host})


def test_the_account_is_the_org() -> None:
    org = {"records": [{"Id": "00Dx0000000BV7z", "Name": "Acme"}]}
    assert connector.account(org) == spec.Account(id="00Dx0000000BV7z", name="Acme")
    assert connector.account({"records": []}) is None


def test_an_assertion_is_for_the_login_host() -> None:
    way = next(it for it in connector.auth if isinstance(it, spec.JwtBearer))
    secret = {"client_id": "c", "username": "u", "private_key": "-"}
    assert way.claims(secret, {}) == {"iss": "c", "sub": "u", "aud": "https://login.salesforce.com"}
    for host, audience in [
        ("test.salesforce.com", "test"),
        ("https://test.salesforce.com", "test"),
        ("acme--dev.sandbox.my.salesforce.com", "test"),
        ("acme.my.salesforce.com", "login"),
    ]:
        wanted = f"https://{audience}.salesforce.com"
        assert way.claims(secret, {"login_host": host})["aud"] == wanted
