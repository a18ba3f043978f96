"""What a fake Stripe answers: lists, single objects, lists within objects, changes, events."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

from sync_platform.sandbox import stripe_errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.stripe_account import KINDS, Account, created_of
from sync_platform.sandbox.stripe_kinds import Kind

LARGEST_PAGE = 100
MOST_TYPES = 20
PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
BOUNDS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda it, bound: it > bound,
    "gte": lambda it, bound: it >= bound,
    "lt": lambda it, bound: it < bound,
    "lte": lambda it, bound: it <= bound,
}
PRESENT = ("active", "trialing", "past_due", "unpaid", "incomplete", "paused")


def stripe_endpoints(account: Account) -> list[Endpoint]:
    """The endpoints over an account, without those of OAuth."""
    repeats = Repeats(account)
    endpoints = [Endpoint("GET", "/v1/events", lambda call: _events(account, call))]
    for name, kind in KINDS.items():
        single = f"{kind.path}/{{id}}"
        endpoints += [
            Endpoint("GET", kind.path, _list(account, name)),
            Endpoint("GET", single, _retrieve(account, name)),
        ]
        if kind.creates is not None:
            endpoints.append(Endpoint("POST", kind.path, repeats.once(_create(account, name))))
        if kind.updates is not None:
            endpoints.append(Endpoint("POST", single, repeats.once(_update(account, name))))
        if kind.deletes or name == "subscriptions":
            endpoints.append(Endpoint("DELETE", single, _delete(account, name)))
        if name in ("invoices", "credit_notes"):
            endpoints.append(Endpoint("GET", f"{single}/lines", _lines(account, name)))
    return endpoints


def _list(account: Account, name: str) -> Callable[[Call], Response]:
    kind = KINDS[name]

    def respond(call: Call) -> Response:
        asked = _asked(call, kind.filters | ({"created"} if kind.dated else set()))
        found = account.listed(name)
        if name == "subscription_items":
            owner = account.get("subscriptions", _given(asked, "subscription"))
            found = [account.records[name][each] for each in owner["items"]]
        within = _bounds(asked)
        found = [
            it
            for it in found
            if all(BOUNDS[word](created_of(it), bound) for word, bound in within)
            and _fits(it, asked, name)
        ]
        page, more = _page(found, asked, kind.object)
        shown = [account.shown(name, it) for it in page]
        return answer({"object": "list", "data": shown, "has_more": more, "url": kind.path})

    return respond


def _fits(record: Json, asked: Mapping[str, str], name: str) -> bool:
    """Whether the object is among those that the list's own filters ask for."""
    if name == "subscriptions":
        status = asked.get("status", "present")  # canceled ones are only in lists that ask for them
        if status != "all" and record["status"] not in (
            PRESENT if status == "present" else (status,)
        ):
            return False
    for key in KINDS[name].filters - {"status", "price", "expand"} & asked.keys():
        if str(record.get(key)).lower() != asked[key].lower():
            return False
    return name == "subscriptions" or asked.get("status", record.get("status")) == record.get(
        "status"
    )


def _retrieve(account: Account, name: str) -> Callable[[Call], Response]:
    def respond(call: Call) -> Response:
        _asked(call, frozenset())
        return answer(_found(account, name, call.places["id"]))

    return respond


def _found(account: Account, name: str, id: str) -> Json:
    """An object, or what is left of it."""
    kind = KINDS[name]
    if kind.stays and id in account.gone[name]:
        return {"id": id, "object": kind.object, "deleted": True}
    return account.shown(name, account.get(name, id))


def _lines(account: Account, name: str) -> Callable[[Call], Response]:
    def respond(call: Call) -> Response:
        lines = account.get(name, call.places["id"])["lines"]
        page, more = _page(lines, _asked(call, frozenset()), "line_item")
        return answer({"object": "list", "data": page, "has_more": more, "url": call.path})

    return respond


def _create(account: Account, name: str) -> Callable[[Call], Response]:
    kind = KINDS[name]

    def respond(call: Call) -> Response:
        values = written(call, kind, kind.creates or frozenset())
        for needed in kind.required:
            if needed not in values:
                raise stripe_errors.missing_parameter(needed)
        items = values.pop("items", {})
        if name == "subscription_items":
            made = account.add_item(values.pop("subscription"), **values)
        else:
            made = account.create(name, **values)
        for item in _listed_values(items):
            account.create("subscription_items", subscription=made["id"], **item)
        return answer(account.shown(name, made))

    return respond


def _update(account: Account, name: str) -> Callable[[Call], Response]:
    kind = KINDS[name]

    def respond(call: Call) -> Response:
        record = account.get(name, call.places["id"])
        values = written(call, kind, kind.updates or frozenset())
        if isinstance(values.get("metadata"), dict):
            merged = {**record["metadata"], **values["metadata"]}
            values["metadata"] = {key: it for key, it in merged.items() if it not in ("", None)}
        return answer(account.shown(name, account.edit(name, record["id"], **values)))

    return respond


def _delete(account: Account, name: str) -> Callable[[Call], Response]:
    def respond(call: Call) -> Response:
        id = call.places["id"]
        if name == "subscriptions":
            account.get(name, id)
            return answer(account.shown(name, account.cancel(id)))
        if name == "invoices" and account.get(name, id)["status"] != "draft":
            message = "You can only delete draft invoices. This one is not a draft."
            raise stripe_errors.refusal(400, message, code="invoice_not_editable")
        account.delete(name, id)
        return answer({"id": id, "object": KINDS[name].object, "deleted": True})

    return respond


