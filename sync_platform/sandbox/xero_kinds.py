"""What kinds of records a Xero organisation has, and how Xero lets them be listed and changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_platform.sandbox.calls import Json

DRAFTED = {
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
    "PAID": ("PAID",),
}
QUOTED = ("DRAFT", "SENT", "DECLINED", "ACCEPTED", "INVOICED", "DELETED")
ORDERED = ("DRAFT", "SUBMITTED", "AUTHORISED", "BILLED", "DELETED")
SUMS = ("SubTotal", "TotalTax", "Total")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of record. A capability is there if its part is: `page` (how many records are on
    one, unless the caller says), `since` (heeds If-Modified-Since), `where`."""

    path: str
    key: str
    scope: str  # to write; to read it, `.read` is enough
    page: int = 0
    sized: bool = True  # where there are pages: takes pageSize
    since: bool = True
    where: bool = True
    stamp: str = "UpdatedDateUTC"
    status: str = "Status"
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # to which from which
    gone: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()  # shown with includeArchived or includeDeleted only
    dropped: tuple[str, ...] = ()  # never listed
    dates: tuple[str, ...] = ()
    lines: str = ""
    required: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # what Xero does not take from a caller
    unique: tuple[str, ...] = ()
    creates: bool = False  # by PUT
    updates: bool = False  # by POST
    bare: bool = False  # PUT takes the record itself, not a list of them
    deletes: bool = False  # by DELETE


def document(path: str, key: str, scope: str, **parts: object) -> Kind:
    """A kind with a contact, line items and sums."""
    usual: dict[str, object] = {
        "page": 100,
        "lines": "LineItems",
        "dates": ("Date", "DueDate"),
        "required": ("Contact",),
        "ignored": (*SUMS, "AmountDue", "AmountPaid", "HasAttachments"),
        "creates": True,
        "updates": True,
    }
    return Kind(path=path, key=key, scope=scope, **{**usual, **parts})  # type: ignore[arg-type]


INVOICES, PAYMENTS = "accounting.invoices", "accounting.payments"
BANK, SETTINGS = "accounting.banktransactions", "accounting.settings"
CONTACTS, MANUAL_JOURNALS = "accounting.contacts", "accounting.manualjournals"

# `accounting.transactions`, of apps made before March 2026, is all of these.
BROAD = (INVOICES, PAYMENTS, BANK, MANUAL_JOURNALS)


def scopes_for(kind: Kind, *, reads: bool) -> list[str]:
    """The scopes of which one is needed."""
    enough = [kind.scope, *(["accounting.transactions"] if kind.scope in BROAD else [])]
    return [*enough, *(f"{each}.read" for each in enough)] if reads else enough


