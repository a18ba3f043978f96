"""Invented bookkeeping: an organisation's chart of accounts, and the life of its customers."""

from collections.abc import Callable

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.hubspot_people import FIRMS, FIRST, LAST
from sync_platform.sandbox.xero_kinds import KINDS, Kind
from sync_platform.sandbox.xero_org import Organisation
from sync_platform.sandbox.xero_query import written

DAY = 86_400_000
THINGS = ["Consulting", "Licence", "Support", "Workshop", "Hosting", "Travel", "Sensors"]
ACCOUNTS = [
    ("090", "Business Bank Account", "BANK", "ASSET"),
    ("200", "Sales", "REVENUE", "REVENUE"),
    ("400", "Advertising", "EXPENSE", "EXPENSE"),
    ("429", "General Expenses", "EXPENSE", "EXPENSE"),
    ("610", "Accounts Receivable", "CURRENT", "ASSET"),
]
RATES = [("15% GST on Income", "OUTPUT2", 15.0), ("15% GST on Expenses", "INPUT2", 15.0)]
RATES += [("No GST", "NONE", 0.0)]


def furnish(org: Organisation) -> None:
    """What every organisation has from its first day."""
    org.add("organisations", {
        "OrganisationID": org.new_id(), "Name": org.name, "LegalName": org.name, "PaysTax": True,
        "APIKey": "SANDBOXSANDBOXSANDBOX", "Version": "NZ", "OrganisationType": "COMPANY",
        "BaseCurrency": "NZD", "CountryCode": "NZ", "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE", "FinancialYearEndDay": 31, "FinancialYearEndMonth": 3,
        "CreatedDateUTC": written(1455827393000), "Timezone": "NEWZEALANDSTANDARDTIME",
        "ShortCode": "!mBdtL", "Class": "PREMIUM", "Edition": "BUSINESS",
        "Addresses": [], "Phones": [], "ExternalLinks": [], "PaymentTerms": {},
    })  # fmt: skip
    for code, name, type, group in ACCOUNTS:
        made = {"Code": code, "Name": name, "Type": type, "Class": group, "Status": "ACTIVE"}
        system = {"SystemAccount": "DEBTORS"} if code == "610" else {}
        org.add("accounts", {**made, **system, "TaxType": "NONE", "HasAttachments": False})
    for name, type, rate in RATES:
        component = {"Name": "GST", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}
        org.add("tax_rates", {
            "Name": name, "TaxType": type, "Status": "ACTIVE", "DisplayTaxRate": rate,
            "EffectiveRate": rate, "CanApplyToRevenue": True, "TaxComponents": [component],
        })  # fmt: skip
    org.add("currencies", {"Code": "NZD", "Description": "New Zealand Dollar"})
    org.add("currencies", {"Code": "EUR", "Description": "Euro"})
    theme = {"Name": "Standard", "Type": "INVOICE", "SortOrder": 0}
    org.add("branding_themes", theme)
    for first, last, subscriber in (("Ada", "Lovelace", True), ("Grace", "Hopper", False)):
        email = f"{first}@example.com".lower()
        user = {"FirstName": first, "LastName": last, "EmailAddress": email}
        org.add("users", {**user, "IsSubscriber": subscriber, "OrganisationRole": "STANDARD"})
    options = [
        {"TrackingOptionID": org.new_id(), "Name": each, "Status": "ACTIVE"}
        for each in ("North", "South")
    ]
    region = {"Name": "Region", "Status": "ACTIVE", "Options": options}
    org.add("tracking_categories", region)
    org.create("contact_groups", {"Name": "Suppliers"})


def invent(org: Organisation, name: str) -> Json:
    """A new record about which nothing is true."""
    if name in MADE:
        return org.add(name, MADE[name](org))
    return org.create(name, INVENTED[name](org))


def fill(org: Organisation, contacts: int, others: int) -> None:
    """Contacts, and so many of each other kind that can be many; all of it in the last year."""
    clock, step = org.clock, 365 * 86_400 / max(1, contacts + others * len(KINDS))
    moment = clock() - 365 * 86_400
    try:
        for name in ("contacts", *INVENTED, *MADE):
            many = contacts if name == "contacts" else others
            for _ in range(0 if name == "contacts" and org.records[name] else many):
                moment += step
                org.clock = lambda now=moment: now  # type: ignore[misc]
                invent(org, name)
    finally:
        org.clock = clock


def edit(org: Organisation, name: str, id: str) -> None:
    """A small change, as a person would make it."""
    record, number = org.records[name][id], org.rng.randrange(1000)
    changes: Json = {
        "contacts": {"AccountNumber": f"A-{number}"},
        "items": {"Description": f"Edited {number}"},
        "users": {"LastName": org.rng.choice(LAST)},
        "accounts": {"Description": f"Edited {number}"},
    }.get(name, {"Reference": f"Edited {number}"})
    org.touch(name, record, **changes)


def endable(kind: Kind, record: Json) -> bool:
    """Whether Xero lets the record be deleted, voided or forgotten."""
    return kind.deletes or kind.key == "ContactID" or bool(_ends(kind, record))


def _ends(kind: Kind, record: Json) -> list[str]:
    before = record.get(kind.status, "")
    return [each for each in kind.statuses.get(before, kind.gone) if each in kind.gone]


def end(org: Organisation, name: str, id: str) -> None:
    """Void, delete or forget a record, whichever its kind knows."""
    kind, record = KINDS[name], org.records[name][id]
    if kind.deletes:
        org.remove(name, id)
    elif name == "contacts":
        org.touch(name, record, ContactStatus="GDPRREQUEST")
    elif ends := _ends(kind, record):
        org.touch(name, record, **{kind.status: ends[0]})


