"""What happens in a fake Stripe's account: a shop that sells subscriptions, invented by chance."""

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.hubspot_people import FIRST, LAST
from sync_platform.sandbox.stripe_account import KINDS, Account
from sync_platform.sandbox.stripe_money import A_DAY, pay, pay_out

TOWNS = (("Berlin", "DE"), ("Paris", "FR"), ("Wien", "AT"), ("Dublin", "IE"), ("Madrid", "ES"))
PRODUCTS = (
    ("Starter", 900), ("Team", 2900), ("Business", 9900), ("Support", 4900), ("Storage", 500),
)  # fmt: skip
PLANS = ("trial", "monthly", "yearly", "partner")


def open_shop(account: Account, customers: int) -> None:
    """Products, prices, coupons, and so many customers with all that they did in a year."""
    account.quiet = True
    began = account.now() - 365 * A_DAY
    for name, amount in PRODUCTS:
        product = account.create("products", began, name=name)
        for interval, factor in (("month", 1), ("year", 10)):
            add_price(account, product["id"], amount * factor, interval, began)
    for id, percent in (("WELCOME10", 10.0), ("FRIENDS25", 25.0)):
        account.create("coupons", began, id=id, name=id.title(), percent_off=percent)
        code = f"{id}NOW"
        account.create("promotion_codes", began, coupon=id, code=code)
    for number in range(customers):
        created = began + 364 * A_DAY * number // max(1, customers)
        add_customer(account, created, business=True)
    for week in range(12 if customers else 0):
        pay_out(account, account.now() - 7 * A_DAY * (12 - week))
    account.quiet = False


