"""Stripe, as the conformance kit knows it."""

from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.contract.conformance.stage import Vouched


def _tie(vendor: Stripe) -> None:
    vendor.change("customers", creates=150, updates=5)


def _lag(vendor: Stripe) -> None:
    vendor.account.lag = 3600.0


def _settled(vendor: Stripe) -> None:
    vendor.account.lag = 0.0


def _weird(vendor: Stripe, text: str) -> None:
    vendor.add("customers", email="weird@example.com", name=text)


def _forbid(vendor: Stripe) -> None:
    vendor.tokens.update(Stripe(tokens={"sandbox-token": ["rak_product_read"]}).tokens)


def _vanish(vendor: Stripe, id: str) -> None:
    del vendor.account.records["customers"][id]
    vendor.account.changes += 1


vouched = Vouched(
    connector="stripe",
    vendor=Stripe,
    limited=lambda: Stripe(per_second=100, per_endpoint=25),
    object="customers",
    page=100,
    settings={"rate_limit.account": "unlimited", "rate_limit.endpoint": "unlimited"},
    reads="/v1/customers",
    writes={"email": "new@example.com", "name": "New"},
    rewrites={"name": "Renewed"},
    refused={"email": "new@example.com", "no_such_parameter": "1"},
    tie=_tie,
    lag=_lag,
    settled=_settled,
    vanish=_vanish,
    weird=_weird,
    weird_column="name",
    revoke=lambda vendor: vendor.tokens.clear(),
    forbid=_forbid,
    not_offered={
        "past_a_cap": "Stripe's lists have no cap.",
        "told_what_is_left": "Stripe does not tell how many calls are left.",
        "restored": "What was deleted at Stripe stays deleted.",
        "a_new_field": "The columns are those of one API version, and stay until the connector "
        "is of another.",
        "a_renamed_field": "Fields of an API version are not renamed.",
        "a_field_that_is_gone": "Fields of an API version are not dropped.",
    },
    gaps=[
        "Payment methods, tax rates, quotes, subscription schedules and transfers are not read.",
        "What an object only has when it is expanded (a customer's sources and tax ids, a price's "
        "tiers, a session's line items) is not read.",
        "Changes without an event are seen by the daily full sync only; so is that a "
        "subscription's eleventh item or a later one was taken out, of which no event tells.",
        "Charges, refunds and payouts can be edited, not made; subscriptions cannot be canceled.",
    ],
)
