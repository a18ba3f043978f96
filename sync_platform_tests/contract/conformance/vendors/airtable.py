"""Airtable, as the conformance kit knows it."""

from datetime import timedelta
from time import sleep

from sync_platform.sandbox.airtable import Airtable
from sync_platform.sandbox.airtable_life import MODIFIED
from sync_platform_tests.contract.conformance.stage import Vouched


def _airtable(per_base: int | None = None, per_token: int | None = None) -> Airtable:
    vendor = Airtable(per_base=per_base, per_token=per_token)
    base = vendor.add_base("Sales")
    vendor.add_table(base, "Companies", Name="singleLineText", City="singleLineText")
    vendor.add_table(
        base,
        "Contacts",
        Name="singleLineText",
        Notes="multilineText",
        Stage=("singleSelect", {"choices": ["Lead", "Customer"]}),
        Value=("currency", {"precision": 2}),
        Met="date",
        Called="dateTime",
        Done="checkbox",
        Stars=("rating", {"max": 5}),
        Company=("multipleRecordLinks", {"to": "Companies"}),
        Loud=("formula", {"formula": "UPPER({Name})", "result": {"type": "singleLineText"}}),
        Modified=("lastModifiedTime", MODIFIED),
    )
    vendor.add_many("Companies", 3)
    return vendor


def _lag(vendor: Airtable) -> None:
    vendor.listing.lag = 0.2


def _new_field(vendor: Airtable) -> str:
    vendor.add_field("Contacts", "Shoe size", "number")
    vendor.add("Contacts", Name="Ada", **{"Shoe size": 38.5})
    return "shoe_size"


def _rename_field(vendor: Airtable) -> tuple[str, str]:
    vendor.rename_field("Contacts", "Stage", "Phase")
    return "stage", "phase"


def _drop_field(vendor: Airtable) -> str:
    vendor.remove_field("Contacts", "Met")
    return "met"


def _vanish(vendor: Airtable, id: str) -> None:
    """As where our webhook was not there when it went."""
    del vendor.workspace.find("Contacts")[1].records[id]
    vendor.workspace.changes += 1


vouched = Vouched(
    connector="airtable",
    vendor=_airtable,
    limited=lambda: _airtable(per_base=5, per_token=50),
    tick=timedelta(milliseconds=1),
    object="contacts",
    page=100,
    settings={"rate_limit.base": "unlimited", "rate_limit.token": "unlimited"},
    reads="/v0/app*/tbl*",
    writes={"Name": "New", "Stage": "Lead", "Value": 12.5, "Done": True},
    rewrites={"Name": "Renewed", "Done": False},
    refused={"Name": "New", "Stage": "Nowhere"},
    tie=lambda vendor: vendor.add_many("Contacts", 250),  # all in one millisecond
    lag=_lag,
    settled=lambda vendor: sleep(vendor.listing.lag),  # a lag is nothing but time
    restore=lambda vendor, id: vendor.restore("Contacts", id),
    vanish=_vanish,
    weird=lambda vendor, text: vendor.add("Contacts", Name=text),
    weird_column="name",
    new_field=_new_field,
    rename_field=_rename_field,
    drop_field=_drop_field,
    revoke=lambda vendor: vendor.tokens.clear(),
    forbid=lambda vendor: vendor.workspace.bases.clear(),  # unshared
    not_offered={
        "past_a_cap": "A list has no cap: pages follow each other to its end.",
        "told_what_is_left": "Airtable does not tell how many calls are left.",
        "sent_twice": "Airtable has no idempotency keys: a create whose answer is lost may make "
        "two records, so it is not repeated.",
    },
    gaps=[
        "Tables without a last modified time that watches all fields are read in full every time.",
        "A record that is restored from the trash is live again after the next full sync, as is "
        "one that a full sync took for deleted because the list's order shifted while it was read.",
        "Comments on records are not read.",
    ],
)