def _events(account: Account, call: Call) -> Response:
    asked = _asked(call, frozenset({"created", "type", "types", "delivery_success"}))
    types = [value for name, value in asked.items() if name.startswith("types[")]
    if len(types) > MOST_TYPES:
        raise stripe_errors.invalid("types", "You can only filter by up to 20 event types.")
    if types and "type" in asked:
        raise stripe_errors.invalid("types", "You may only specify one of: type, types.")
    wanted = re.compile("|".join(re.escape(it).replace(r"\*", ".*") for it in types) or ".*")
    if "type" in asked:
        wanted = re.compile(re.escape(asked["type"]).replace(r"\*", ".*"))
    within = _bounds(asked)
    found = [
        it
        for it in account.listed_events()
        if wanted.fullmatch(it["type"])
        and all(BOUNDS[word](it["created"], bound) for word, bound in within)
    ]
    page, more = _page(found, asked, "event")
    return answer({"object": "list", "data": page, "has_more": more, "url": "/v1/events"})


# -- what calls say --------------------------------------------------------------------------------


def _asked(call: Call, known: frozenset[str] | set[str]) -> dict[str, str]:
    """The parameters of a call; one that is not known is refused."""
    asked = {}
    for name, values in call.query.items():
        top = name.partition("[")[0]
        if top not in PAGING | known:
            raise stripe_errors.unknown_parameter(top)
        for place, value in enumerate(values):
            asked[f"types[{place}]" if name == "types[]" else name] = value
    return asked


def _given(asked: Mapping[str, str], name: str) -> str:
    if name not in asked:
        raise stripe_errors.missing_parameter(name)
    return asked[name]


def _bounds(asked: Mapping[str, str]) -> list[tuple[str, int]]:
    """The bounds of `created`."""
    bounds = []
    for name, value in asked.items():
        if not name.startswith("created"):
            continue
        word = name.removeprefix("created").strip("[]")
        if word not in BOUNDS or not value.isdecimal():
            raise stripe_errors.invalid("created", f"Invalid timestamp or bound: {name}={value}")
        bounds.append((word, int(value)))
    return bounds


def _page(found: Sequence[Json], asked: Mapping[str, str], object: str) -> tuple[list[Json], bool]:
    """The page that is asked for, and whether there are more of them in that direction."""
    limit = asked.get("limit", "10")
    if not (limit.isdecimal() and 1 <= int(limit) <= LARGEST_PAGE):
        raise stripe_errors.invalid("limit", "This value must be between 1 and 100.")
    size, place = int(limit), {it["id"]: at for at, it in enumerate(found)}
    for param in ("starting_after", "ending_before"):
        if param in asked and asked[param] not in place:
            raise stripe_errors.missing(object, asked[param], param=param, status=400)
    if "ending_before" in asked:
        end = place[asked["ending_before"]]
        return list(found[max(0, end - size) : end]), end > size
    start = place[asked["starting_after"]] + 1 if "starting_after" in asked else 0
    return list(found[start : start + size]), len(found) > start + size


def written(call: Call, kind: Kind, known: frozenset[str]) -> Json:
    """A form's values, nested as their names say (`a[b]`), in the types of the template."""
    values: Json = {}
    for name, text in parse_qsl(call.body.decode(), keep_blank_values=True):
        first, *inner = re.split(r"[\[\]]+", name.rstrip("]"))
        if first == "expand":
            continue
        if first not in known:
            raise stripe_errors.unknown_parameter(first)
        place, last = values, first
        for part in inner:
            place, last = place.setdefault(last, {}), part
        place[last] = text
    return {name: _typed(name, value, kind.template.get(name)) for name, value in values.items()}


def _typed(name: str, value: Any, example: Any) -> Any:
    if isinstance(value, dict):
        return _listed_values(value) if isinstance(example, list) and name != "items" else value
    if isinstance(example, bool):
        return value == "true"
    if isinstance(example, int) or name in ("unit_amount", "due_date", "days_until_due"):
        try:
            return int(value)
        except ValueError:
            raise stripe_errors.invalid(name, f"Invalid integer: {value}") from None
    return value or None


def _listed_values(nested: Mapping[str, Any]) -> list[Any]:
    """The elements of a list that a form writes as `a[0]`, `a[1]`."""
    return [nested[key] for key in sorted(nested, key=int)] if nested else []


class Repeats:
    """What was answered to which Idempotency-Key: the same key again gets the same answer."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.answered: dict[str, tuple[bytes, int, bytes]] = {}
        self.replayed = 0

    def once(self, handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
        def respond(call: Call) -> Response:
            key = call.headers.get("idempotency-key")
            if key is None:
                return handler(call)
            if len(key) > 255:
                raise stripe_errors.invalid("idempotency_key", "The key is too long.")
            asked = f"{call.method} {call.path} ".encode() + call.body
            if key in self.answered:
                before, status, body = self.answered[key]
                if before != asked:
                    raise stripe_errors.key_reused(key)
                self.replayed += 1
                replayed = Response(body, status, media_type="application/json")
                replayed.headers["Idempotent-Replayed"] = "true"
                return replayed
            response = handler(call)
            self.answered[key] = asked, response.status_code, bytes(response.body)
            response.headers["Idempotency-Key"] = key
            return response

        return respond
