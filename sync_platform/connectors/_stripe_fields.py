"""The columns of Stripe's objects, as API version 2022-11-15 has them.

A word for each: its name, `:type` where it is not text, `*` where it may be written. What Stripe
links to is an id (nothing is expanded), amounts are integers in the currency's smallest unit,
timestamps are seconds since 1970.
"""

from collections.abc import Iterator, Mapping, Sequence

from sync_platform import spec

TABLES: Mapping[str, str] = {
    "customers": """
        id created:timestamp name* email* currency address:json* balance:integer*
        default_source* delinquent:boolean description* discount:json invoice_prefix*
        invoice_settings:json* livemode:boolean metadata:json*
        next_invoice_sequence:integer* phone* preferred_locales:json* shipping:json*
        tax_exempt* test_clock*
    """,
    "products": """
        id* created:timestamp name* active:boolean* default_price* description* images:json*
        livemode:boolean metadata:json* package_dimensions:json* shippable:boolean*
        statement_descriptor* tax_code* unit_label* updated:timestamp url*
    """,
    "prices": """
        id created:timestamp currency* active:boolean* billing_scheme*
        custom_unit_amount:json* livemode:boolean lookup_key* metadata:json* nickname*
        product* recurring:json* tax_behavior* tiers_mode* transform_quantity:json* type
        unit_amount:integer* unit_amount_decimal:number*
    """,
    "subscriptions": """
        id created:timestamp status customer* currency* application
        application_fee_percent:number* automatic_tax:json* billing_cycle_anchor:timestamp*
        billing_thresholds:json* cancel_at:timestamp* cancel_at_period_end:boolean*
        canceled_at:timestamp cancellation_details:json* collection_method*
        current_period_end:timestamp current_period_start:timestamp days_until_due:integer*
        default_payment_method* default_source* default_tax_rates:json* description*
        discount:json ended_at:timestamp items:json* latest_invoice livemode:boolean
        metadata:json* next_pending_invoice_item_invoice:timestamp on_behalf_of*
        pause_collection:json* payment_settings:json* pending_invoice_item_interval:json*
        pending_setup_intent pending_update:json schedule start_date:timestamp test_clock
        transfer_data:json* trial_end:timestamp* trial_settings:json* trial_start:timestamp
    """,
    "subscription_items": """
        id created:timestamp billing_thresholds:json* metadata:json* price:json*
        quantity:integer* subscription* tax_rates:json*
    """,
    "invoices": """
        id created:timestamp status number customer* currency* account_country account_name
        account_tax_ids:json* amount_due:integer amount_paid:integer
        amount_remaining:integer amount_shipping:integer application
        application_fee_amount:integer* attempt_count:integer attempted:boolean
        auto_advance:boolean* automatic_tax:json* billing_reason charge collection_method*
        custom_fields:json* customer_address:json customer_email customer_name
        customer_phone customer_shipping:json customer_tax_exempt customer_tax_ids:json
        default_payment_method* default_source* default_tax_rates:json* description*
        discount:json discounts:json* due_date:timestamp* ending_balance:integer footer*
        from_invoice:json* hosted_invoice_url invoice_pdf last_finalization_error:json
        latest_revision lines:json livemode:boolean metadata:json*
        next_payment_attempt:timestamp on_behalf_of* paid:boolean paid_out_of_band:boolean
        payment_intent payment_settings:json* period_end:timestamp period_start:timestamp
        post_payment_credit_notes_amount:integer pre_payment_credit_notes_amount:integer
        quote receipt_number rendering_options:json* shipping_cost:json*
        shipping_details:json* starting_balance:integer statement_descriptor*
        status_transitions:json subscription* subscription_proration_date:integer
        subtotal:integer subtotal_excluding_tax:integer tax:integer test_clock
        threshold_reason:json total:integer total_discount_amounts:json
        total_excluding_tax:integer total_tax_amounts:json transfer_data:json*
        webhooks_delivered_at:timestamp
    """,
    "invoiceitems": """
        id date:timestamp customer* amount:integer* currency* description*
        discountable:boolean* discounts:json* invoice* livemode:boolean metadata:json*
        period:json* price:json* proration:boolean quantity:integer* subscription*
        subscription_item tax_rates:json* test_clock unit_amount:integer*
        unit_amount_decimal:number*
    """,
    "charges": """
        id created:timestamp status customer* amount:integer currency
        amount_captured:integer amount_refunded:integer application application_fee
        application_fee_amount:integer balance_transaction billing_details:json
        calculated_statement_descriptor captured:boolean description* disputed:boolean
        failure_balance_transaction failure_code failure_message fraud_details:json* invoice
        livemode:boolean metadata:json* on_behalf_of outcome:json paid:boolean
        payment_intent payment_method payment_method_details:json radar_options:json
        receipt_email* receipt_number receipt_url refunded:boolean review shipping:json*
        source_transfer statement_descriptor statement_descriptor_suffix transfer
        transfer_data:json transfer_group*
    """,
    "payment_intents": """
        id created:timestamp status customer* amount:integer* currency*
        amount_capturable:integer amount_details:json amount_received:integer application
        application_fee_amount:integer* automatic_payment_methods:json*
        canceled_at:timestamp cancellation_reason capture_method* confirmation_method*
        description* invoice last_payment_error:json latest_charge livemode:boolean
        metadata:json* next_action:json on_behalf_of* payment_method*
        payment_method_options:json* payment_method_types:json* processing:json
        receipt_email* review setup_future_usage* shipping:json* statement_descriptor*
        statement_descriptor_suffix* transfer_data:json* transfer_group*
    """,
    "setup_intents": """
        id created:timestamp status customer* application attach_to_self:boolean*
        automatic_payment_methods:json* cancellation_reason description*
        flow_directions:json* last_setup_error:json latest_attempt livemode:boolean mandate
        metadata:json* next_action:json on_behalf_of* payment_method*
        payment_method_options:json* payment_method_types:json* single_use_mandate* usage*
    """,
    "refunds": """
        id created:timestamp status amount:integer currency balance_transaction charge
        description failure_balance_transaction failure_reason instructions_email
        metadata:json* next_action:json payment_intent reason receipt_number
        source_transfer_reversal transfer_reversal
    """,
    "disputes": """
        id created:timestamp status amount:integer currency balance_transactions:json charge
        evidence:json* evidence_details:json is_charge_refundable:boolean livemode:boolean
        metadata:json* payment_intent reason
    """,
    "payouts": """
        id created:timestamp status amount:integer currency arrival_date:timestamp
        automatic:boolean balance_transaction description destination
        failure_balance_transaction failure_code failure_message livemode:boolean
        metadata:json* method original_payout reconciliation_status reversed_by source_type
        statement_descriptor type
    """,
    "balance_transactions": """
        id created:timestamp status amount:integer currency available_on:timestamp
        description exchange_rate:number fee:integer fee_details:json net:integer
        reporting_category source type
    """,
    "coupons": """
        id* created:timestamp name* currency* amount_off:integer* duration*
        duration_in_months:integer* livemode:boolean max_redemptions:integer* metadata:json*
        percent_off:number* redeem_by:timestamp* times_redeemed:integer valid:boolean
    """,
    "promotion_codes": """
        id created:timestamp customer* active:boolean* code* coupon:json*
        expires_at:timestamp* livemode:boolean max_redemptions:integer* metadata:json*
        restrictions:json* times_redeemed:integer
    """,
    "credit_notes": """
        id created:timestamp status number customer amount:integer* currency
        amount_shipping:integer customer_balance_transaction discount_amount:integer
        discount_amounts:json invoice* lines:json* livemode:boolean memo* metadata:json*
        out_of_band_amount:integer* pdf reason* refund* shipping_cost:json* subtotal:integer
        subtotal_excluding_tax:integer tax_amounts:json total:integer
        total_excluding_tax:integer type voided_at:timestamp
    """,
    "checkout_sessions": """
        id created:timestamp status customer* currency* after_expiration:json*
        allow_promotion_codes:boolean* amount_subtotal:integer amount_total:integer
        automatic_tax:json* billing_address_collection* cancel_url* client_reference_id*
        consent:json consent_collection:json* currency_conversion:json custom_fields:json*
        custom_text:json* customer_creation* customer_details:json customer_email*
        expires_at:timestamp* invoice invoice_creation:json* livemode:boolean locale*
        metadata:json* mode* payment_intent payment_link payment_method_collection*
        payment_method_options:json* payment_method_types:json* payment_status
        phone_number_collection:json* recovered_from setup_intent
        shipping_address_collection:json* shipping_cost:json shipping_details:json
        shipping_options:json* submit_type* subscription success_url*
        tax_id_collection:json* total_details:json url
    """,
}

