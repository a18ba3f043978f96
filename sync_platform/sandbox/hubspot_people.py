"""Invented records, quickly and repeatably: people, companies, deals and what they bought."""

import random
from collections.abc import Callable

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.hubspot_objects import CHOICES
from sync_platform.sandbox.hubspot_properties import moment

# fmt: off
FIRST = [
    "Ada", "Grace", "Zoë", "Łukasz", "José", "Mei", "Priya", "Omar", "Ingrid", "Kwame", "Noor",
    "Søren", "Chloé", "Dmitri", "Aiko", "Björn", "Fatima", "Hugo", "Leïla", "Tomás", "Anouk",
    "Ravi", "Siobhán", "Yusuf", "Élodie", "Nils", "Marta", "Kenji", "Paula", "Ivan",
]
LAST = [
    "Lovelace", "Hopper", "Okafor", "Nowak", "Müller", "García", "Tanaka", "O'Neill",
    "Sørensen", "Dubois", "Haddad", "Kowalska", "Silva", "Ivanova", "Çelik", "Nguyen", "Patel",
    "Jensen", "Rossi", "Schäfer", "Novák", "Mensah", "Larsen", "Moreau", "Quinn",
]
# fmt: on
PLACES = [
    ("Berlin", "Berlin", "10115", "Germany"),
    ("Zürich", "Zürich", "8001", "Switzerland"),
    ("Boston", "Massachusetts", "02108", "United States"),
    ("São Paulo", "São Paulo", "01000-000", "Brazil"),
    ("東京", "東京都", "100-0001", "Japan"),
    ("Cork", "Munster", "T12 W8KR", "Ireland"),
]
FIRMS = ["Initech", "Globex", "Hooli", "Umbrella & Sons", "Wayne, Ltd", "Stark", "Acme", "Ünal"]
JOBS = ["CEO", "Head of Sales", "Engineer", "Buyer", "Data Analyst", 'Chief "Fixer"']
THINGS = ["Starter plan", "Pro plan", "Onboarding", "Sensor", "Support hour", "Licence"]
DAY = 86_400_000

Inventor = Callable[[random.Random, int, int], dict[str, str]]


def invent(object: str, rng: random.Random, id: int, now: int) -> dict[str, str]:
    """The properties of a new record, about which nothing is true; `now` in milliseconds."""
    return _INVENTORS[object](rng, id, now)


def edit(object: str, rng: random.Random) -> Json:
    """A small edit, as a person would make it."""
    if object == "contacts":
        kinds: list[Json] = [
            {"jobtitle": rng.choice(JOBS)},
            {"lifecyclestage": _one(rng, "lifecyclestage"), "phone": _phone(rng)},
            {"annualrevenue": str(rng.randrange(1000, 900_000)), "company": rng.choice(FIRMS)},
            {"phone": ""},
        ]
    elif object in ("companies", "products", "line_items"):
        kinds = [{"name": f"{rng.choice(FIRMS)} {rng.randrange(1000)}"}, {"description": "Edited."}]
    elif object == "deals":
        kinds = [{"dealstage": _one(rng, "dealstage")}, {"amount": _price(rng)}]
    else:
        kinds = [{"hs_pipeline_stage": _one(rng, "hs_pipeline_stage")}, {"content": "Called back."}]
    return rng.choice(kinds)


def owners() -> list[Json]:
    """The people who own records; the last two have left."""
    return [
        {
            "id": str(910_901 + number),
            "email": f"{first}.{last}@sales.example".lower(),
            "type": "PERSON",
            "firstName": first,
            "lastName": last,
            "userId": 4_100_000 + number,
            "userIdIncludingInactive": 4_100_000 + number,
            "createdAt": moment(1_600_000_000_000 + number * DAY),
            "updatedAt": moment(1_700_000_000_000 + number * DAY),
            "archived": number >= 10,
        }
        for number, (first, last) in enumerate(zip(FIRST[:12], LAST[:12], strict=True))
    ]


