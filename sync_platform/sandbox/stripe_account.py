"""One Stripe account: its objects, and the events that tell of their changes.

Knows nothing of HTTP, except that it refuses in Stripe's words. Nothing has a date of its last
change; an event holds a copy of its object as it was then, in the account's own API version.
"""

import random
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from sync_platform.sandbox import stripe_errors
from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.stripe_billing import BILLING
from sync_platform.sandbox.stripe_kinds import Kind
from sync_platform.sandbox.stripe_payments import PAYMENTS

VERSION = "2022-11-15"
KINDS: dict[str, Kind] = BILLING | PAYMENTS
NESTED = 10  # elements of a list within an object; the rest must be asked for
EVENTS_KEPT = 30 * 86_400
SIGNS = string.ascii_letters + string.digits

# What an object of 2019-03 called what 2022-11-15 calls otherwise.
OLD_NAMES = {
    "customer": {"balance": "account_balance"},
    "invoice": {"created": "date", "collection_method": "billing"},
    "subscription": {"collection_method": "billing"},
}
Records = dict[str, Json]  # id -> properties


class Account:
    """Everything that one account holds. `version` is its default API version, in which events are
    written; `lag` is how many seconds pass until one is listed."""

    def __init__(
        self, *, clock: Callable[[], float], version: str = VERSION, lag: float = 0.0, seed: int = 7
    ) -> None:
        self.clock, self.version, self.lag = clock, version, lag
        self.rng = random.Random(seed)
        self.records: dict[str, Records] = {name: {} for name in KINDS}
        self.gone: dict[str, set[str]] = {name: set() for name in KINDS}
        self.events: list[Json] = []  # oldest first
        self.changes = 0
        self.quiet = False  # whether what happens is history that has no event any more
        self._listed: dict[str, tuple[int, list[Json]]] = {}

    def now(self) -> int:
        return int(self.clock())

    def new_id(self, prefix: str) -> str:
        made = "".join(self.rng.choices(SIGNS, k=14))
        return f"{prefix}_{made}" if prefix else made[:8]

    # -- changing --------------------------------------------------------------------------------

    def create(self, name: str, created: int | None = None, /, **values: Any) -> Json:
        """A new object."""
        kind = KINDS[name]
        id = values.pop("id", None) or self.new_id(kind.prefix)
        if id in self.records[name]:
            message = f"{kind.object.capitalize()} already exists."
            raise stripe_errors.refusal(400, message, code="resource_already_exists")
        stamp = {} if "date" in kind.template else {"created": created or self.now()}
        base: Json = {"id": id, "object": kind.object, **stamp, **_copied(kind.template)}
        if kind.livemode:
            base["livemode"] = False
        record = self.records[name][id] = base | values
        if "date" in kind.template and not record["date"]:
            record["date"] = created or self.now()
        if name == "products":
            record["updated"] = record["created"]
        if name == "subscription_items":
            self.records["subscriptions"][record["subscription"]]["items"].append(id)
        self.changes += 1
        self.tell(name, id, "created")
        return record

    def edit(self, name: str, id: str, /, *, event: str | None = None, **values: Any) -> Json:
        """Change an object; `event` is the event's type, where it is not the usual one."""
        record = self.get(name, id)
        before = {key: record.get(key) for key in values if record.get(key) != values[key]}
        record.update(values)
        if name == "products" and before:
            record["updated"] = self.now()
        self.changes += 1
        if before or event:
            self.tell(name, id, "updated", before, event)
        if name == "subscription_items":
            self.tell_subscription(record["subscription"])
        return record

    def delete(self, name: str, id: str) -> None:
        """Delete an object for good. A canceled subscription is not deleted: see `cancel`."""
        record = self.get(name, id)
        if name == "subscription_items":
            owner = self.records["subscriptions"][record["subscription"]]
            before = self.shown("subscriptions", owner)["items"]
            owner["items"].remove(id)
            self.tell("subscriptions", owner["id"], "updated", {"items": before})
        else:
            self.tell(name, id, "deleted")
        del self.records[name][id]
        self.gone[name].add(id)
        self.changes += 1

    def cancel(self, id: str) -> Json:
        """Cancel a subscription, which Stripe tells as `customer.subscription.deleted`."""
        now = self.now()
        return self.edit(
            "subscriptions",
            id,
            event="customer.subscription.deleted",
            status="canceled",
            canceled_at=now,
            ended_at=now,
        )

    def add_item(self, subscription: str, /, **values: Any) -> Json:
        """Add an item to a subscription that is there already."""
        owner = self.get("subscriptions", subscription)
        before = self.shown("subscriptions", owner)["items"]
        item = self.create("subscription_items", subscription=subscription, **values)
        self.tell("subscriptions", subscription, "updated", {"items": before})
        return item

    def tell_subscription(self, id: str) -> None:
        self.tell("subscriptions", id, "updated", {})

    def tell(
        self,
        name: str,
        id: str,
        happening: str,
        before: Mapping[str, Any] | None = None,
        event: str | None = None,
    ) -> None:
        """Write the event, if this kind has one for what happened."""
        type = event or KINDS[name].events.get(happening)
        if type is None or self.quiet:
            return
        data: Json = {"object": self.shown(name, self.records[name][id], self.version)}
        if before is not None and type.endswith(".updated"):
            data["previous_attributes"] = _nested_shown(before)
        self.announce(type, data)

    def announce(self, type: str, data: Json) -> None:
        """An event of this type."""
        self.events.append(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": self.version,
                "created": self.now(),
                "data": _copied(data),
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": None, "idempotency_key": None},
                "type": type,
            }
        )

    # -- looking ---------------------------------------------------------------------------------

    def get(self, name: str, id: str) -> Json:
        """The object; refused where there is none."""
        try:
            return self.records[name][id]
        except KeyError:
            raise stripe_errors.missing(KINDS[name].object, id) from None

    def listed(self, name: str) -> list[Json]:
        """All objects of a kind, the newest first."""
        known = self._listed.get(name)
        if known is None or known[0] != self.changes:
            last_first = list(self.records[name].values())[::-1]
            newest = sorted(last_first, key=created_of, reverse=True)
            self._listed[name] = known = (self.changes, newest)
        return known[1]

    def listed_events(self) -> list[Json]:
        """The events that may be seen now, the newest first; those of one second in any order."""
        now = self.clock()
        visible, oldest = now - self.lag, now - EVENTS_KEPT
        found = [it for it in self.events if oldest <= it["created"] <= visible]
        return sorted(found, key=lambda it: (it["created"], it["id"]), reverse=True)

    def shown(
        self, name: str, record: Json, version: str = VERSION, *, whole: bool = False
    ) -> Json:
        """An object as Stripe answers it; lists within it are cut unless `whole`."""
        shown = dict(record)
        if name == "subscriptions":
            items = [self.records["subscription_items"][each] for each in record["items"]]
            shown["items"] = cut(
                [self.shown("subscription_items", each) for each in items],
                f"/v1/subscription_items?subscription={record['id']}",
                whole=whole,
            )
        elif name in ("invoices", "credit_notes"):
            url = f"{KINDS[name].path}/{record['id']}/lines"
            shown["lines"] = cut(record["lines"], url, whole=whole)
        elif name in ("subscription_items", "invoiceitems"):
            if isinstance(record["price"], str):
                shown["price"] = self.records["prices"][record["price"]]
        elif name == "promotion_codes" and isinstance(record["coupon"], str):
            shown["coupon"] = self.records["coupons"][record["coupon"]]
        if version != VERSION:
            for ours, theirs in OLD_NAMES.get(record["object"], {}).items():
                shown[theirs] = shown.pop(ours)
        return shown

    # -- over a restart --------------------------------------------------------------------------

    def state(self) -> Json:
        return {
            "records": self.records,
            "gone": {name: sorted(ids) for name, ids in self.gone.items()},
            "events": self.events,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""
        self.records = state["records"]
        self.gone = {name: set(ids) for name, ids in state["gone"].items()}
        self.events = list(state["events"])
        self.changes += 1
        self.rng.seed(self.rng.random() + len(self.events))


def created_of(record: Mapping[str, Any]) -> int:
    """When an object was made, in seconds since 1970; invoice items call it their date."""
    return int(record["created"] if "created" in record else record["date"])


def cut(elements: Iterable[Json], url: str, *, whole: bool = False) -> Json:
    """A list within an object: no more than its first elements."""
    data = list(elements)
    more = len(data) > NESTED and not whole
    return {
        "object": "list",
        "data": data[:NESTED] if more else data,
        "has_more": more,
        "url": url,
    }


def _nested_shown(before: Mapping[str, Any]) -> Json:
    """What changed; lines as the first of them."""
    lines = before.get("lines")
    return {**before, **({"lines": cut(lines, "")} if isinstance(lines, list) else {})}


def _copied(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
