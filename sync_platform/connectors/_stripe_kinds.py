"""Stripe's kinds of objects: the list of each, and the types of events that tell of it.

Some events tell of an object without holding it: then its id is at a property of what they hold.
"""

from collections.abc import Mapping

from sync_platform.connectors._stripe_reads import GONE, ITSELF, Kind

SUBSCRIPTION = (
    "created deleted paused pending_update_applied pending_update_expired resumed trial_will_end"
    " updated"
)
DISCOUNT = "created updated deleted"
DISPUTE = "closed created funds_reinstated funds_withdrawn updated"


def told(prefix: str, happenings: str, where: str = ITSELF) -> dict[str, str]:
    """Types of events that tell of an object."""
    return {f"{prefix}.{each}": where for each in happenings.split()}


KINDS: Mapping[str, Kind] = {
    "customers": Kind(
        path="/v1/customers",
        told=told("customer", "created updated")
        | told("customer", "deleted", GONE)
        | told("customer.discount", DISCOUNT, "customer"),
    ),
    "products": Kind(
        path="/v1/products",
        told=told("product", "created updated") | told("product", "deleted", GONE),
    ),
    "prices": Kind(
        path="/v1/prices", told=told("price", "created updated") | told("price", "deleted", GONE)
    ),
    "subscriptions": Kind(
        path="/v1/subscriptions",
        told=told("customer.subscription", SUBSCRIPTION)
        | told("customer.discount", DISCOUNT, "subscription"),
        always={"status": "all"},
        by_status=True,
        whole=("items",),
    ),
    "subscription_items": Kind(
        path="/v1/subscriptions",
        told=told("customer.subscription", SUBSCRIPTION),
        always={"status": "all"},
        whole=("items",),
        parts="items",
    ),
    "invoices": Kind(
        path="/v1/invoices",
        told=told(
            "invoice",
            "created finalization_failed finalized marked_uncollectible paid"
            " payment_action_required payment_failed payment_succeeded sent updated voided",
        )
        | told("invoice", "deleted", GONE)
        | told("credit_note", "created updated voided", "invoice"),
        by_status=True,
        whole=("lines",),
    ),
    "invoiceitems": Kind(
        path="/v1/invoiceitems",
        told=told("invoiceitem", "created updated") | told("invoiceitem", "deleted", GONE),
    ),
    "charges": Kind(
        path="/v1/charges",
        told=told("charge", "captured expired failed pending refunded succeeded updated")
        | told("charge.dispute", DISPUTE, "charge")
        | told("charge.refund", "updated", "charge")  # one that fails gives its amount back
        | told("refund", "failed", "charge"),
    ),
    "payment_intents": Kind(
        path="/v1/payment_intents",
        told=told(
            "payment_intent",
            "amount_capturable_updated canceled created partially_funded payment_failed processing"
            " requires_action succeeded",
        ),
    ),
    "setup_intents": Kind(
        path="/v1/setup_intents",
        told=told("setup_intent", "canceled created requires_action setup_failed succeeded"),
    ),
    "refunds": Kind(
        path="/v1/refunds",
        told=told("charge.refund", "updated") | told("refund", "created failed updated"),
        listed_too=True,
    ),
    "disputes": Kind(path="/v1/disputes", told=told("charge.dispute", DISPUTE)),
    "payouts": Kind(
        path="/v1/payouts",
        told=told("payout", "canceled created failed paid reconciliation_completed updated"),
        # Not by_status: its list takes one, but none that is in_transit.
    ),
    "balance_transactions": Kind(path="/v1/balance_transactions"),
    "coupons": Kind(
        path="/v1/coupons",
        told=told("coupon", "created updated")
        | told("coupon", "deleted", GONE)
        | told("customer.discount", "created", "coupon.id"),  # it was redeemed once more
    ),
    "promotion_codes": Kind(
        path="/v1/promotion_codes",
        told=told("promotion_code", "created updated")
        | told("customer.discount", "created", "promotion_code"),
    ),
    "credit_notes": Kind(
        path="/v1/credit_notes",
        told=told("credit_note", "created updated voided"),
        dated=False,
        whole=("lines",),
    ),
    "checkout_sessions": Kind(
        path="/v1/checkout/sessions",
        told=told(
            "checkout.session", "async_payment_failed async_payment_succeeded completed expired"
        ),
        dated=False,
        listed_too=True,
    ),
}
