"""The fake Xero's own behaviours, as its callers see them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.xero import Xero
from sync_platform.sandbox.xero_query import written
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.xero_asking import calling

BOUGHT = {"Description": "Licence", "Quantity": 2.0, "UnitAmount": 50.0, "TaxType": "OUTPUT2"}


@pytest.fixture
def xero(clock: Clock) -> Iterator[Xero]:
    with serve(Xero(tokens=["all"], clock=clock)) as xero:
        yield xero


@pytest.fixture
def client(xero: Xero) -> Iterator[httpx.Client]:
    with calling(xero) as client:
        yield client


def sold(client: httpx.Client, **values: Any) -> Any:
    invoice = {"Type": "ACCREC", "Contact": {"Name": "Ada"}, "LineItems": [BOUGHT], **values}
    answer = client.put("/Invoices", json={"Invoices": [invoice]})
    assert answer.status_code == 200, answer.text
    return answer.json()["Invoices"][0]


def told(answer: httpx.Response) -> list[str]:
    """What a refusal of records says."""
    assert answer.status_code == 400
    return [it["Message"] for each in answer.json()["Elements"] for it in each["ValidationErrors"]]


# -- lists ----------------------------------------------------------------------------------------


def test_without_a_page_there_are_no_lines(client: httpx.Client) -> None:
    sold(client)
    assert client.get("/Invoices").json()["Invoices"][0]["LineItems"] == []
    answer = client.get("/Invoices?page=1").json()
    assert answer["Invoices"][0]["LineItems"][0]["LineAmount"] == 100.0
    assert answer["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": 1}


def test_a_page_holds_a_thousand_at_most(xero: Xero, client: httpx.Client) -> None:
    for number in range(1001):
        xero.add("contacts", Name=f"{number}", ContactStatus="ACTIVE")
    pages = [client.get(f"/Contacts?page={page}&pageSize=5000").json() for page in (1, 2, 3)]
    assert [len(page["Contacts"]) for page in pages] == [1000, 1, 0]
    assert pages[0]["pagination"]["pageCount"] == 2


def test_if_modified_since_heeds_whole_seconds(xero: Xero, client: httpx.Client) -> None:
    for name, ms in (("a", 999), ("b", 1000), ("c", 1001)):
        stamp = written(1_704_067_200_000 + ms)
        xero.add("contacts", ContactID=name, ContactStatus="ACTIVE", UpdatedDateUTC=stamp)

    def since(moment: str) -> list[str]:
        answer = client.get("/Contacts?page=1", headers={"If-Modified-Since": moment})
        return [contact["ContactID"] for contact in answer.json()["Contacts"]]

    assert since("2024-01-01T00:00:00Z") == ["a", "b", "c"]
    assert since("2024-01-01T00:00:01.900Z") == ["c"]
    assert since("Mon, 01 Jan 2024 00:00:01 GMT") == ["c"]
    assert since("2024-01-01T02:00:01+02:00") == ["c"]


def test_where_and_order(xero: Xero, client: httpx.Client) -> None:
    for name, amount in (("a", 10.0), ("b", 30.0), ("c", 20.0)):
        stamp = written(1_704_067_200_000 + int(amount) * 1000)
        xero.add(
            "invoices",
            InvoiceID=name,
            Total=amount,
            Type="ACCREC",
            Contact={"ContactID": name},
            UpdatedDateUTC=stamp,
        )

    def asked(where: str, order: str = "InvoiceID ASC") -> list[str]:
        answer = client.get("/Invoices", params={"where": where, "order": order, "page": "1"})
        assert answer.status_code == 200, answer.text
        return [invoice["InvoiceID"] for invoice in answer.json()["Invoices"]]

    assert asked("Total>=20", "Total DESC") == ["b", "c"]
    assert asked('Type=="ACCREC" && UpdatedDateUTC<DateTime(2024,1,1,0,0,30)') == ["a", "c"]
    assert asked('Contact.ContactID==Guid("b") AND Total!=10') == ["b"]
    for senseless in ("Total ~ 3", "Total==DateTime(1,2)", "Type>=3"):
        refused = client.get("/Invoices", params={"where": senseless})
        assert (refused.status_code, refused.json()["Type"]) == (400, "QueryParseException")


def test_archived_contacts_are_shown_to_who_asks_for_them(xero: Xero, client: httpx.Client) -> None:
    xero.add("contacts", Name="Old", ContactStatus="ARCHIVED")
    assert client.get("/Contacts").json()["Contacts"] == []
    assert len(client.get("/Contacts?includeArchived=true").json()["Contacts"]) == 1


def test_journals_come_after_an_offset(xero: Xero, client: httpx.Client) -> None:
    for _ in range(130):
        xero.organisation().post("ACCREC", "i-1", 1.0)
    first = client.get("/Journals").json()["Journals"]
    rest = client.get(f"/Journals?offset={first[-1]['JournalNumber']}").json()["Journals"]
    assert (len(first), len(rest), rest[0]["JournalNumber"]) == (100, 30, 101)


# -- bookkeeping ----------------------------------------------------------------------------------


def test_sums_follow_from_the_lines(client: httpx.Client) -> None:
    invoice = sold(client, SubTotal=1.0, Date="2024-02-29")
    assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (100.0, 15.0, 115.0)
    assert (invoice["Status"], invoice["Date"]) == ("DRAFT", "/Date(1709164800000+0000)/")


def test_a_payment_moves_its_invoice_and_taking_it_back_moves_it_again(
    xero: Xero, client: httpx.Client, clock: Clock
) -> None:
    invoice = sold(client, Status="AUTHORISED")
    clock.now += 60
    about = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}}
    paid = client.put("/Payments", json={"Payments": [{**about, "Amount": 115.0}]})
    now = xero.records("invoices")[invoice["InvoiceID"]]
    assert (now["Status"], now["AmountDue"], now["AmountPaid"]) == ("PAID", 0.0, 115.0)
    assert now["UpdatedDateUTC"] != invoice["UpdatedDateUTC"]
    more = client.put("/Payments", json={"Payments": [{**about, "Amount": 1.0}]})
    assert told(more) == ["Payments can only be made against Authorised documents"]
    id = paid.json()["Payments"][0]["PaymentID"]
    assert client.post(f"/Payments/{id}", json={"Status": "DELETED"}).status_code == 200
    assert xero.records("invoices")[invoice["InvoiceID"]]["AmountDue"] == 115.0


def test_what_is_authorised_makes_a_journal_and_what_is_voided_another(
    client: httpx.Client,
) -> None:
    invoice = sold(client, Status="AUTHORISED")
    one = f"/Invoices/{invoice['InvoiceID']}"
    assert client.post(one, json={"Invoices": [{"Status": "VOIDED"}]}).status_code == 200
    journals = client.get("/Journals").json()["Journals"]
    assert [it["JournalLines"][0]["NetAmount"] for it in journals] == [115.0, -115.0]


def test_only_a_draft_can_be_deleted(client: httpx.Client) -> None:
    deleted = {"Invoices": [{"Status": "DELETED"}]}
    draft, final = sold(client), sold(client, Status="AUTHORISED")
    assert client.post(f"/Invoices/{draft['InvoiceID']}", json=deleted).status_code == 200
    refused = client.post(f"/Invoices/{final['InvoiceID']}", json=deleted)
    assert "not of valid status" in told(refused)[0]


def test_items_really_go_and_accounts_get_a_status(xero: Xero, client: httpx.Client) -> None:
    item, account = xero.create("items", Code="A"), next(iter(xero.records("accounts")))
    assert client.delete(f"/Items/{item}").status_code == 204
    assert client.get(f"/Items/{item}").status_code == 404
    (deleted,) = client.delete(f"/Accounts/{account}").json()["Accounts"]
    assert deleted["Status"] == "DELETED"
    listed = client.get("/Accounts").json()["Accounts"]
    assert [it["Status"] for it in listed if it["AccountID"] == account] == ["DELETED"]


# -- writing --------------------------------------------------------------------------------------


def test_what_is_wrong_refuses_all_unless_errors_are_not_summed_up(
    xero: Xero, client: httpx.Client
) -> None:
    both = {"Contacts": [{"Name": "Ada"}, {"FirstName": "Nobody"}]}
    assert told(client.put("/Contacts", json=both)) == ["Name is required"]
    both["Contacts"][0]["Name"] = "Bob"
    answer = client.put("/Contacts?summarizeErrors=false", json=both)
    elements = answer.json()["Contacts"]
    assert (answer.status_code, [it["StatusAttributeString"] for it in elements]) == (
        200,
        ["OK", "ERROR"],
    )


def test_a_key_makes_a_change_happen_once(xero: Xero, client: httpx.Client, clock: Clock) -> None:
    keyed = {"Idempotency-Key": "k-1"}
    item = {"Items": [{"Code": "A"}]}
    first = client.put("/Items", json=item, headers=keyed)
    assert client.put("/Items", json=item, headers=keyed).content == first.content
    assert len(xero.records("items")) == 1
    other = client.put("/Items", json={"Items": [{"Code": "B"}]}, headers=keyed)
    assert (other.status_code, len(xero.records("items"))) == (400, 1)
    clock.now += 400
    again = client.put("/Items", json=item, headers=keyed)
    assert "must be unique" in told(again)[0]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"Contacts": 1}', b'{"Contacts": [1]}'])
def test_a_body_that_makes_no_sense_is_refused(client: httpx.Client, body: bytes) -> None:
    refused = client.put("/Contacts", content=body)
    assert (refused.status_code, refused.json()["Type"]) == (400, "PostDataInvalidException")


# -- a life ---------------------------------------------------------------------------------------


def test_it_is_filled_lives_and_is_the_same_after_a_restart(clock: Clock) -> None:
    xero = Xero(contacts=20, others=5, clock=clock)
    assert [len(xero.records(name)) for name in ("contacts", "quotes", "bank_transfers")] == [
        *(20, 5, 5),
    ]
    before = xero.version()
    for _ in range(20):
        clock.now += 60
        xero.live()
    assert xero.version() > before
    other = Xero(clock=clock)
    other.resume(xero.state())
    for name in xero.organisation().records:
        assert other.records(name) == xero.records(name)
    assert other.create("contacts", Name="New") not in xero.records("contacts")
