"""One Xero organisation: its records, and the rules for changing them. Knows nothing of HTTP.

Records are kept as Xero shows them. What a rule of bookkeeping demands happens by itself: sums of
lines, what a payment leaves due, a journal for what is authorised and another one when it is
voided. Items are the only records that really go.
"""

import copy
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.xero_kinds import ADDED, KINDS, NUMBERED, Kind
from sync_platform.sandbox.xero_query import day, written

TAX = {"OUTPUT2": 0.15, "INPUT2": 0.15}
CREDIT = ("credit_notes", "overpayments", "prepayments")


class Invalid(Exception):
    """A record that cannot be written, and why."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


class Unknown(Exception):
    """There is no such record."""


class Organisation:
    """Everything that one tenant holds."""

    def __init__(self, tenant: str, name: str, *, clock: Callable[[], float], seed: int) -> None:
        self.tenant, self.name, self.clock = tenant, name, clock
        self.rng = random.Random(f"{seed} {tenant}")
        self.version = 0
        self.numbers: dict[str, int] = {}
        self.records: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}

    def now(self) -> int:
        return int(self.clock() * 1000)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def next_number(self, prefix: str) -> int:
        self.numbers[prefix] = self.numbers.get(prefix, 0) + 1
        return self.numbers[prefix]

    # -- reading ----------------------------------------------------------------------------------

    def get(self, name: str, id: str) -> Json:
        """A record by its id, or by its code, number or name; raises Unknown."""
        kind, kept = KINDS[name], self.records[name]
        if id in kept:
            return kept[id]
        for record in kept.values():
            if any(record.get(each) == id for each in kind.unique):
                return record
        raise Unknown(id)

    def live(self, name: str) -> Iterator[Json]:
        """Those that count."""
        kind = KINDS[name]
        for record in self.records[name].values():
            if record.get(kind.status) not in kind.gone:
                yield record

    # -- changing ---------------------------------------------------------------------------------

    def add(self, name: str, values: Mapping[str, Any]) -> Json:
        """A record as it is, without any rule; what is missing of id and stamp is made up."""
        kind = KINDS[name]
        record = copy.deepcopy(dict(values))
        record.setdefault(kind.key, self.new_id())
        if kind.stamp:
            record.setdefault(kind.stamp, written(self.now()))
        self.records[name][record[kind.key]] = record
        self.version += 1
        return record

    def create(self, name: str, given: Mapping[str, Any]) -> Json:
        """A new record of a caller's values; raises Invalid."""
        kind = KINDS[name]
        values = self._checked(name, given, {})
        wanting = [each for each in kind.required if not values.get(each)]
        if wanting:
            raise Invalid(*(f"{each} is required" for each in wanting))
        if kind.statuses:
            first = next(iter(kind.statuses))
            if values.setdefault(kind.status, first) not in kind.statuses:
                raise Invalid(f"{kind.status} '{values[kind.status]}' is not valid for a new one")
        record: Json = {**values, **self._made_up(name, values)}
        if name == "payments":
            self._pay(record)
        if kind.stamp:
            record[kind.stamp] = written(self.now())
        self.records[name][record[kind.key]] = record
        self._booked(name, record, "")
        self.version += 1
        return record

    def update(self, name: str, id: str, given: Mapping[str, Any]) -> Json:
        """Change a record; raises Invalid, Unknown."""
        kind, record = KINDS[name], self.get(name, id)
        before = record.get(kind.status, "")
        values = self._checked(name, given, record)
        wanted = values.get(kind.status, before)
        if kind.statuses and wanted not in kind.statuses.get(before, ()):
            raise Invalid(
                f"{kind.path} not of valid status for modification: {before} cannot become {wanted}"
            )
        if kind.unique and before in kind.gone:
            raise Invalid("It has been deleted")
        record.update(values)
        if name == "payments":
            self._unpay(record)
        self.touch(name, record)
        self._booked(name, record, before)
        return record

    def remove(self, name: str, id: str) -> Json:
        """What DELETE does: an item is gone, others get a status; raises Unknown, Invalid."""
        kind, record = KINDS[name], self.get(name, id)
        if record.get("SystemAccount"):
            raise Invalid("System accounts cannot be deleted")
        if name == "items":
            del self.records[name][record[kind.key]]
            self.version += 1
            return record
        record[kind.status] = "DELETED"
        self.touch(name, record)
        return record

    def touch(self, name: str, record: Json, **values: Any) -> None:
        """Change a record in whatever way; it counts as modified now."""
        record.update(values)
        if KINDS[name].stamp == "UpdatedDateUTC":
            record["UpdatedDateUTC"] = written(self.now())
        else:
            record["_touched"] = written(self.now())  # If-Modified-Since knows what is not shown
        self.version += 1

    # -- the rules --------------------------------------------------------------------------------

    def _checked(self, name: str, given: Mapping[str, Any], before: Json) -> Json:
        """What of a caller's values is taken, as Xero keeps it."""
        kind = KINDS[name]
        left = (kind.stamp, *kind.ignored, "ValidationErrors", *({kind.key} if before else ()))
        values = {each: copy.deepcopy(value) for each, value in given.items() if each not in left}
        if name not in ("currencies", "tax_rates"):
            values.pop(kind.key, None)
        for each in kind.dates:
            if values.get(each):
                values |= _as_date(each, values[each])
        for each in kind.unique:
            self._refuse_taken(name, each, values.get(each), before)
        if kind.lines in values:
            values |= self._summed(kind, values)
        if isinstance(values.get("Contact"), dict):
            values["Contact"] = self._contact(values["Contact"])
        return values

    def _refuse_taken(self, name: str, field: str, value: Any, before: Json) -> None:
        for record in self.live(name) if value else ():
            if record is not before and record.get(field) == value:
                raise Invalid(
                    f"The {field} {value} is already assigned to another of the {KINDS[name].path}."
                    f" The {field} must be unique."
                )

    def _contact(self, given: Json) -> Json:
        """Xero takes a contact by its id or name; a new name makes a new contact."""
        id, name = given.get("ContactID"), given.get("Name")
        for record in self.records["contacts"].values():
            if record["ContactID"] == id or (not id and record["Name"] == name):
                return {"ContactID": record["ContactID"], "Name": record["Name"]}
        if id or not name:
            raise Invalid("The Contact could not be found")
        record = self.create("contacts", {"Name": name})
        return {"ContactID": record["ContactID"], "Name": record["Name"]}

    def _summed(self, kind: Kind, values: Json) -> Json:
        """The lines with their ids and amounts, and their sums."""
        lines = values[kind.lines]
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise Invalid(f"{kind.lines} must be a list")
        if kind.lines == "JournalLines":
            if round(sum(line.get("LineAmount", 0) for line in lines), 2):
                raise Invalid("The total debits must equal total credits")
            return {}
        for line in lines:
            line.setdefault("LineItemID", self.new_id())
            amount = line.get("Quantity", 1.0) * line.get("UnitAmount", 0.0)
            line["LineAmount"] = round(line.get("LineAmount") or amount, 2)
            rate = TAX.get(line.get("TaxType", ""), 0.0)
            line["TaxAmount"] = round(line["LineAmount"] * rate, 2)
            line.setdefault("Tracking", [])
        net = round(sum(line["LineAmount"] for line in lines), 2)
        tax = round(sum(line["TaxAmount"] for line in lines), 2)
        sums: Json = {"SubTotal": net, "TotalTax": tax, "Total": round(net + tax, 2)}
        if kind.path == "Invoices":
            sums["AmountDue"] = sums["Total"]
        if kind.path == "CreditNotes":
            sums["RemainingCredit"] = sums["Total"]
        return sums

    def _made_up(self, name: str, values: Json) -> Json:
        """What Xero adds to a new record."""
        kind = KINDS[name]
        made: Json = {} if values.get(kind.key) else {kind.key: self.new_id()}
        if name == "tax_rates" and not values.get("TaxType"):
            made = {"TaxType": f"TAX{self.next_number('TAX'):03}"}
        for owner, field, prefix in NUMBERED:
            if owner == name and not values.get(field):
                made[field] = f"{prefix}-{self.next_number(prefix):04}"
        if "Date" in kind.dates and not values.get("Date"):
            made |= _as_date("Date", written(self.now() // 86_400_000 * 86_400_000))
        more: Json = copy.deepcopy(ADDED.get(name, {}))
        return {each: value for each, value in more.items() if each not in values} | made

    def _booked(self, name: str, record: Json, before: str) -> None:
        """The journal of what became effective, or was taken back."""
        status = record.get("Status")
        if name not in ("invoices", "credit_notes") or status == before:
            return
        if status in ("AUTHORISED", "VOIDED"):
            sign = (1 if status == "AUTHORISED" else -1) * (-1 if name in CREDIT else 1)
            self.post(record["Type"], record[KINDS[name].key], sign * record.get("Total", 0.0))

    def post(self, source: str, id: str, amount: float) -> Json:
        """A journal of two lines; journals are only ever added."""
        lines = [
            {"AccountCode": code, "NetAmount": net, "GrossAmount": net, "TaxAmount": 0.0}
            for code, net in (("610", amount), ("200", -amount))
        ]
        lines = [{"JournalLineID": self.new_id(), **line} for line in lines]
        number = self.next_number("journal")
        today = self.now() // 86_400_000 * 86_400_000
        made = {"JournalNumber": number, "JournalDate": written(today), "SourceID": id}
        return self.add("journals", {**made, "SourceType": source, "JournalLines": lines})

    def _pay(self, payment: Json) -> None:
        """Take a new payment off its invoice."""
        try:
            invoice = self.get("invoices", str(payment["Invoice"].get("InvoiceID")))
        except Unknown:
            raise Invalid("The Invoice could not be found") from None
        if invoice["Status"] != "AUTHORISED":
            raise Invalid("Payments can only be made against Authorised documents")
        if payment["Amount"] > invoice["AmountDue"]:
            raise Invalid("Payment amount exceeds the amount outstanding on this document")
        payment["PaymentType"] = f"{invoice['Type']}PAYMENT"
        payment["Invoice"] = {
            each: invoice[each] for each in ("InvoiceID", "InvoiceNumber", "Type", "Contact")
        } | {"LineItems": []}
        self._owe(invoice, -payment["Amount"])

    def _unpay(self, payment: Json) -> None:
        self._owe(self.get("invoices", payment["Invoice"]["InvoiceID"]), payment["Amount"])

    def _owe(self, invoice: Json, amount: float) -> None:
        due = round(invoice["AmountDue"] + amount, 2)
        paid = round(invoice["Total"] - due, 2)
        status = "AUTHORISED" if due else "PAID"
        self.touch("invoices", invoice, AmountDue=due, AmountPaid=paid, Status=status)
        if due:
            invoice.pop("FullyPaidOnDate", None)
        else:
            invoice["FullyPaidOnDate"] = written(self.now() // 86_400_000 * 86_400_000)

    # -- over a restart ---------------------------------------------------------------------------

    def state(self) -> Json:
        return {"records": self.records, "numbers": self.numbers, "version": self.version}

    def resume(self, state: Json) -> None:
        self.records = {kind: dict(state["records"].get(kind, {})) for kind in KINDS}
        self.numbers, self.version = dict(state["numbers"]), state["version"]
        self.rng = random.Random(f"{self.tenant} {self.version}")


def _as_date(name: str, value: Any) -> Json:
    """A date in both of Xero's ways; raises Invalid."""
    try:
        ms = day(str(value))
    except ValueError:
        raise Invalid(f"{name} '{value}' is not a date") from None
    return {name: written(ms)}
