"""Stripe: payments, billing and what is sold. Nothing there has a date of its last change.

What surprises:
- Incremental syncs read the events feed, which Stripe keeps for 30 days; after a longer pause an
  incremental sync is a full one. Events come a little late, so the last minute is read again.
- Lists can only be asked for by dates of creation, so that is what a from-date sync means here.
- A restricted key needs the right to read events beside those to read the objects.
- An event holds its object as it was then, in the account's own API version, not in the one that we
  ask for: where they differ, every changed object is asked for by itself.
- `customer.subscription.deleted` means that it was canceled; the subscription is still there, and
  is only in lists with `status=all`.
- Lists within an object (subscription items, lines of invoices) end after ten: the rest is fetched.
  What an event tells of before ends there, too, and no list has what was taken out: that the
  eleventh item of a subscription or a later one was, only full syncs see.
- A 404 means deleted only in Stripe's own words and of a kind that can be deleted.
- Some changes have no event: what a checkout session or a refund is when it is made (so the newest
  are listed, too), edits of the metadata of a payment intent, a price within a subscription item, a
  balance transaction becoming available. Full syncs see them.
- Credit notes, disputes and refunds that fail change their invoice or charge, and discounts what
  they are of, without an event of theirs: these are asked for.
- Filters are applied to rows; where one leaves its filter, its row stays until the next full sync.
- What moves money at once (charges, refunds, payouts) can be edited here, not made, and a
  subscription cannot be canceled by deleting it.

Sources: Stripe's API reference (API version 2022-11-15) and its OpenAPI description; rate limits.
From memory, not checked against the vendor: that the version of that description is 2022-11-15; the
names of the events' types; `previous_attributes` of a subscription that lost an item, and that they
have ten at most; that events of one second come in any order; that an invoice item has an event
when it is put on an invoice; that 404 is what deleted coupons, drafts and invoice items are; the
lists' `created` for coupons, promotion codes and setup intents; that a restricted key may read
`/v1/account`; that the token endpoint of Stripe Apps takes no PKCE, and its tokens' lifetimes.
"""

from collections.abc import Mapping
from datetime import timedelta

from sync_platform import spec
from sync_platform.connectors._stripe_events import changed
from sync_platform.connectors._stripe_fields import fields, misfits
from sync_platform.connectors._stripe_kinds import KINDS
from sync_platform.connectors._stripe_reads import VERSION, created, listed, row
from sync_platform.connectors._stripe_writes import WRITES, WRITTEN_AT, form_of, only_once

REMEMBERED = timedelta(days=29)  # of 30: the oldest must not be forgotten while it is read
EVENTS_LAG = spec.minutes(1)
PAYMENT_FAILED = 402  # what was asked is well, but the money did not come
STATUSES = {
    "subscriptions": (
        "active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "trialing",
        "paused",
    ),
    "invoices": ("draft", "open", "paid", "uncollectible", "void"),
    "charges": ("succeeded", "pending", "failed"),
    "payment_intents": (
        "requires_payment_method", "requires_confirmation", "requires_action", "processing",
        "requires_capture", "canceled", "succeeded",
    ),
    "setup_intents": (
        "requires_payment_method", "requires_confirmation", "requires_action", "processing",
        "canceled", "succeeded",
    ),
    "refunds": ("pending", "requires_action", "succeeded", "failed", "canceled"),
    "disputes": (
        "warning_needs_response", "warning_under_review", "warning_closed", "needs_response",
        "under_review", "charge_refunded", "won", "lost",
    ),
    "payouts": ("paid", "pending", "in_transit", "canceled", "failed"),
    "credit_notes": ("issued", "void"),
    "checkout_sessions": ("open", "complete", "expired"),
    "balance_transactions": ("available", "pending"),
}  # fmt: skip