def _lines(org: Organisation, tax: str = "OUTPUT2") -> list[Json]:
    return [
        {
            "Description": org.rng.choice(THINGS),
            "Quantity": float(org.rng.randrange(1, 9)),
            "UnitAmount": org.rng.randrange(100, 90_000) / 100,
            "AccountCode": "200",
            "TaxType": tax,
        }
        for _ in range(org.rng.randrange(1, 4))
    ]


def _contact(org: Organisation) -> Json:
    known = list(org.records["contacts"].values())
    if not known:
        return {"Name": "Acme GmbH"}
    return {"ContactID": org.rng.choice(known)["ContactID"]}


def _person(org: Organisation) -> Json:
    first, last, rng = org.rng.choice(FIRST), org.rng.choice(LAST), org.rng
    number = org.next_number("person")
    person = {"FirstName": first, "LastName": last, "EmailAddress": f"p{number}@example.com"}
    return {
        "Name": f"{rng.choice(FIRMS)} {number}",
        **person,
        "ContactPersons": [{**person, "IncludeInEmails": True}],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": str(rng.randrange(10**6, 10**7))}],
    }


def _sold(org: Organisation) -> Json:
    status = org.rng.choice(("DRAFT", "SUBMITTED", "AUTHORISED", "AUTHORISED"))
    today = written(org.now() // DAY * DAY)
    due = written((org.now() // DAY + 30) * DAY)
    sold = {"Type": "ACCREC", "Contact": _contact(org), "LineItems": _lines(org)}
    return {**sold, "Status": status, "Date": today, "DueDate": due, "Reference": "Order"}


def _paid(org: Organisation) -> Json:
    owed = [it for it in org.live("invoices") if it["Status"] == "AUTHORISED" and it["AmountDue"]]
    invoice = org.rng.choice(owed) if owed else org.create("invoices", _owed(org))
    account = next(iter(org.records["accounts"].values()))
    about = {"Account": {"AccountID": account["AccountID"], "Code": account["Code"]}}
    about["Invoice"] = {"InvoiceID": invoice["InvoiceID"]}
    return {**about, "Amount": min(invoice["AmountDue"], 10.0), "Reference": "Thanks"}


def _owing(org: Organisation) -> Json:
    return {"Contact": _contact(org), "LineItems": _lines(org)}


def _owed(org: Organisation) -> Json:
    return {"Type": "ACCREC", "Status": "AUTHORISED", **_owing(org)}


def _bank(org: Organisation) -> Json:
    account = next(iter(org.records["accounts"].values()))
    return {"AccountID": account["AccountID"], "Code": account["Code"], "Name": account["Name"]}


def _booked(org: Organisation) -> Json:
    lines = [{"LineAmount": sign * 25.5, "AccountCode": "400"} for sign in (1, -1)]
    return {"Narration": "Accrual", "JournalLines": lines, "Status": "POSTED"}


Inventor = Callable[[Organisation], Json]
INVENTED: dict[str, Inventor] = {
    "contacts": _person,
    "items": lambda org: {"Code": f"I-{org.next_number('item')}", "Name": "Thing"},
    "invoices": _sold,
    "bank_transactions": lambda org: {
        "Type": "SPEND", **_owing(org), "BankAccount": _bank(org), "Reference": "Card",
    },
    "credit_notes": lambda org: {"Type": "ACCRECCREDIT", **_owing(org), "Status": "AUTHORISED"},
    "payments": _paid,
    "purchase_orders": _owing,
    "quotes": lambda org: {**_owing(org), "Date": written(org.now() // DAY * DAY)},
    "manual_journals": _booked,
}  # fmt: skip


def _settled(org: Organisation) -> Json:
    about = {"Type": "RECEIVE-PREPAYMENT", "Status": "AUTHORISED", "Contact": _contact(org)}
    money = {"SubTotal": 50.0, "TotalTax": 0.0, "Total": 50.0, "RemainingCredit": 50.0}
    return {**about, **money, "Date": written(org.now() // DAY * DAY), "LineItems": _lines(org)}


MADE: dict[str, Inventor] = {  # kinds that only Xero's own pages make here
    "bank_transfers": lambda org: {
        "FromBankAccount": _bank(org), "ToBankAccount": _bank(org), "Amount": 20.0,
        "Date": written(org.now() // DAY * DAY), "Status": "AUTHORISED", "HasAttachments": False,
    },
    "batch_payments": lambda org: {
        "Account": _bank(org), "Date": written(org.now() // DAY * DAY), "Type": "RECBATCH",
        "Status": "AUTHORISED", "TotalAmount": 12.0, "IsReconciled": False,
    },
    "linked_transactions": lambda org: {
        "SourceTransactionID": org.new_id(), "SourceLineItemID": org.new_id(), "Status": "APPROVED",
        "Type": "BILLABLEEXPENSE",
    },
    "overpayments": lambda org: {**_settled(org), "Type": "RECEIVE-OVERPAYMENT"},
    "prepayments": _settled,
    "repeating_invoices": lambda org: {
        "Type": "ACCREC", "Contact": _contact(org), "Status": "AUTHORISED", "LineItems": [],
        "Schedule": {"Period": 1, "Unit": "MONTHLY", "StartDate": written(org.now() // DAY * DAY)},
        "Total": 90.0,
    },
}  # fmt: skip
