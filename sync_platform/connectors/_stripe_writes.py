"""How changes are written to Stripe: as forms, each once however often it is sent."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sync_platform import spec
from sync_platform.connectors._stripe_fields import METADATA, TABLES

# Which changes may be written, and where, if not below the path of the object's list.
EVERYTHING = ("create", "update", "delete")
WRITES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("customers", "products", "coupons"), EVERYTHING),
    **dict.fromkeys(("subscription_items", "invoices", "invoiceitems"), EVERYTHING),
    **dict.fromkeys(("prices", "subscriptions", "promotion_codes"), ("create", "update")),
    **dict.fromkeys(("payment_intents", "setup_intents", "credit_notes"), ("create", "update")),
    **dict.fromkeys(("charges", "refunds", "disputes", "payouts"), ("update",)),
    "checkout_sessions": ("create",),
}
WRITTEN_AT = {"subscription_items": "/v1/subscription_items"}


def only_once(change: spec.OutboundChange) -> dict[str, str]:
    """A change that comes again within a day is answered as the first time, and not made twice."""
    return {"Idempotency-Key": change.id}


def form_of(name: str) -> Callable[[spec.OutboundChange], dict[str, Any]]:
    """The values of a change as Stripe's forms have them."""
    types = {word.rstrip("*").partition(":")[0]: word.rstrip("*") for word in TABLES[name].split()}

    def form(change: spec.OutboundChange) -> dict[str, Any]:
        sent: dict[str, Any] = {}
        for field, value in change.values.items():
            if field.startswith(METADATA) and field not in types:
                sent.setdefault("metadata", {})[field.removeprefix(METADATA)] = value
            elif field == "metadata":
                sent["metadata"] = {**(value or {}), **sent.get("metadata", {})}
            else:
                sent[field] = sendable(value, types.get(field, field).endswith(":timestamp"))
        return sent

    return form


def sendable(value: Any, is_moment: bool) -> Any:
    """Moments as seconds since 1970, objects (a price) as their ids; None empties a field."""
    if is_moment and isinstance(value, str | datetime) and value not in ("", "now", "unchanged"):
        return spec.epoch_s(spec.moment(value))
    if isinstance(value, Mapping) and {"id", "object"} <= value.keys():
        return value["id"]
    return value
