from typing import Any

import pytest

from sync_platform import spec
from sync_platform.connectors.xero import connector

CHANGED = spec.OutboundChange(kind="update", key="k-1", values={"Name": "Ada"}, id="change-7")


def writing(name: str, kind: str) -> spec.Request:
    request = getattr(connector[name], kind)
    assert isinstance(request, spec.Request)
    return request


def sent(name: str, kind: str, change: spec.OutboundChange = CHANGED) -> Any:
    json = writing(name, kind).json
    return json(change) if callable(json) else json


def test_a_record_is_created_by_put_in_a_list() -> None:
    created = spec.OutboundChange(kind="create", values={"Name": "Ada"}, id="change-7")
    assert writing("contacts", "create").method == "PUT"
    assert sent("contacts", "create", created) == {"Contacts": [{"Name": "Ada"}]}
    assert writing("contacts", "create").params == {"summarizeErrors": "true"}
    assert sent("accounts", "create", created) == {"Name": "Ada"}  # alone, as Xero wants this one


def test_a_record_is_changed_by_post_to_its_id() -> None:
    update = writing("invoices", "update")
    assert (update.method, update.path) == ("POST", "/api.xro/2.0/Invoices/{key}")
    assert update.params == {"unitdp": 4}
    assert sent("invoices", "update") == {"Invoices": [{"Name": "Ada", "InvoiceID": "k-1"}]}
    assert writing("tax_rates", "update").path == "/api.xro/2.0/TaxRates"


@pytest.mark.parametrize(
    ("name", "method", "body"),
    [
        ("quotes", "POST", {"Quotes": [{"QuoteID": "k-1", "Status": "DELETED"}]}),
        ("payments", "POST", {"Status": "DELETED"}),
        ("items", "DELETE", None),
        ("accounts", "DELETE", None),
    ],
)
def test_a_record_is_deleted_in_the_way_of_its_kind(name: str, method: str, body: Any) -> None:
    change = spec.OutboundChange(kind="delete", key="k-1", id="change-8")
    assert writing(name, "delete").method == method
    assert sent(name, "delete", change) == body


class Documents:
    """An Api with one document, that notes what is sent."""

    def __init__(self, listed: str, status: str) -> None:
        self.answer = {listed: [{"Status": status}]}
        self.sent: list[Any] = []

    def send(self, request: spec.Request, asked: spec.OutboundChange) -> spec.Json:
        if request.method == "GET":
            return self.answer
        self.sent.append((request.path, request.json(asked) if callable(request.json) else None))
        return {}


@pytest.mark.parametrize(
    ("name", "listed", "key", "status", "then"),
    [
        ("invoices", "Invoices", "InvoiceID", "DRAFT", "DELETED"),
        ("invoices", "Invoices", "InvoiceID", "AUTHORISED", "VOIDED"),
        ("credit_notes", "CreditNotes", "CreditNoteID", "SUBMITTED", "DELETED"),
        ("manual_journals", "ManualJournals", "ManualJournalID", "POSTED", "VOIDED"),
        ("invoices", "Invoices", "InvoiceID", "VOIDED", None),
    ],
)
def test_what_counts_already_is_voided_instead_of_deleted(
    name: str, listed: str, key: str, status: str, then: str | None
) -> None:
    api: Any = Documents(listed, status)
    delete = connector[name].delete
    assert callable(delete)
    delete(api, spec.OutboundChange(kind="delete", key="k-1", id="change-8"))
    sent = (f"/api.xro/2.0/{listed}/{{key}}", {listed: [{key: "k-1", "Status": then}]})
    assert api.sent == ([sent] if then else [])


def test_a_change_that_is_sent_twice_is_carried_out_once() -> None:
    for obj in connector.objects:
        for kind in ("create", "update", "delete"):
            request = getattr(obj, kind)
            if not isinstance(request, spec.Request) or request.method == "DELETE":
                continue
            assert callable(request.headers)
            assert request.headers(CHANGED) == {"Idempotency-Key": "change-7"}
            assert request.repeatable


def test_what_xero_computes_cannot_be_written() -> None:
    locked = {
        field.name
        for field in connector["invoices"].fields  # type: ignore[union-attr]
        if field.read_only
    }
    assert {"SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid", "AmountCredited"} < locked
    assert {"Payments", "HasAttachments", "FullyPaidOnDate", "UpdatedDateUTC", "InvoiceID"} < locked
    assert not {"Reference", "LineItems", "Contact", "Date", "Status"} & locked


def test_objects_that_cannot_be_written_have_no_field_that_can() -> None:
    for obj in connector.objects:
        if not obj.writable:
            assert all(field.read_only for field in obj.fields)  # type: ignore[union-attr]
            assert not obj.write_scopes