def add_price(account: Account, product: str, amount: int, interval: str, at: int) -> Json:
    recurring = {
        "aggregate_usage": None,
        "interval": interval,
        "interval_count": 1,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return account.create(
        "prices",
        at,
        product=product,
        type="recurring",
        recurring=recurring,
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )


def add_customer(account: Account, at: int | None = None, *, business: bool = False) -> Json:
    """Someone new; with `business` also what they subscribed to, and paid for."""
    rng, at = account.rng, at or account.now()
    first, last, (town, country) = rng.choice(FIRST), rng.choice(LAST), rng.choice(TOWNS)
    id = account.new_id("cus")
    customer = account.create(
        "customers",
        at,
        id=id,
        name=f"{first} {last}",
        email=f"{id[4:12].lower()}@example.com",
        address={
            "city": town,
            "country": country,
            "line1": f"{rng.randint(1, 99)} High Street",
            "line2": None,
            "postal_code": f"{rng.randint(10000, 99999)}",
            "state": None,
        },
        invoice_prefix=id[-8:].upper(),
        metadata={"plan": rng.choice(PLANS)} if rng.random() < 0.6 else {},
    )
    if not business:
        return customer
    if rng.random() < 0.7:
        subscription = subscribe(account, id, at)
        for month in range(min(3, (account.now() - at) // (30 * A_DAY) + 1)):
            bill(account, id, subscription, at + month * 30 * A_DAY)
    if rng.random() < 0.2:
        account.create(
            "checkout_sessions",
            at,
            customer=id,
            expires_at=at + A_DAY,
            status="complete",
            payment_status="paid",
            amount_total=2900,
            amount_subtotal=2900,
            currency="eur",
        )
    if rng.random() < 0.3:
        account.create("setup_intents", at, customer=id, status="succeeded")
    if rng.random() < 0.1:
        period = {"start": at, "end": at}
        account.create(
            "invoiceitems", at, customer=id, amount=1500, unit_amount=1500, period=period
        )
    return customer


def subscribe(account: Account, customer: str, at: int | None = None, items: int = 0) -> Json:
    """A subscription of so many items; of one or two where it is not said."""
    rng, at = account.rng, at or account.now()
    status = rng.choices(("active", "trialing", "past_due"), (85, 10, 5))[0]
    quiet, account.quiet = account.quiet, True
    subscription = account.create(
        "subscriptions",
        at,
        customer=customer,
        status=status,
        billing_cycle_anchor=at,
        start_date=at,
        current_period_start=at,
        current_period_end=at + 30 * A_DAY,
        metadata={"seats": str(rng.randint(1, 40))},
    )
    prices = [it["id"] for it in account.records["prices"].values() if it["recurring"]]
    for _ in range(items or rng.randint(1, 2)):
        account.create(
            "subscription_items",
            at,
            subscription=subscription["id"],
            price=rng.choice(prices),
            quantity=rng.randint(1, 5),
        )
    account.quiet = quiet
    account.tell("subscriptions", subscription["id"], "created")
    if at < account.now() - 60 * A_DAY and rng.random() < 0.15:
        account.cancel(subscription["id"])
    return subscription


def bill(
    account: Account, customer: str, subscription: Json, at: int, *, paid: bool = True
) -> Json:
    """An invoice for a period of a subscription, paid by card."""
    id = account.new_id("in")
    items = [account.records["subscription_items"][each] for each in subscription["items"]]
    lines = [line_of(account, subscription["id"], item, at) for item in items]
    total = sum(line["amount"] for line in lines)
    who = account.records["customers"][customer]
    invoice = account.create(
        "invoices",
        at,
        id=id,
        customer=customer,
        customer_email=who["email"],
        customer_name=who["name"],
        subscription=subscription["id"],
        lines=lines,
        billing_reason="subscription_cycle",
        period_start=at,
        period_end=at + 30 * A_DAY,
        number=f"{who['invoice_prefix']}-{who['next_invoice_sequence']:04d}",
        status="open",
        subtotal=total,
        total=total,
        amount_due=total,
        amount_remaining=total,
        subtotal_excluding_tax=total,
        total_excluding_tax=total,
    )
    account.edit("customers", customer, next_invoice_sequence=who["next_invoice_sequence"] + 1)
    account.edit("subscriptions", subscription["id"], latest_invoice=id)
    return pay(account, invoice, at) if paid else invoice


def line_of(account: Account, subscription: str, item: Json, at: int) -> Json:
    """A line of an invoice, for an item of a subscription."""
    price = account.records["prices"][item["price"]]
    return {
        "id": account.new_id("il"),
        "object": "line_item",
        "amount": price["unit_amount"] * item["quantity"],
        "amount_excluding_tax": price["unit_amount"] * item["quantity"],
        "currency": "eur",
        "description": f"{item['quantity']} x {price['unit_amount']}",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "period": {"start": at, "end": at + 30 * A_DAY},
        "price": price,
        "proration": False,
        "proration_details": {"credited_items": None},
        "quantity": item["quantity"],
        "subscription": subscription,
        "subscription_item": item["id"],
        "tax_amounts": [],
        "tax_rates": [],
        "type": "subscription",
        "unit_amount_excluding_tax": str(price["unit_amount"]),
    }


def change(
    account: Account, name: str, creates: int, updates: int, deletes: int
) -> dict[str, list[str]]:
    """Changes at random; no object gets two of them."""
    kind = KINDS[name]
    if (deletes and not kind.deletes) or (updates and "updated" not in kind.events):
        raise ValueError(f"Nothing tells of such changes of {name}.")
    ids = list(account.records[name])
    chosen = account.rng.sample(ids, min(len(ids), updates + deletes))
    for id in chosen[:updates]:
        mark = {"edited": str(account.rng.randint(1, 10**6))}
        account.edit(name, id, metadata=account.get(name, id)["metadata"] | mark)
    for id in chosen[updates:]:
        account.delete(name, id)
    made = [_made(account, name) for _ in range(creates)]
    return {"created": made, "updated": chosen[:updates], "archived": chosen[updates:]}


def live(account: Account) -> None:
    """A moment of the shop: someone comes, someone pays, someone leaves."""
    rng = account.rng
    customer = add_customer(account)
    subscription = subscribe(account, customer["id"])
    bill(account, customer["id"], subscription, account.now(), paid=rng.random() < 0.9)
    change(account, "customers", 0, 2, 0)
    active = [it for it in account.records["subscriptions"].values() if it["status"] == "active"]
    if rng.random() < 0.3 and active:
        account.cancel(rng.choice(active)["id"])
    if rng.random() < 0.1:
        change(account, "customers", 0, 0, 1)


def _made(account: Account, name: str) -> str:
    """The id of one more object of a kind."""
    values: Json = {}
    if name == "customers":
        return str(add_customer(account)["id"])
    if name == "products":
        values = {"name": account.rng.choice(PRODUCTS)[0]}
    elif name == "prices":
        product = account.rng.choice(list(account.records["products"]))
        return str(add_price(account, product, 1900, "month", account.now())["id"])
    elif name == "subscriptions":
        customer = account.rng.choice(list(account.records["customers"]))
        return str(subscribe(account, customer)["id"])
    elif name == "coupons":
        values = {"percent_off": 5.0}
    elif name not in ("charges", "payment_intents", "setup_intents"):
        raise ValueError(f"{name} do not come by themselves.")
    return str(account.create(name, **values)["id"])
