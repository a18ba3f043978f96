"""Salesforce, as the conformance kit knows it."""

from time import sleep

from sync_platform.sandbox.salesforce import Salesforce
from sync_platform_tests.contract.conformance.stage import Vouched

SERVICE = {"client_id": "service-1", "client_secret": "service-secret-1"}
INSTANCE = {"instance_url": "https://acme.my.salesforce.com"}  # the sandbox's address replaces it


def _salesforce(daily: int | None = None) -> Salesforce:
    vendor = Salesforce(daily=daily, services={SERVICE["client_id"]: SERVICE["client_secret"]})
    vendor.answering.page_size = 200
    vendor.add_fields("Account", "HatSize__c double")
    return vendor


def _others_call(vendor: Salesforce) -> None:
    """Other apps use up the day of the whole org."""
    daily = vendor.limits["daily"]
    daily.taken.extend([vendor.clock()] * ((daily.calls or 0) - len(daily.taken) - 5))


def _tie(vendor: Salesforce) -> None:
    vendor.add_many("Account", 450)  # all in one second


def _weird(vendor: Salesforce, text: str) -> None:
    vendor.add("Account", Name=text)


def _new_field(vendor: Salesforce) -> str:
    vendor.add_fields("Account", "ShoeSize__c double")
    return "shoe_size__c"


def _fill_field(vendor: Salesforce) -> str:
    return vendor.add("Account", Name="Mad Hatter", HatSize__c=7)


def _drop_field(vendor: Salesforce) -> str:
    vendor.drop_field("Account", "HatSize__c")
    return "hat_size__c"


def _vanish(vendor: Salesforce, id: str) -> None:
    """As where somebody takes the right to see it away."""
    vendor.org.tables["Account"].latest.pop(id)
    vendor.org.tables["Account"].seen.pop(id)
    vendor.org.version += 1


vouched = Vouched(
    connector="salesforce",
    vendor=_salesforce,
    limited=lambda: _salesforce(daily=100_000),
    others_call=_others_call,
    object="Account",
    page=200,
    secret=SERVICE,
    settings={"rate_limit.daily": "unlimited", "external_ids": "Account.Number__c", **INSTANCE},
    reads="*/query*",
    writes={"Name": "New", "Number__c": "N-1"},
    rewrites={"Name": "Renewed"},
    refused={"Name": "New", "Number__c": "N-1", "NoSuchField__c": "1"},
    tie=_tie,
    lag=lambda vendor: setattr(vendor.org, "lag", 0.2),
    settled=lambda vendor: sleep(vendor.org.lag),  # a lag is nothing but time
    restore=lambda vendor, id: vendor.undelete("Account", id),
    vanish=_vanish,
    weird=_weird,
    weird_column="name",
    new_field=_new_field,
    drop_field=_drop_field,
    fill_field=_fill_field,
    revoke=lambda vendor: vendor.revoke(),
    forbid=lambda vendor: vendor.hide("Account"),
    not_offered={
        "past_a_cap": "Salesforce's queries have no cap; what does not fit into an answer of "
        "getDeleted is asked for by halves.",
        "renewed_in_time": "Salesforce does not tell when a session ends: it is renewed once a "
        "call is refused.",
        "rotated": "Salesforce's refresh tokens stay the same, unless an org's admin wants them "
        "to change: then the new one is kept.",
        "a_renamed_field": "A field's API name is its identity; only its label can change.",
    },
    gaps=[
        "Files (base64) are not read.",
        "Changes are asked for, not streamed (Change Data Capture).",
        "Records of a create are written one by one, not in the 200 of a collection.",
        "An org that moves to another instance must be signed in anew.",
    ],
)
