"""Xero's objects, each with the list it is read from and the writes that Xero takes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sync_platform import spec
from sync_platform.connectors._xero_calls import (
    API,
    BY_HUNDREDS,
    EXACT,
    GONE,
    ISSUED,
    NUMBERED,
    SIDE,
    STATUS,
    TOLD,
    dated,
    idempotent,
    of_status,
    writable,
    xero_object,
)

INVOICES, PAYMENTS = "accounting.invoices", "accounting.payments"
BANK, MANUAL_JOURNALS = "accounting.banktransactions", "accounting.manualjournals"
CONTACTS, SETTINGS = "accounting.contacts", "accounting.settings"
DELETED = {"Status": "DELETED"}
ARCHIVED_TOO = {"includeArchived": "true"}
PAGED: dict[str, Any] = {"pages": NUMBERED, "ordered": True}
QUOTED = ("DRAFT", "SENT", "DECLINED", "ACCEPTED", "INVOICED", "DELETED")
LATELY = replace(ISSUED, keeps=dated)
DATED: dict[str, Any] = {**PAGED, "filters": [ISSUED]}


def settings_objects() -> Iterator[spec.ConnectorObject]:
    """The chart of accounts and what else is set up once; nothing here has pages."""
    accounts = xero_object(
        "accounts", "Accounts", key="AccountID", scope=SETTINGS, gone=["DELETED"]
    )
    yield writable(
        accounts,
        SETTINGS,
        lone=["create"],
        delete=spec.delete(f"{API}/Accounts/{{key}}"),
    )
    yield xero_object(
        "branding_themes",
        "BrandingThemes",
        key="BrandingThemeID",
        scope=SETTINGS,
        cursor=None,
    )
    currencies = xero_object("currencies", "Currencies", key="Code", scope=SETTINGS, cursor=None)
    yield writable(currencies, SETTINGS, lone=["create"], update=None)
    items = xero_object("items", "Items", key="ItemID", scope=SETTINGS, also=EXACT)
    yield writable(
        items,
        SETTINGS,
        params=TOLD | EXACT,
        delete=spec.delete(f"{API}/Items/{{key}}"),
    )
    yield xero_object(
        "organisations",
        "Organisation",
        key="OrganisationID",
        scope=SETTINGS,
        cursor=None,
        records="Organisations",
    )
    rates = xero_object(
        "tax_rates", "TaxRates", key="TaxType", scope=SETTINGS, cursor=None, gone=["DELETED"]
    )
    yield writable(rates, SETTINGS, update="")
    categories = xero_object(
        "tracking_categories",
        "TrackingCategories",
        key="TrackingCategoryID",
        scope=SETTINGS,
        cursor=None,
        also=ARCHIVED_TOO,
        gone=["DELETED"],
    )
    yield writable(
        categories,
        SETTINGS,
        lone=["create", "update"],
        delete=spec.delete(f"{API}/TrackingCategories/{{key}}"),
    )
    yield xero_object(
        "users", "Users", key="UserID", scope=SETTINGS, gone=["REMOVED"], status="OrganisationRole"
    )


def contact_objects() -> Iterator[spec.ConnectorObject]:
    """Whom the organisation trades with."""
    contacts = xero_object(
        "contacts",
        "Contacts",
        key="ContactID",
        scope=CONTACTS,
        also=ARCHIVED_TOO,
        gone=["GDPRREQUEST"],
        status="ContactStatus",
        **PAGED,
    )
    yield writable(contacts, CONTACTS, params=TOLD)
    groups = xero_object(
        "contact_groups",
        "ContactGroups",
        key="ContactGroupID",
        scope=CONTACTS,
        cursor=None,
        gone=["DELETED"],
    )
    yield writable(groups, CONTACTS, delete="by_status")


def documents() -> Iterator[spec.ConnectorObject]:
    """What is sold and bought."""
    invoices = xero_object(
        "invoices",
        "Invoices",
        key="InvoiceID",
        scope=INVOICES,
        also=ARCHIVED_TOO | EXACT,
        gone=GONE,
        filters=[STATUS, SIDE, ISSUED],
        **PAGED,
    )
    yield writable(invoices, INVOICES, params=TOLD | EXACT, delete="or_voided")
    notes = xero_object(
        "credit_notes",
        "CreditNotes",
        key="CreditNoteID",
        scope=INVOICES,
        also=EXACT,
        gone=GONE,
        filters=[of_status(*STATUS.values), ISSUED],
        **PAGED,
    )
    yield writable(notes, INVOICES, params=TOLD | EXACT, delete="or_voided")
    orders = xero_object(
        "purchase_orders",
        "PurchaseOrders",
        key="PurchaseOrderID",
        scope=INVOICES,
        where=False,
        gone=["DELETED"],
        filters=[of_status("DRAFT", "SUBMITTED", "AUTHORISED", "BILLED", "DELETED"), LATELY],
        **PAGED,
    )
    yield writable(orders, INVOICES, params=TOLD, delete="by_status")
    quotes = xero_object(
        "quotes",
        "Quotes",
        key="QuoteID",
        scope=INVOICES,
        where=False,
        gone=["DELETED"],
        filters=[of_status(*QUOTED), LATELY],
        pages=BY_HUNDREDS,
        ordered=True,
    )
    yield writable(quotes, INVOICES, params=TOLD, delete="by_status")
    yield xero_object(
        "repeating_invoices",
        "RepeatingInvoices",
        key="RepeatingInvoiceID",
        scope=INVOICES,
        cursor=None,
        gone=["DELETED"],
    )
    yield xero_object(
        "linked_transactions",
        "LinkedTransactions",
        key="LinkedTransactionID",
        scope=INVOICES,
        cursor=None,
        gone=["VOIDED"],
        pages=BY_HUNDREDS,
    )


def money() -> Iterator[spec.ConnectorObject]:
    """What was paid, and where it went."""
    payments = xero_object(
        "payments", "Payments", key="PaymentID", scope=PAYMENTS, gone=["DELETED"], **DATED
    )
    yield writable(
        payments,
        PAYMENTS,
        params=TOLD,
        update=None,
        delete=spec.post(
            f"{API}/Payments/{{key}}", json=DELETED, headers=idempotent, safe_to_repeat=True
        ),
    )
    yield xero_object(
        "batch_payments",
        "BatchPayments",
        key="BatchPaymentID",
        scope=PAYMENTS,
        gone=["DELETED"],
    )
    for name, path, key in (
        ("overpayments", "Overpayments", "OverpaymentID"),
        ("prepayments", "Prepayments", "PrepaymentID"),
    ):
        yield xero_object(
            name,
            path,
            key=key,
            scope=PAYMENTS,
            also=EXACT,
            gone=["VOIDED"],
            filters=[of_status("AUTHORISED", "PAID", "VOIDED"), ISSUED],
            **PAGED,
        )
    spent = xero_object(
        "bank_transactions",
        "BankTransactions",
        key="BankTransactionID",
        scope=BANK,
        also=EXACT,
        gone=GONE,
        **DATED,
    )
    yield writable(spent, BANK, params=TOLD | EXACT, delete="by_status")
    yield xero_object(
        "bank_transfers",
        "BankTransfers",
        key="BankTransferID",
        scope=BANK,
        cursor="CreatedDateUTC",
        also={"includeDeleted": "true"},
        gone=["DELETED"],
    )


def ledger() -> Iterator[spec.ConnectorObject]:
    """The journals: Xero's own, which are only ever added, and those that people write."""
    journals = xero_object(
        "journals",
        "Journals",
        key="JournalID",
        scope="accounting.journals",
        cursor="CreatedDateUTC",
        where=False,
    )
    assert isinstance(journals.read, spec.Request)
    by_number = spec.keyset_pages("JournalNumber", limit=100)
    yield replace(
        journals,
        read=replace(
            journals.read, params=lambda read: {"offset": read.after or 0}, pages=by_number
        ),
    )
    manual = xero_object(
        "manual_journals",
        "ManualJournals",
        key="ManualJournalID",
        scope=MANUAL_JOURNALS,
        gone=GONE,
        filters=[of_status("DRAFT", "POSTED", "DELETED", "VOIDED", "ARCHIVED"), ISSUED],
        **PAGED,
    )
    yield writable(manual, MANUAL_JOURNALS, params=TOLD, delete="or_voided")


OBJECTS = sorted(
    [*settings_objects(), *contact_objects(), *documents(), *money(), *ledger()],
    key=lambda obj: obj.name,
)