KINDS: dict[str, Kind] = {
    "accounts": Kind(
        path="Accounts", key="AccountID", scope=SETTINGS, gone=("DELETED",),
        statuses={"ACTIVE": ("ACTIVE", "ARCHIVED"), "ARCHIVED": ("ACTIVE", "ARCHIVED")},
        required=("Code", "Name", "Type"), unique=("Code", "Name"),
        ignored=("Class", "SystemAccount", "HasAttachments"),
        creates=True, updates=True, bare=True, deletes=True,
    ),
    "bank_transactions": document(
        "BankTransactions", "BankTransactionID", BANK, dates=("Date",),
        statuses={"AUTHORISED": ("AUTHORISED", "DELETED")}, gone=("DELETED", "VOIDED"),
        required=("Type", "LineItems", "BankAccount"),
    ),
    "bank_transfers": Kind(
        path="BankTransfers", key="BankTransferID", scope=BANK, stamp="CreatedDateUTC",
        dates=("Date",), gone=("DELETED",), hidden=("DELETED",),
    ),
    "batch_payments": Kind(
        path="BatchPayments", key="BatchPaymentID", scope=PAYMENTS, dates=("Date",),
        gone=("DELETED",),
    ),
    "branding_themes": Kind(
        path="BrandingThemes", key="BrandingThemeID", scope=SETTINGS, stamp="CreatedDateUTC",
        since=False, where=False,
    ),
    "contact_groups": Kind(
        path="ContactGroups", key="ContactGroupID", scope=CONTACTS, since=False, stamp="",
        statuses={"ACTIVE": ("ACTIVE", "DELETED")}, gone=("DELETED",), dropped=("DELETED",),
        required=("Name",), unique=("Name",), creates=True, updates=True,
    ),
    "contacts": Kind(
        path="Contacts", key="ContactID", scope=CONTACTS, page=100, status="ContactStatus",
        statuses={"ACTIVE": ("ACTIVE", "ARCHIVED"), "ARCHIVED": ("ACTIVE", "ARCHIVED")},
        gone=("GDPRREQUEST",), hidden=("ARCHIVED", "GDPRREQUEST"),
        required=("Name",), unique=("Name",),
        ignored=("Website", "Discount", "Balances", "IsCustomer", "IsSupplier", "HasAttachments"),
        creates=True, updates=True,
    ),
    "credit_notes": document(
        "CreditNotes", "CreditNoteID", INVOICES, statuses=DRAFTED, gone=("DELETED", "VOIDED"),
        required=("Type", "Contact"), ignored=(*SUMS, "RemainingCredit", "Allocations"),
    ),
    "currencies": Kind(
        path="Currencies", key="Code", scope=SETTINGS, since=False, stamp="", status="",
        required=("Code",), creates=True, bare=True,
    ),
    "invoices": document(
        "Invoices", "InvoiceID", INVOICES, statuses=DRAFTED, gone=("DELETED", "VOIDED"),
        dates=("Date", "DueDate", "ExpectedPaymentDate", "PlannedPaymentDate", "FullyPaidOnDate"),
        required=("Type", "Contact"), unique=("InvoiceNumber",),
        ignored=(*SUMS, "AmountDue", "AmountPaid", "AmountCredited", "Payments", "HasAttachments",
                 "FullyPaidOnDate"),
    ),
    "items": Kind(
        path="Items", key="ItemID", scope=SETTINGS, status="", required=("Code",),
        unique=("Code",), ignored=("TotalCostPool", "QuantityOnHand", "IsTrackedAsInventory"),
        creates=True, updates=True, deletes=True,
    ),
    "journals": Kind(
        path="Journals", key="JournalID", scope="accounting.journals", where=False, status="",
        stamp="CreatedDateUTC", dates=("JournalDate",),
    ),
    "linked_transactions": Kind(
        path="LinkedTransactions", key="LinkedTransactionID", scope=INVOICES, page=100,
        sized=False, since=False, where=False,
    ),
    "manual_journals": Kind(
        path="ManualJournals", key="ManualJournalID", scope=MANUAL_JOURNALS, page=100,
        statuses={"DRAFT": ("DRAFT", "POSTED", "DELETED"), "POSTED": ("POSTED", "VOIDED")},
        gone=("DELETED", "VOIDED"), dates=("Date",), lines="JournalLines",
        required=("Narration", "JournalLines"), creates=True, updates=True,
    ),
    "organisations": Kind(
        path="Organisation", key="OrganisationID", scope=SETTINGS, since=False, where=False,
        stamp="", status="OrganisationStatus",
    ),
    "overpayments": Kind(
        path="Overpayments", key="OverpaymentID", scope=PAYMENTS, page=100, dates=("Date",),
        gone=("VOIDED",), lines="LineItems",
    ),
    "payments": Kind(
        path="Payments", key="PaymentID", scope=PAYMENTS, page=100, dates=("Date",),
        statuses={"AUTHORISED": ("DELETED",)}, gone=("DELETED",),
        required=("Invoice", "Account", "Amount"), ignored=("PaymentType", "BankAmount"),
        creates=True, updates=True,
    ),
    "prepayments": Kind(
        path="Prepayments", key="PrepaymentID", scope=PAYMENTS, page=100, dates=("Date",),
        gone=("VOIDED",), lines="LineItems",
    ),
    "purchase_orders": document(
        "PurchaseOrders", "PurchaseOrderID", INVOICES, where=False,
        dates=("Date", "DeliveryDate", "ExpectedArrivalDate"),
        statuses=dict.fromkeys(ORDERED[:-2], ORDERED), gone=("DELETED",),
    ),
    "quotes": document(
        "Quotes", "QuoteID", INVOICES, sized=False, where=False, dates=("Date", "ExpiryDate"),
        statuses=dict.fromkeys(QUOTED[:-1], QUOTED), gone=("DELETED",),
        required=("Contact", "LineItems", "Date"),
    ),
    "repeating_invoices": Kind(
        path="RepeatingInvoices", key="RepeatingInvoiceID", scope=INVOICES, since=False, stamp="",
        gone=("DELETED",), lines="LineItems",
    ),
    "tax_rates": Kind(
        path="TaxRates", key="TaxType", scope=SETTINGS, since=False, stamp="",
        statuses={"ACTIVE": ("ACTIVE", "DELETED", "ARCHIVED")}, gone=("DELETED",),
        required=("Name", "TaxComponents"), unique=("Name",),
        ignored=("DisplayTaxRate", "EffectiveRate"), creates=True, updates=True,
    ),
    "tracking_categories": Kind(
        path="TrackingCategories", key="TrackingCategoryID", scope=SETTINGS, since=False, stamp="",
        statuses={"ACTIVE": ("ACTIVE", "ARCHIVED"), "ARCHIVED": ("ACTIVE", "ARCHIVED")},
        gone=("DELETED",), hidden=("ARCHIVED",), dropped=("DELETED",),
        required=("Name",), unique=("Name",), creates=True, updates=True, bare=True, deletes=True,
    ),
    "users": Kind(
        path="Users", key="UserID", scope=SETTINGS, status="OrganisationRole", gone=("REMOVED",),
    ),
}  # fmt: skip