def stripe_object(name: str) -> spec.ConnectorObject:
    """One kind of object. What has no events is never edited: balance transactions."""
    kind, writes = KINDS[name], WRITES.get(name, ())
    path = WRITTEN_AT.get(name, kind.path)
    feed = spec.Changes(read=changed(kind), remembers=REMEMBERED) if kind.told else None

    def post(path: str) -> spec.Request:
        return spec.post(path, form=form_of(name), headers=only_once, safe_to_repeat=True)

    return spec.ConnectorObject(
        name=name,
        label="Invoice items" if name == "invoiceitems" else name.replace("_", " ").capitalize(),
        fields=lambda api: fields(name, api.settings),
        read=listed(kind),
        row=row,
        changes=feed,
        cursor=None if feed else "created",
        lookback=EVENTS_LAG if feed else spec.hours(1),
        computed_every=None if feed else spec.hours(24),
        filters=filters(name),
        create=post(path) if "create" in writes else None,
        update=post(path + "/{key}") if "update" in writes else None,
        delete=spec.delete(path + "/{key}") if "delete" in writes else None,
    )


def filters(name: str) -> list[spec.Filter]:
    """By the date of creation, and by status where there is one. Events know no filters, so all of
    them are applied to rows; lists are asked for less where they can be."""
    found = [
        spec.Filter(
            name="created_within",
            label="Created within the last days",
            kind="days",
            keeps=lambda row, since: created(row) >= spec.moment(since).timestamp(),
        )
    ]
    if name in STATUSES:
        found.append(
            spec.Filter(
                name="status",
                label="Status",
                values=STATUSES[name],
                keeps=lambda row, wanted: row.get("status") in wanted.split(","),
            )
        )
    return found


def headers(settings: Mapping[str, str]) -> dict[str, str]:
    """The version that the tables are of; with an organisation's key, the account that is meant."""
    account = settings.get("account")
    return {"Stripe-Version": VERSION} | ({"Stripe-Context": account} if account else {})


def means(status: int, body: spec.Json) -> spec.Meaning | None:
    """What answers mean whose status misleads."""
    match spec.at(body, "error.code"), spec.at(body, "error.param"):
        case "account_invalid", _:  # 403: an app that was removed
            return "sign_in_refused"
        case "idempotency_key_in_use", _:  # 409: the same change is being made just now
            return "unavailable"
        case "resource_missing", "starting_after":  # the page's last object is gone meanwhile
            return "page_forgotten"
    return "rejected" if status == PAYMENT_FAILED else None


def account(found: spec.Json) -> spec.Account:
    name = spec.at(found, "settings.dashboard.display_name") or spec.at(
        found, "business_profile.name"
    )
    return spec.Account(id=found["id"], name=name or "")


connector = spec.Connector(
    name="stripe",
    label="Stripe",
    base_url="https://api.stripe.com",
    auth=[
        spec.BearerToken(label="Restricted or secret key"),
        spec.OAuth2(
            authorize_url="https://marketplace.stripe.com/oauth/v2/authorize",
            token_url="https://api.stripe.com/v1/oauth/token",
            client_sent_in="secret",
            pkce=False,  # it refuses parameters that it does not know
            access_lasts=spec.hours(1),
            refresh_rotates=True,
            refresh_lasts=timedelta(days=365),
        ),
    ],
    headers=headers,
    limits=[
        spec.RateLimit(name="account", calls=100, seconds=1),  # 25 in a sandbox
        spec.RateLimit(name="endpoint", calls=25, seconds=1, path="/v1/{}*"),
    ],
    settings=[
        spec.Setting(
            name="metadata_columns",
            label="Columns for metadata",
            required=False,
            description="Metadata keys that get a column of their own, each with its table, such "
            "as customers.plan, subscriptions.seats. All of it is in the column metadata.",
        ),
        spec.Setting(
            name="account",
            label="Account",
            required=False,
            description="Only with the key of an organisation: the account to read (acct_…).",
        ),
    ],
    means=means,
    misfits=misfits,
    check=spec.get("/v1/account"),
    account=account,
    objects=[stripe_object(name) for name in KINDS],
)
