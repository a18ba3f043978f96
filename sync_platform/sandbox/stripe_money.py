"""How money moves in a fake Stripe's account: paid, refunded, disputed, credited, paid out."""

from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.stripe_account import Account

A_DAY = 86_400


def pay(account: Account, invoice: Json, at: int | None = None) -> Json:
    """Pay an invoice: an intent, a charge, its balance transaction. Some of it comes back."""
    at, total = at or account.now(), invoice["amount_due"]
    intent = account.create(
        "payment_intents",
        at,
        amount=total,
        customer=invoice["customer"],
        invoice=invoice["id"],
        status="processing",
    )
    paid = charge(
        account,
        at,
        total,
        customer=invoice["customer"],
        invoice=invoice["id"],
        payment_intent=intent["id"],
    )
    account.edit(
        "payment_intents",
        intent["id"],
        event="payment_intent.succeeded",
        status="succeeded",
        amount_received=total,
        latest_charge=paid["id"],
    )
    account.edit(
        "invoices",
        invoice["id"],
        event="invoice.paid",
        status="paid",
        paid=True,
        attempted=True,
        attempt_count=1,
        amount_paid=total,
        amount_remaining=0,
        charge=paid["id"],
        payment_intent=intent["id"],
        status_transitions=invoice["status_transitions"] | {"paid_at": at, "finalized_at": at},
    )
    luck = account.rng.random()
    if luck < 0.05:
        refund(account, paid["id"], total // 2, at)
    elif luck < 0.07:
        dispute(account, paid["id"], at)
    elif luck < 0.12:
        credit(account, invoice, at)
    return invoice


def charge(account: Account, at: int, amount: int, **about: str) -> Json:
    """A charge that went well, and what it brought."""
    id = account.new_id("ch")
    fee = 25 + amount * 15 // 1000
    earned = balance(account, at, amount, id, "charge", fee=fee)
    return account.create(
        "charges",
        at,
        id=id,
        amount=amount,
        amount_captured=amount,
        balance_transaction=earned,
        receipt_url=f"https://pay.stripe.com/receipts/{id}",
        **about,
    )


def balance(account: Account, at: int, amount: int, source: str, type: str, fee: int = 0) -> str:
    """What moves on the account's balance; the id of the balance transaction."""
    ripe = at + 7 * A_DAY
    fees = {
        "amount": fee,
        "application": None,
        "currency": "eur",
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    moved = account.create(
        "balance_transactions",
        at,
        amount=amount,
        fee=fee,
        net=amount - fee,
        fee_details=[fees] if fee else [],
        source=source,
        type=type,
        reporting_category=type,
        available_on=ripe,
        status="available" if ripe <= account.now() else "pending",
    )
    return str(moved["id"])


def refund(account: Account, charge: str, amount: int, at: int | None = None) -> Json:
    """Give money back; only the charge's event tells of it."""
    at, paid = at or account.now(), account.get("charges", charge)
    id = account.new_id("re")
    given = account.create(
        "refunds",
        at,
        id=id,
        amount=amount,
        charge=charge,
        payment_intent=paid["payment_intent"],
        reason="requested_by_customer",
        balance_transaction=balance(account, at, -amount, id, "refund"),
    )
    back = paid["amount_refunded"] + amount
    account.edit(
        "charges",
        charge,
        event="charge.refunded",
        amount_refunded=back,
        refunded=back >= paid["amount"],
    )
    return given


def fail(account: Account, refund: str) -> None:
    """The bank sends a refund back: its charge has the money again, with no event of its own."""
    given, at = account.get("refunds", refund), account.now()
    paid = account.get("charges", given["charge"])
    paid |= {"amount_refunded": paid["amount_refunded"] - given["amount"], "refunded": False}
    account.edit(
        "refunds",
        refund,
        status="failed",
        failure_reason="lost_or_stolen_card",
        failure_balance_transaction=balance(account, at, given["amount"], refund, "refund_failure"),
    )


def discount(account: Account, code: str, customer: str, subscription: str | None) -> None:
    """A promotion code is redeemed: what the discount is of changes, and so do the code and its
    coupon, with no events of their own."""
    redeemed = account.get("promotion_codes", code)
    coupon = account.get("coupons", redeemed["coupon"])
    for each in (redeemed, coupon):
        each["times_redeemed"] += 1
    given = {
        "id": account.new_id("di"),
        "object": "discount",
        "checkout_session": None,
        "coupon": dict(coupon),
        "customer": customer,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code,
        "start": account.now(),
        "subscription": subscription,
    }
    name, id = ("subscriptions", subscription) if subscription else ("customers", customer)
    account.get(name, id)["discount"] = given
    account.changes += 1
    account.announce("customer.discount.created", {"object": given})


def dispute(account: Account, charge: str, at: int | None = None) -> Json:
    """A card's holder objects; the charge changes with no event of its own."""
    paid = account.get("charges", charge)
    paid["disputed"] = True
    return account.create(
        "disputes",
        at,
        amount=paid["amount"],
        charge=charge,
        payment_intent=paid["payment_intent"],
    )


def credit(account: Account, invoice: Json, at: int | None = None) -> Json:
    """Credit a line of an invoice; the invoice changes with no event of its own."""
    line = invoice["lines"][0]
    amount = line["amount"]
    invoice["post_payment_credit_notes_amount"] += amount
    credited = {
        "id": account.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "amount_excluding_tax": amount,
        "description": line["description"],
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": line["id"],
        "livemode": False,
        "quantity": 1,
        "tax_amounts": [],
        "tax_rates": [],
        "type": "invoice_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
        "unit_amount_excluding_tax": str(amount),
    }
    return account.create(
        "credit_notes",
        at,
        customer=invoice["customer"],
        invoice=invoice["id"],
        amount=amount,
        subtotal=amount,
        total=amount,
        number=f"{invoice['number']}-CN-01",
        lines=[credited],
        reason="order_change",
    )


def pay_out(account: Account, at: int | None = None, *, status: str = "paid") -> Json:
    """Money on its way to the bank."""
    at, id = at or account.now(), account.new_id("po")
    amount = account.rng.randint(50_000, 900_000)
    return account.create(
        "payouts",
        at,
        id=id,
        amount=amount,
        arrival_date=at + 2 * A_DAY,
        balance_transaction=balance(account, at, -amount, id, "payout"),
        description="STRIPE PAYOUT",
        status=status,
    )