# Fields that Xero fills with a number of its own.
NUMBERED = (
    ("invoices", "InvoiceNumber", "INV"),
    ("credit_notes", "CreditNoteNumber", "CN"),
    ("quotes", "QuoteNumber", "QU"),
    ("purchase_orders", "PurchaseOrderNumber", "PO"),
)

USUAL = {"LineAmountTypes": "Exclusive", "LineItems": [], "CurrencyCode": "NZD"}
ZERO = {"SubTotal": 0.0, "TotalTax": 0.0, "Total": 0.0}
# What a new record has beside what it was given.
ADDED: dict[str, Json] = {
    "accounts": {"Class": "EXPENSE", "EnablePaymentsToAccount": False, "HasAttachments": False},
    "bank_transactions": {**USUAL, **ZERO, "IsReconciled": False, "HasAttachments": False},
    "contacts": {"Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [],
                 "IsSupplier": False, "IsCustomer": False, "HasAttachments": False},
    "credit_notes": {**USUAL, **ZERO, "RemainingCredit": 0.0, "Allocations": [], "Payments": []},
    "invoices": {**USUAL, **ZERO, "AmountDue": 0.0, "AmountPaid": 0.0, "AmountCredited": 0.0,
                 "Payments": [], "SentToContact": False, "HasAttachments": False},
    "items": {"IsSold": True, "IsPurchased": True, "IsTrackedAsInventory": False,
              "PurchaseDetails": {}, "SalesDetails": {}},
    "manual_journals": {"LineAmountTypes": "NoTax", "ShowOnCashBasisReports": True},
    "payments": {"IsReconciled": False, "HasAccount": True, "CurrencyRate": 1.0},
    "purchase_orders": {**USUAL, **ZERO, "HasAttachments": False},
    "quotes": {**USUAL, **ZERO, "LineAmountTypes": "EXCLUSIVE"},
    "tax_rates": {"DisplayTaxRate": 0.0, "EffectiveRate": 0.0},
    "tracking_categories": {"Options": []},
}  # fmt: skip
