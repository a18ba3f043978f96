"""The endpoints of Xero's accounting API, and the list of connections."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from starlette.responses import Response

from sync_platform.sandbox import xero_errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.oauth_words import VendorAccount
from sync_platform.sandbox.xero_kinds import KINDS, Kind
from sync_platform.sandbox.xero_org import Invalid, Organisation, Unknown
from sync_platform.sandbox.xero_query import milliseconds, ordered, since, where, written

ROOT = "/api.xro/2.0"
MOST_ON_A_PAGE = 1000
JOURNALS_ON_A_PAGE = 100
KEY_KEPT = 360.0  # seconds that an Idempotency-Key is remembered: from memory
BY_ID_ONLY = ("accounts", "contact_groups", "tracking_categories")  # POST has no list
WITHOUT_ONE = ("currencies", "organisations")  # GET of one
LISTS = {  # parameter -> the field that must have one of its values
    "invoices": {
        "Statuses": "Status",
        "IDs": "InvoiceID",
        "InvoiceNumbers": "InvoiceNumber",
        "ContactIDs": "Contact.ContactID",
    },
    "contacts": {"IDs": "ContactID"},
    "purchase_orders": {"Status": "Status"},
    "quotes": {"Status": "Status", "QuoteNumber": "QuoteNumber", "ContactID": "Contact.ContactID"},
}
FULL_ONLY = (  # of a contact: left out of lists without pages
    "ContactPersons", "BatchPayments", "PaymentTerms", "Balances", "Website", "Discount",
    "SalesDefaultLineAmountType", "PurchasesDefaultLineAmountType", "MergedToContactID",
)  # fmt: skip
FindOrganisation = Callable[[Call], Organisation]


@dataclass
class Books:
    """The API over whichever organisation a call is for."""

    of: FindOrganisation
    answered: dict[tuple[str, str], tuple[float, str, int, bytes]] = field(default_factory=dict)

    def endpoints(self) -> list[Endpoint]:
        found: list[Endpoint] = []
        for name, kind in KINDS.items():
            path, one = f"{ROOT}/{kind.path}", f"{ROOT}/{kind.path}/{{id}}"
            found.append(Endpoint("GET", path, _bound(self.list, name)))
            if name not in WITHOUT_ONE:
                found.append(Endpoint("GET", one, _bound(self.one, name)))
            if kind.creates:
                found.append(Endpoint("PUT", path, _bound(self.write, name, "create")))
            if kind.updates and name not in BY_ID_ONLY:
                found.append(Endpoint("POST", path, _bound(self.write, name, "either")))
            if kind.updates and name != "tax_rates":
                found.append(Endpoint("POST", one, _bound(self.write, name, "update")))
            if kind.deletes:
                found.append(Endpoint("DELETE", one, _bound(self.delete, name)))
        return found

    # -- reading ----------------------------------------------------------------------------------

    def list(self, name: str, call: Call) -> Response:
        """Records; with their lines only where pages are asked for."""
        kind, org = KINDS[name], self.of(call)
        records = _fitting(name, org, call)
        if name == "journals":
            after = _number(call, "offset", 0)
            records = [it for it in records if it["JournalNumber"] > after][:JOURNALS_ON_A_PAGE]
            return _shown(org, kind, records)
        if not kind.page:
            return _shown(org, kind, records)
        if "page" not in call.query:
            return _shown(org, kind, [_summary(name, kind, record) for record in records])
        size = _number(call, "pageSize", kind.page) if kind.sized else kind.page
        size, page = max(1, min(size, MOST_ON_A_PAGE)), max(1, _number(call, "page", 1))
        told = {
            "page": page,
            "pageSize": size,
            "pageCount": -(-len(records) // size),
            "itemCount": len(records),
        }
        shown = records[(page - 1) * size : page * size]
        return _shown(org, kind, shown, **({"pagination": told} if kind.sized else {}))

    def one(self, name: str, call: Call) -> Response:
        org = self.of(call)
        try:
            record = org.get(name, call.places["id"])
        except Unknown:
            raise xero_errors.not_found() from None
        return _shown(org, KINDS[name], [record])

    # -- writing ----------------------------------------------------------------------------------

    def write(self, name: str, how: Literal["create", "update", "either"], call: Call) -> Response:
        """Create or change records, once for each Idempotency-Key."""
        org, key = self.of(call), call.headers.get("idempotency-key", "")
        if len(key) > 128:
            raise xero_errors.bad_body("The Idempotency-Key is longer than 128 characters.")
        asked = hashlib.sha256(f"{call.method} {call.path} ".encode() + call.body).hexdigest()
        known = self.answered.get((org.tenant, key)) if key else None
        if known and known[0] + KEY_KEPT > org.clock():
            if known[1] != asked:
                raise xero_errors.bad_body("The Idempotency-Key was used for another request.")
            return Response(known[3], known[2], media_type="application/json")
        response = self._written(name, how, call, org)
        if key:
            kept = org.clock(), asked, response.status_code, bytes(response.body)
            self.answered[org.tenant, key] = kept
        return response

    def _written(self, name: str, how: str, call: Call, org: Organisation) -> Response:
        kind, partly = KINDS[name], call.first("summarizeErrors").lower() == "false"
        elements: list[Json] = []
        wrong = False
        for given in _given(kind, call):
            id = call.places.get("id") or (given.get(kind.key) if how == "either" else None)
            try:
                new = how == "create" or not id
                record = org.create(name, given) if new else org.update(name, str(id), given)
                elements.append(_open(record) | {"StatusAttributeString": "OK"})
            except Unknown:
                if how == "update":
                    raise xero_errors.not_found() from None
                elements.append(_failed(given, "The record could not be found"))
                wrong = True
            except Invalid as invalid:
                elements.append(_failed(given, *invalid.messages))
                wrong = True
        if wrong and not partly:
            raise xero_errors.invalid([it for it in elements if it.get("ValidationErrors")])
        return _shown(org, kind, elements)

    def delete(self, name: str, call: Call) -> Response:
        org = self.of(call)
        try:
            record = org.remove(name, call.places["id"])
        except Unknown:
            raise xero_errors.not_found() from None
        except Invalid as invalid:
            raise xero_errors.invalid([_failed({}, *invalid.messages)]) from None
        return Response(status_code=204) if name == "items" else _shown(org, KINDS[name], [record])


def connections(tenants: Iterable[VendorAccount]) -> list[Json]:
    """The organisations that a token opens, as `/connections` lists them."""
    return [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, it.id)),
            "authEventId": "d99ecdfe-391d-43d2-b834-17636ba90e8d",
            "tenantId": it.id,
            "tenantType": "ORGANISATION",
            "tenantName": it.name,
            "createdDateUtc": "2019-12-07T18:46:19.5165400",
            "updatedDateUtc": "2019-12-07T18:46:19.5187840",
        }
        for it in tenants
    ]


def _bound(handler: Callable[..., Response], *given: Any) -> Callable[[Call], Response]:
    return lambda call: handler(*given, call)


def _fitting(name: str, org: Organisation, call: Call) -> list[Json]:
    """The records that a list is asked for, in its order."""
    kind = KINDS[name]
    records = [
        record
        for record in org.records[name].values()
        if record.get(kind.status) not in kind.dropped
        and (record.get(kind.status) not in kind.hidden or _all(call))
    ]
    start = since(call.headers.get("if-modified-since", "")) if kind.since else None
    if start is not None:
        records = [record for record in records if _touched(kind, record) > start]
    for parameter, path in LISTS.get(name, {}).items():
        if wanted := call.first(parameter):
            values = [each.strip() for each in wanted.split(",")]
            records = [it for it in records if _at(it, path) in values]
    for parameter, operator in (("DateFrom", ">="), ("DateTo", "<=")):
        if (wanted := call.first(parameter)) and not kind.where:
            year, month, day = wanted[:10].split("-")
            test = where(f"Date{operator}DateTime({year},{month},{day})")
            records = [record for record in records if test(record)]
    if kind.where:
        test = where(call.first("where"))
        records = [record for record in records if test(record)]
    if name == "journals":
        return sorted(records, key=lambda record: record["JournalNumber"])
    if kind.stamp == "UpdatedDateUTC":
        records.sort(key=lambda record: _touched(kind, record))
    return ordered(records, call.first("order"))


def _all(call: Call) -> bool:
    wished = call.first("includeArchived") or call.first("includeDeleted")
    return wished.lower() == "true"


def _touched(kind: Kind, record: Json) -> int:
    return milliseconds(record.get("_touched") or record.get(kind.stamp)) or 0


def _at(record: Json, path: str) -> Any:
    outer, _, inner = path.partition(".")
    return record.get(outer, {}).get(inner) if inner else record.get(outer)


def _summary(name: str, kind: Kind, record: Json) -> Json:
    if name == "contacts":
        return {each: value for each, value in record.items() if each not in FULL_ONLY}
    return record | ({kind.lines: []} if kind.lines else {})


def _number(call: Call, name: str, default: int) -> int:
    text = call.first(name) or str(default)
    if not text.isdecimal():
        raise xero_errors.bad_query(f"{name} must be a whole number.")
    return int(text)


def _given(kind: Kind, call: Call) -> list[Json]:
    """The records in a body: a list under the kind's name, or one alone."""
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise xero_errors.bad_body("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise xero_errors.bad_body("The body must be an object.")
    given = body.get(kind.path, [body])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise xero_errors.bad_body(f"{kind.path} must be a list of objects.")
    return given


def _failed(given: Json, *messages: str) -> Json:
    told = [{"Message": message} for message in messages]
    return given | {"StatusAttributeString": "ERROR", "ValidationErrors": told}


def _open(record: Mapping[str, Any]) -> Json:
    """What of a record is shown."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _shown(org: Organisation, kind: Kind, records: list[Json], **more: Json) -> Response:
    listed = "Organisations" if kind.path == "Organisation" else kind.path
    return answer(
        {
            "Id": str(uuid.uuid4()),
            "Status": "OK",
            "ProviderName": "sync_platform",
            "DateTimeUTC": written(org.now()),
            **more,
            listed: [_open(record) for record in records],
        }
    )
