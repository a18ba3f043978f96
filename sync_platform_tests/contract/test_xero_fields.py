"""The fields that the Xero connector declares, held against Xero's own description of its API
(OpenAPI)."""

import pytest

from sync_platform import spec
from sync_platform.connectors.xero import connector
from sync_platform_tests.contract.xero_document import DOCUMENT, Document

SHAPES = {
    "accounts": "Account",
    "bank_transactions": "BankTransaction",
    "batch_payments": "BatchPayment",
    "branding_themes": "BrandingTheme",
    "contact_groups": "ContactGroup",
    "contacts": "Contact",
    "credit_notes": "CreditNote",
    "currencies": "Currency",
    "invoices": "Invoice",
    "items": "Item",
    "journals": "Journal",
    "manual_journals": "ManualJournal",
    "organisations": "Organisation",
    "overpayments": "Overpayment",
    "payments": "Payment",
    "prepayments": "Prepayment",
    "purchase_orders": "PurchaseOrder",
    "quotes": "Quote",
    "tax_rates": "TaxRate",
    "tracking_categories": "TrackingCategory",
    "users": "User",
}
WITHOUT_SHAPE = {"bank_transfers", "linked_transactions", "repeating_invoices"}
LEFT_OUT = {  # of every object: what only answers to writes hold, says the same again, or is a key
    *("ValidationErrors", "Warnings", "StatusAttributeString", "HasErrors"),
    *("HasValidationErrors", "Attachments", "UpdatedDateUTCString", "DateString"),
    *("ExpiryDateString", "APIKey", "XeroNetworkKey"),
}
ONLY_WITHIN_OTHERS = {"tracking_categories": {"TrackingOptionID", "Option"}}
ONLY_ALONE = {"contact_groups": {"Contacts"}}

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason=f"needs Xero's description of its API at {DOCUMENT}"
)


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


def declared(name: str) -> dict[str, spec.Field]:
    return {field.name: field for field in connector[name].fields}  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_every_field_that_is_described_is_declared_and_no_other(
    document: Document, name: str, shape: str
) -> None:
    left = LEFT_OUT | ONLY_WITHIN_OTHERS.get(name, set()) | ONLY_ALONE.get(name, set())
    assert declared(name).keys() == document.schema(shape)["properties"].keys() - left


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_types_are_as_described_but_texts_that_are_moments(
    document: Document, name: str, shape: str
) -> None:
    for name_of, property in document.schema(shape)["properties"].items():
        field = declared(name).get(name_of)
        theirs = document.resolved(property).get("type", "object")
        allowed = {
            "string": {"text", "date", "timestamp"},
            "array": {"json"},
            "object": {"json"},
        }.get(theirs, {theirs})
        assert field is None or field.type in allowed, name_of
        if field and theirs == "string":
            assert (field.type != "text") == name_of.endswith(("UTC", "Date")), name_of


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_what_is_described_as_read_only_is(document: Document, name: str, shape: str) -> None:
    for each, property in document.schema(shape)["properties"].items():
        if property.get("readOnly") and each in declared(name):
            assert declared(name)[each].read_only, each


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_filters_by_status_offer_those_that_are_described(
    document: Document, name: str, shape: str
) -> None:
    for each in connector[name].filters:
        if each.name == "status":
            described = document.schema(shape)["properties"]["Status"]
            assert set(each.values) == set(document.resolved(described)["enum"])


def test_what_has_no_shape_in_the_description_is_named() -> None:
    assert {obj.name for obj in connector.objects} - SHAPES.keys() == WITHOUT_SHAPE
