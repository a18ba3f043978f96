"""A fake Stripe's customers, catalogue and billing: what there is of each kind."""

from sync_platform.sandbox.stripe_kinds import NO_TAX, Kind, blank, lifecycle, words

ABOUT_A_CUSTOMER = (
    "address balance description email metadata name phone preferred_locales tax_exempt"
)
ABOUT_A_PRODUCT = "active description images metadata name shippable unit_label url"

BILLING: dict[str, Kind] = {
    "customers": Kind(
        object="customer",
        prefix="cus",
        events=lifecycle("customer"),
        filters=words("email test_clock"),
        creates=words(ABOUT_A_CUSTOMER),
        updates=words(f"{ABOUT_A_CUSTOMER} default_source"),
        deletes=True,
        template=blank(
            "address currency default_source description discount email name phone shipping"
            " test_clock",
            balance=0, delinquent=False, invoice_prefix="", next_invoice_sequence=1, metadata={},
            preferred_locales=[], tax_exempt="none",
            invoice_settings=blank("custom_fields default_payment_method footer rendering_options"),
        ),
    ),
    "products": Kind(
        object="product",
        prefix="prod",
        events=lifecycle("product"),
        filters=words("active ids shippable url"),
        creates=words(f"{ABOUT_A_PRODUCT} id"),
        updates=words(f"{ABOUT_A_PRODUCT} default_price"),
        deletes=True,
        required=("name",),
        template=blank(
            "default_price description package_dimensions shippable statement_descriptor tax_code"
            " unit_label url",
            active=True, images=[], metadata={}, name="", updated=0,
        ),
    ),
    "prices": Kind(
        object="price",
        prefix="price",
        events=lifecycle("price"),
        filters=words("active currency lookup_keys product recurring type"),
        creates=words("active currency metadata nickname product recurring unit_amount"),
        updates=words("active metadata nickname lookup_key"),
        required=("currency",),
        template=blank(
            "custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity"
            " unit_amount unit_amount_decimal product",
            active=True, billing_scheme="per_unit", currency="eur", metadata={},
            tax_behavior="unspecified", type="one_time",
        ),
    ),
    "subscriptions": Kind(
        object="subscription",
        prefix="sub",
        events=lifecycle("customer.subscription"),
        filters=words("collection_method customer price status test_clock"),
        creates=words("cancel_at_period_end collection_method customer description items metadata"),
        updates=words("cancel_at_period_end collection_method description metadata days_until_due"),
        required=("customer",),
        template=blank(
            "application application_fee_percent billing_thresholds cancel_at canceled_at"
            " days_until_due default_payment_method default_source description discount ended_at"
            " latest_invoice next_pending_invoice_item_invoice on_behalf_of pause_collection"
            " pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock"
            " transfer_data trial_end trial_start",
            automatic_tax={"enabled": False}, billing_cycle_anchor=0, cancel_at_period_end=False,
            cancellation_details=blank("comment feedback reason"), items=[],
            collection_method="charge_automatically", currency="eur", current_period_end=0,
            current_period_start=0, customer=None, default_tax_rates=[], metadata={},
            payment_settings=blank("payment_method_options payment_method_types",
                                   save_default_payment_method="off"),
            start_date=0, status="active",
            trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
        ),
    ),
    "subscription_items": Kind(
        object="subscription_item",
        prefix="si",
        filters=words("subscription"),
        dated=False,
        livemode=False,
        creates=words("metadata price quantity subscription"),
        updates=words("metadata price quantity"),
        deletes=True,
        stays=False,
        required=("subscription",),
        template=blank("billing_thresholds price subscription", metadata={}, quantity=1,
                       tax_rates=[]),
    ),
    "invoices": Kind(
        object="invoice",
        prefix="in",
        events=lifecycle("invoice"),
        filters=words("collection_method customer due_date status subscription"),
        creates=words("auto_advance collection_method customer description footer metadata"),
        updates=words("auto_advance collection_method description footer metadata due_date"),
        deletes=True,
        stays=False,
        template=blank(
            "account_tax_ids application application_fee_amount charge custom_fields customer"
            " customer_address customer_email customer_name customer_phone customer_shipping"
            " default_payment_method default_source description discount due_date ending_balance"
            " footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error"
            " latest_revision next_payment_attempt number on_behalf_of payment_intent quote"
            " receipt_number rendering_options shipping_cost shipping_details statement_descriptor"
            " subscription tax test_clock transfer_data webhooks_delivered_at",
            account_country="DE", account_name="Acme GmbH", amount_due=0, amount_paid=0,
            amount_remaining=0, amount_shipping=0, attempt_count=0, attempted=False,
            auto_advance=True, automatic_tax=NO_TAX, billing_reason="manual",
            collection_method="charge_automatically", currency="eur", customer_tax_exempt="none",
            customer_tax_ids=[], default_tax_rates=[], discounts=[], lines=[], metadata={},
            paid=False, paid_out_of_band=False, period_end=0, period_start=0,
            payment_settings=blank("default_mandate payment_method_options payment_method_types"),
            post_payment_credit_notes_amount=0, pre_payment_credit_notes_amount=0,
            starting_balance=0, status="draft", subtotal=0, subtotal_excluding_tax=0, total=0,
            status_transitions=blank("finalized_at marked_uncollectible_at paid_at voided_at"),
            total_discount_amounts=[], total_excluding_tax=0, total_tax_amounts=[],
        ),
    ),
    "invoiceitems": Kind(
        object="invoiceitem",
        prefix="ii",
        events=lifecycle("invoiceitem"),
        filters=words("customer invoice pending"),
        creates=words("amount currency customer description metadata quantity unit_amount"),
        updates=words("amount description metadata quantity unit_amount"),
        deletes=True,
        stays=False,
        required=("customer",),
        template=blank(
            "customer description invoice price subscription test_clock unit_amount_decimal",
            amount=0, currency="eur", date=0, discountable=True, discounts=[], metadata={},
            period={"start": 0, "end": 0}, proration=False, quantity=1, tax_rates=[],
            unit_amount=0,
        ),
    ),
}  # fmt: skip