# What the objects have and the tables have not, and why.
CONSTANT = "the same in every record: the table's name says it"
EXPANDED = "only given when asked for with every record, which costs as many calls again"
SECRET = "whoever has it can act in the name of the customer"
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "customers": dict.fromkeys(
        ("sources", "subscriptions", "tax_ids", "cash_balance", "tax", "invoice_credit_balance"),
        EXPANDED,
    ),
    "prices": dict.fromkeys(("tiers", "currency_options"), EXPANDED),
    "coupons": dict.fromkeys(("applies_to", "currency_options"), EXPANDED),
    "charges": {"refunds": "they have a table of their own"},
    "checkout_sessions": {"line_items": EXPANDED},
    "payment_intents": {"client_secret": SECRET},
    "setup_intents": {"client_secret": SECRET},
}
COMPUTED = {("balance_transactions", "status")}  # pending, then available: nothing tells of it
METADATA = "metadata_"  # before the names of columns that a person asked for


def fields(name: str, settings: Mapping[str, str]) -> list[spec.Field]:
    """The columns of an object: its table's, and one for each metadata key that was asked for."""
    declared = [_field(name, word) for word in TABLES[name].split()]
    return declared + [
        spec.Field(METADATA + key, label=f"Metadata: {key}")
        for key in metadata_keys(name, settings)
        if any(each.name == "metadata" for each in declared)
    ]


def metadata_keys(name: str, settings: Mapping[str, str]) -> list[str]:
    """The keys of an object's metadata that are to be columns: `customers.plan, prices.tier`."""
    return list(dict.fromkeys(key for object, key in _asked(settings) if object == name and key))


def misfits(settings: Mapping[str, str], objects: Sequence[str]) -> Iterator[str]:
    """What is asked for as a column of metadata and cannot be one."""
    having = [name for name, words in TABLES.items() if "metadata:json*" in words.split()]
    for object, key in _asked(settings):
        if not key or object not in having:
            yield (
                f"The setting metadata_columns holds {f'{object}.{key}'.rstrip('.')!r}. Each must "
                "be an object and a key of its metadata, as customers.plan, with commas between. "
                f"Metadata have: {', '.join(having)}."
            )


def _asked(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Objects and keys, as they were written."""
    for each in settings.get("metadata_columns", "").split(","):
        object, _, key = each.strip().partition(".")
        if each.strip():
            yield object.strip(), key.strip()


def _field(object: str, word: str) -> spec.Field:
    name, _, type = word.removesuffix("*").partition(":")
    return spec.Field(
        name,
        type or "text",  # type: ignore[arg-type]
        read_only=not word.endswith("*"),
        label=name.replace("_", " ").capitalize(),
        computed=(object, name) in COMPUTED,
        epoch="s" if type == "timestamp" else None,
    )