def _contact(rng: random.Random, id: int, now: int) -> dict[str, str]:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    firm = rng.choice(FIRMS)
    city, state, zip, country = rng.choice(PLACES)
    domain = "".join(letter for letter in firm.lower() if "a" <= letter <= "z")
    contact = {
        "email": f"{first}.{last}.{id}@{domain}.example".lower().replace("'", ""),
        "firstname": first,
        "lastname": last,
        "company": firm,
        "jobtitle": rng.choice(JOBS),
        "city": city,
        "state": state,
        "zip": zip,
        "country": country,
        "lifecyclestage": _one(rng, "lifecyclestage"),
        "hs_email_optout": "true" if rng.random() < 0.1 else "false",
        "hs_email_domain": f"{domain}.example",
        "num_associated_deals": str(int(rng.random() * 4)),
    }
    if rng.random() < 0.7:
        contact["phone"] = _phone(rng)
    if rng.random() < 0.5:
        contact["annualrevenue"] = _price(rng)
        contact["hs_lead_status"] = _one(rng, "hs_lead_status")
        contact["date_of_birth"] = moment(int(rng.random() * 11_000) * DAY)[:10]
    if rng.random() < 0.2:
        contact["favorite_channels"] = "email;phone"
        contact["message"] = 'Two lines,\nwith "quotes", a tab\tand a \\ in them.'
        contact["closedate"] = moment(now - int(rng.random() * 90 * DAY))
    return contact


def _company(rng: random.Random, id: int, now: int) -> dict[str, str]:
    city, _, zip, country = rng.choice(PLACES)
    return {
        "name": f"{rng.choice(FIRMS)} {id % 100_000}",
        "domain": f"firm{id}.example",
        "phone": _phone(rng),
        "city": city,
        "zip": zip,
        "country": country,
        "industry": _one(rng, "industry"),
        "annualrevenue": _price(rng),
        "numberofemployees": str(rng.randrange(1, 5000)),
        "founded_year": str(rng.randrange(1890, 2024)),
        "is_public": rng.choice(["true", "false"]),
        "num_associated_contacts": str(rng.randrange(9)),
    }


def _deal(rng: random.Random, id: int, now: int) -> dict[str, str]:
    stage = _one(rng, "dealstage")
    return {
        "dealname": f"{rng.choice(FIRMS)}: {rng.choice(THINGS)}",
        "amount": _price(rng),
        "deal_currency_code": rng.choice(["EUR", "USD", "CHF"]),
        "dealstage": stage,
        "pipeline": "default",
        "dealtype": _one(rng, "dealtype"),
        "closedate": moment(now + rng.randrange(-90 * DAY, 90 * DAY)),
        "hs_is_closed": "true" if stage.startswith("closed") else "false",
    }


def _ticket(rng: random.Random, id: int, now: int) -> dict[str, str]:
    return {
        "subject": f"{rng.choice(THINGS)} does not work",
        "content": f"It stopped on day {rng.randrange(1, 30)}.\nPlease help.",
        "hs_pipeline": "0",
        "hs_pipeline_stage": _one(rng, "hs_pipeline_stage"),
        "hs_ticket_priority": _one(rng, "hs_ticket_priority"),
        "hs_ticket_category": _one(rng, "hs_ticket_category"),
        "source_type": rng.choice(["EMAIL", "CHAT", "FORM"]),
    }


def _product(rng: random.Random, id: int, now: int) -> dict[str, str]:
    return {
        "name": f"{rng.choice(THINGS)} {id % 100_000}",
        "description": "What it says.",
        "hs_sku": f"SKU-{id}",
        "price": _price(rng),
        "hs_cost_of_goods_sold": _price(rng),
        "hs_product_type": _one(rng, "hs_product_type"),
        "recurringbillingfrequency": _one(rng, "recurringbillingfrequency"),
        "hs_active": "true",
        "hs_launch_day": moment(now - int(rng.random() * 900) * DAY)[:10],
    }


def _line_item(rng: random.Random, id: int, now: int) -> dict[str, str]:
    price, quantity = rng.randrange(100, 90_000), rng.randrange(1, 20)
    return {
        "name": rng.choice(THINGS),
        "quantity": str(quantity),
        "price": f"{price / 100:.2f}",
        "amount": f"{price * quantity / 100:.2f}",
        "hs_line_item_currency_code": "EUR",
        "hs_taxable": rng.choice(["true", "false"]),
    }


def _one(rng: random.Random, property: str) -> str:
    value = rng.choice(CHOICES[property])["value"]
    assert isinstance(value, str)
    return value


def _phone(rng: random.Random) -> str:
    return f"+49 30 {int(rng.random() * 9_000_000) + 1_000_000}"


def _price(rng: random.Random) -> str:
    return f"{rng.random() * 100_000:.2f}"


_INVENTORS: dict[str, Inventor] = {
    "contacts": _contact,
    "companies": _company,
    "deals": _deal,
    "tickets": _ticket,
    "products": _product,
    "line_items": _line_item,
}
