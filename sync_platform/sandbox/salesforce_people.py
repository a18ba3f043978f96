"""Believable records for the sandbox org: what its people would have typed."""

import random
from collections.abc import Callable
from typing import Any

FIRST = ("Ada", "Grace", "Linus", "Edsger", "Barbara", "Alan", "Katherine", "Jürgen", "Zoë", "李")
LAST = ("Lovelace", "Hopper", "Weber", "Dijkstra", "Liskov", "O'Neil", "Johnson", "Müller", "Sørby")
COMPANIES = ("Acme", "Burlington", "Dickenson", "Edge", "Grand Hotels", "Pyramid", "United Oil")
KINDS = ("GmbH", "Ltd", "Inc", "& Sons", "Communications")
CITIES = ("Berlin", "Boston", "Oslo", "Wien", "São Paulo")

# The field that edits change, by object
BOUGHT = {
    "Account": "AnnualRevenue", "Contact": "Title", "Lead": "Status", "Opportunity": "Amount",
    "Case": "Status", "Task": "Status", "Event": "Subject", "Campaign": "BudgetedCost",
    "Product2": "Family", "PricebookEntry": "UnitPrice", "OpportunityLineItem": "Quantity",
    "Invoice__c": "Amount__c", "User": "Email",
}  # fmt: skip


def invented(object: str, rng: random.Random, refer: Callable[[str], str | None]) -> dict[str, Any]:
    """The values of a new record; `refer` gives an id of another object."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    company = f"{rng.choice(COMPANIES)} {rng.choice(KINDS)}"
    email = f"{rng.randrange(10**6)}@example.com"
    money = round(rng.random() * 90_000, 2)
    day = f"20{rng.randrange(22, 27)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    person = {"FirstName": first, "LastName": last, "Email": email}

    def one(*values: str) -> str:
        return rng.choice(values)

    match object:
        case "Account":
            return {
                "Name": company,
                "Type": one("Prospect", "Customer", "Partner"),
                "BillingStreet": f"{rng.randrange(1, 99)} Main Street\nFloor {rng.randrange(9)}",
                "BillingCity": rng.choice(CITIES),
                "AnnualRevenue": money * 100,
                "NumberOfEmployees": rng.randrange(1, 5000),
                "Description": one(
                    'Says "yes", then thinks.', "Pays late; ask twice.", "Line,\nbreak"
                ),
            }
        case "Contact":
            title = one("CEO", "Buyer", "Engineer", "Head of R&D")
            return person | {"AccountId": refer("Account"), "Title": title, "Birthdate": day}
        case "Lead":
            return person | {"Company": company, "Status": one("Open", "Working", "Closed")}
        case "Opportunity":
            return {
                "Name": f"{company} - {rng.randrange(1000)} seats",
                "AccountId": refer("Account"),
                "StageName": one("Prospecting", "Negotiation", "Closed Won", "Closed Lost"),
                "Amount": money,
                "Probability": float(rng.randrange(0, 101, 10)),
                "CloseDate": day,
            }
        case "Case":
            subject = one("Does not start", "Invoice is wrong", "Smells odd")
            status = one("New", "Working", "Closed")
            return {"AccountId": refer("Account"), "Subject": subject, "Status": status}
        case "Task":
            status = one("Not Started", "Completed")
            return {"WhoId": refer("Contact"), "Subject": "Call", "ActivityDate": day,
                    "Status": status}  # fmt: skip
        case "Event":
            start, end = f"{day}T09:00:00.000+0000", f"{day}T10:30:00.000+0000"
            return {"WhoId": refer("Contact"), "Subject": one("Meeting", "Call"),
                    "StartDateTime": start, "EndDateTime": end}  # fmt: skip
        case "Campaign":
            return {"Name": f"{rng.choice(CITIES)} fair", "Type": "Conference", "StartDate": day,
                    "BudgetedCost": money, "IsActive": rng.random() < 0.5}  # fmt: skip
        case "Product2":
            return {"Name": f"Widget {rng.randrange(1000)}", "IsActive": True,
                    "Family": one("Hardware", "Service")}  # fmt: skip
        case "PricebookEntry":
            return {"Product2Id": refer("Product2"), "UnitPrice": money, "IsActive": True}
        case "OpportunityLineItem":
            count = float(rng.randrange(1, 50))
            return {"OpportunityId": refer("Opportunity"), "Quantity": count, "UnitPrice": money,
                    "TotalPrice": count * money}  # fmt: skip
        case "Invoice__c":
            return {"Number__c": f"R{rng.randrange(10**9)}", "Account__c": refer("Account"),
                    "Amount__c": money, "Due__c": day, "Tags__c": one("new;late", "large"),
                    "At__c": "17:30:00.000Z"}  # fmt: skip
        case "User":
            return person | {"Username": f"{last}.{email}", "IsActive": True}
        case "Attachment":
            return {"Name": "offer.pdf", "ContentType": "application/pdf", "BodyLength": 4}
        case "AccountHistory":
            return {"AccountId": refer("Account"), "Field": "Name", "NewValue": company}
    return {}
