"""A fake Stripe's payments: what there is of each kind."""

from sync_platform.sandbox.stripe_kinds import NO_TAX, Kind, blank, lifecycle, words

NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
VISA = {"brand": "visa", "country": "DE", "exp_month": 12, "exp_year": 2031, "last4": "4242"}

PAYMENTS: dict[str, Kind] = {
    "charges": Kind(
        object="charge",
        prefix="ch",
        events=lifecycle("charge", "updated") | {"created": "charge.succeeded"},
        filters=words("customer payment_intent transfer_group"),
        updates=words("customer description fraud_details metadata receipt_email transfer_group"),
        template=blank(
            "application application_fee application_fee_amount balance_transaction customer"
            " description failure_balance_transaction failure_code failure_message invoice"
            " on_behalf_of payment_intent payment_method receipt_email receipt_number receipt_url"
            " review shipping source_transfer statement_descriptor statement_descriptor_suffix"
            " transfer_data transfer_group",
            amount=0, amount_captured=0, amount_refunded=0, captured=True, currency="eur",
            billing_details=blank("email name phone", address=NO_ADDRESS), disputed=False,
            calculated_statement_descriptor="ACME GMBH", fraud_details={}, metadata={}, paid=True,
            outcome=blank("reason", network_status="approved_by_network", risk_level="normal",
                          seller_message="Payment complete.", type="authorized"),
            payment_method_details={"card": VISA, "type": "card"}, refunded=False,
            status="succeeded",
        ),
    ),
    "payment_intents": Kind(
        object="payment_intent",
        prefix="pi",
        events=lifecycle("payment_intent", "created canceled payment_failed succeeded"),
        filters=words("customer"),
        creates=words("amount currency customer description metadata receipt_email"),
        updates=words("amount currency customer description metadata receipt_email"),
        required=("amount", "currency"),
        template=blank(
            "application application_fee_amount automatic_payment_methods canceled_at"
            " cancellation_reason client_secret customer description invoice last_payment_error"
            " latest_charge next_action on_behalf_of payment_method processing receipt_email review"
            " setup_future_usage shipping statement_descriptor statement_descriptor_suffix"
            " transfer_data transfer_group",
            amount=0, amount_capturable=0, amount_details={"tip": {}}, amount_received=0,
            capture_method="automatic", confirmation_method="automatic", currency="eur",
            metadata={}, payment_method_options={}, payment_method_types=["card"],
            status="requires_payment_method",
        ),
    ),
    "setup_intents": Kind(
        object="setup_intent",
        prefix="seti",
        events=lifecycle("setup_intent", "created canceled setup_failed succeeded"),
        filters=words("attach_to_self customer payment_method"),
        creates=words("customer description metadata usage"),
        updates=words("customer description metadata"),
        template=blank(
            "application automatic_payment_methods cancellation_reason client_secret customer"
            " description flow_directions last_setup_error latest_attempt mandate next_action"
            " on_behalf_of payment_method single_use_mandate",
            metadata={}, payment_method_options={}, payment_method_types=["card"],
            status="requires_payment_method", usage="off_session",
        ),
    ),
    "refunds": Kind(
        object="refund",
        prefix="re",
        events={"updated": "charge.refund.updated"},  # created: only its charge tells, as refunded
        filters=words("charge payment_intent"),
        livemode=False,
        updates=words("metadata"),
        template=blank(
            "balance_transaction charge payment_intent reason receipt_number"
            " source_transfer_reversal transfer_reversal",
            amount=0, currency="eur", metadata={}, status="succeeded",
        ),
    ),
    "disputes": Kind(
        object="dispute",
        prefix="dp",
        events=lifecycle("charge.dispute", "created updated closed"),
        filters=words("charge payment_intent"),
        updates=words("evidence metadata submit"),
        template=blank(
            "charge payment_intent",
            amount=0, balance_transactions=[], currency="eur", evidence=blank(
                "access_activity_log cancellation_policy customer_email_address customer_name"
                " product_description uncategorized_text"
            ),
            evidence_details=blank("due_by", has_evidence=False, past_due=False,
                                   submission_count=0),
            is_charge_refundable=False, metadata={}, reason="fraudulent", status="needs_response",
        ),
    ),
    "payouts": Kind(
        object="payout",
        prefix="po",
        events=lifecycle("payout", "created updated paid failed"),
        filters=words("arrival_date destination status"),
        updates=words("metadata"),
        template=blank(
            "balance_transaction description destination failure_balance_transaction failure_code"
            " failure_message original_payout reversed_by statement_descriptor",
            amount=0, arrival_date=0, automatic=True, currency="eur", metadata={},
            method="standard", reconciliation_status="completed", source_type="card",
            status="in_transit", type="bank_account",
        ),
    ),
    "balance_transactions": Kind(
        object="balance_transaction",
        prefix="txn",
        filters=words("currency payout source type"),
        livemode=False,
        template=blank(
            "description exchange_rate source",
            amount=0, available_on=0, currency="eur", fee=0, fee_details=[], net=0,
            reporting_category="charge", status="pending", type="charge",
        ),
    ),
    "coupons": Kind(
        object="coupon",
        prefix="",
        events=lifecycle("coupon"),
        creates=words("amount_off currency duration id metadata name percent_off"),
        updates=words("metadata name"),
        deletes=True,
        stays=False,
        template=blank(
            "amount_off currency duration_in_months max_redemptions name percent_off redeem_by",
            duration="once", metadata={}, times_redeemed=0, valid=True,
        ),
    ),
    "promotion_codes": Kind(
        object="promotion_code",
        prefix="promo",
        events=lifecycle("promotion_code", "created updated"),
        filters=words("active code coupon customer"),
        creates=words("active code coupon customer max_redemptions metadata"),
        updates=words("active metadata"),
        required=("coupon",),
        template=blank(
            "coupon customer expires_at max_redemptions",
            active=True, code="", metadata={}, times_redeemed=0,
            restrictions=blank("minimum_amount minimum_amount_currency",
                               first_time_transaction=False),
        ),
    ),
    "credit_notes": Kind(
        object="credit_note",
        prefix="cn",
        events=lifecycle("credit_note", "created updated voided"),
        filters=words("customer invoice"),
        dated=False,
        updates=words("memo metadata"),
        template=blank(
            "customer customer_balance_transaction invoice memo out_of_band_amount reason refund"
            " shipping_cost subtotal_excluding_tax total_excluding_tax voided_at",
            amount=0, amount_shipping=0, currency="eur", discount_amount=0, discount_amounts=[],
            lines=[], metadata={}, number="", pdf="https://pay.stripe.com/credit_notes/pdf",
            status="issued", subtotal=0, tax_amounts=[], total=0, type="post_payment",
        ),
    ),
    "checkout_sessions": Kind(
        object="checkout.session",
        prefix="cs",
        events=lifecycle("checkout.session", "completed expired"),  # none when it is created
        filters=words("customer customer_details payment_intent payment_link subscription"),
        dated=False,
        creates=words("cancel_url customer metadata mode success_url client_reference_id"),
        required=("success_url",),
        template=blank(
            "after_expiration allow_promotion_codes amount_subtotal amount_total"
            " billing_address_collection cancel_url client_reference_id consent consent_collection"
            " currency currency_conversion customer customer_creation customer_details"
            " customer_email invoice invoice_creation locale payment_intent payment_link"
            " payment_method_collection payment_method_options recovered_from setup_intent"
            " shipping_address_collection shipping_cost shipping_details submit_type subscription"
            " total_details url",
            automatic_tax=NO_TAX, custom_fields=[], metadata={}, mode="payment",
            custom_text=blank("shipping_address submit"), expires_at=0, payment_status="unpaid",
            payment_method_types=["card"], phone_number_collection={"enabled": False},
            shipping_options=[], status="open", success_url="https://acme.example/thanks",
        ),
    ),
}  # fmt: skip
