"""Xero, as the conformance kit knows it: a custom connection, which needs no person."""

from sync_platform.sandbox.xero import Xero
from sync_platform_tests.contract.conformance.stage import Vouched


def _others_call(vendor: Xero) -> None:
    """Other apps use up the day of the organisation."""
    day = vendor.limits["day"]
    day.taken.extend([vendor.clock()] * ((day.calls or 0) - len(day.taken) - 3))


def _tie(vendor: Xero) -> None:
    ids = vendor.add_many("invoices", 1200)
    now = vendor.records("invoices")[ids[-1]]["UpdatedDateUTC"]
    for id in ids:
        vendor.organisation().records["invoices"][id]["UpdatedDateUTC"] = now


def _weird(vendor: Xero, text: str) -> None:
    vendor.create("invoices", Type="ACCREC", Contact={"Name": "Ada"}, Reference=text)


def _forbid(vendor: Xero) -> None:
    vendor.forbidden.add("invoices")


def _vanish(vendor: Xero, id: str) -> None:
    del vendor.organisation().records["invoices"][id]
    vendor.organisation().version += 1


SAME = "Every organisation has the same fields."

vouched = Vouched(
    connector="xero",
    vendor=Xero,
    limited=lambda: Xero(minute=60, day=5000),
    others_call=_others_call,
    object="invoices",
    page=1000,
    secret={"client_id": "custom-client", "client_secret": "custom-secret"},
    settings={"rate_limit.minute": "unlimited", "rate_limit.day": "unlimited"},
    reads="*/Invoices",
    writes={
        "Type": "ACCREC",
        "Contact": {"Name": "Ada"},
        "LineItems": [{"Description": "Licence", "Quantity": 2, "UnitAmount": 12.5}],
    },
    rewrites={"Reference": "Renewed"},
    refused={"Type": "ACCREC"},
    tie=_tie,
    vanish=_vanish,
    weird=_weird,
    weird_column="reference",
    revoke=lambda vendor: vendor.revoke(),
    forbid=_forbid,
    not_offered={
        "past_a_cap": "Xero's lists have no cap.",
        "what_shows_late": "Changes show at once.",
        "restored": "What was deleted or voided stays so.",
        "a_new_field": SAME,
        "a_field_that_is_gone": SAME,
        "a_renamed_field": SAME,
    },
    gaps=[
        "Where other apps use up the calls of a minute, some are refused and waited for: Xero "
        "tells how many are left, not until when. Of the day's calls a tenth is left to others.",
        "Line items are a JSON column of their document, not a table of their own.",
        "Expense claims, receipts, attachments, reports, budgets and history notes are not read.",
        "A window's end cannot be asked for with purchase orders, quotes and journals.",
        "Creates are written one by one, not in lists.",
        "Webhooks are not listened to.",
    ],
)
