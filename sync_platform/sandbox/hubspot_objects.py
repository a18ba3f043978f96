"""The objects of a new HubSpot account: their properties, defaults and first ids."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.sandbox.hubspot_properties import FIELD_TYPES, Property, options


@dataclass(frozen=True, kw_only=True)
class Object:
    """What is particular to one object."""

    name: str
    first_id: int
    modified: str = "hs_lastmodifieddate"
    shown: tuple[str, ...]  # what HubSpot gives when no properties are asked for
    searched: tuple[str, ...]  # where `query` looks

    @property
    def always(self) -> tuple[str, ...]:
        """What HubSpot gives whatever is asked for."""
        return ("hs_object_id", "createdate", self.modified)


OBJECTS: Mapping[str, Object] = {
    one.name: one
    for one in (
        Object(
            name="contacts",
            first_id=151,
            modified="lastmodifieddate",
            shown=("email", "firstname", "lastname"),
            searched=("firstname", "lastname", "email", "phone", "company"),
        ),
        Object(
            name="companies",
            first_id=20_000_001,
            shown=("name", "domain"),
            searched=("name", "domain", "phone"),
        ),
        Object(
            name="deals",
            first_id=30_000_001,
            shown=("dealname", "amount", "closedate", "dealstage", "pipeline"),
            searched=("dealname",),
        ),
        Object(
            name="tickets",
            first_id=40_000_001,
            shown=("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
            searched=("subject", "content"),
        ),
        Object(
            name="products",
            first_id=50_000_001,
            shown=("name", "price", "description"),
            searched=("name", "hs_sku"),
        ),
        Object(
            name="line_items",
            first_id=60_000_001,
            shown=("name", "quantity", "price", "amount"),
            searched=("name",),
        ),
    )
}

LIFECYCLE = options("subscriber", "lead", "marketingqualifiedlead", "opportunity", "customer")
CHOICES = {
    "lifecyclestage": LIFECYCLE,
    "hs_lead_status": options("NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED"),
    "favorite_channels": options("email", "phone", "chat", "post"),
    "industry": options("COMPUTER_SOFTWARE", "RETAIL", "BANKING", "EDUCATION", "HEALTH_CARE"),
    "dealstage": options("appointmentscheduled", "qualifiedtobuy", "closedwon", "closedlost"),
    "pipeline": options("default"),
    "dealtype": options("newbusiness", "existingbusiness"),
    "hs_pipeline": options("0"),
    "hs_pipeline_stage": options("1", "2", "3", "4"),
    "hs_ticket_priority": options("LOW", "MEDIUM", "HIGH", "URGENT"),
    "hs_ticket_category": options("PRODUCT_ISSUE", "BILLING_ISSUE", "GENERAL_INQUIRY"),
    "recurringbillingfrequency": options("monthly", "quarterly", "annually"),
    "hs_product_type": options("inventory", "service"),
}

# One property a line: name | label | type (text where none) | marks
# marks: r read only, c calculated, u unique, h hidden, m many options, t many lines of text
_DECLARED = {
    "contacts": """
        email|Email||u
        firstname|First name
        lastname|Last name
        phone|Phone number|phone_number
        mobilephone|Mobile phone number|phone_number
        company|Company name
        jobtitle|Job title
        address|Street address
        city|City
        state|State/Region
        zip|Postal code
        country|Country/Region
        website|Website URL
        message|Message||t
        lifecyclestage|Lifecycle stage|enumeration
        hs_lead_status|Lead status|enumeration
        favorite_channels|Favorite channels|enumeration|m
        annualrevenue|Annual revenue|number
        date_of_birth|Date of birth|date
        closedate|Close date|datetime
        hs_email_optout|Unsubscribed from all email|bool
        num_associated_deals|Number of associated deals|number|c
        hs_email_domain|Email domain||c
        hs_is_unworked|Contact unworked|bool|ch
    """,
    "companies": """
        name|Company name
        domain|Company domain name
        phone|Phone number|phone_number
        city|City
        zip|Postal code
        country|Country/Region
        industry|Industry|enumeration
        description|Description||t
        annualrevenue|Annual revenue|number
        numberofemployees|Number of employees|number
        founded_year|Year founded
        is_public|Is public|bool
        lifecyclestage|Lifecycle stage|enumeration
        num_associated_contacts|Number of associated contacts|number|c
    """,
    "deals": """
        dealname|Deal name
        amount|Amount|number
        deal_currency_code|Currency
        dealstage|Deal stage|enumeration
        pipeline|Pipeline|enumeration
        dealtype|Deal type|enumeration
        closedate|Close date|datetime
        description|Deal description||t
        hs_next_step|Next step
        hs_priority_flag|Flagged|bool
        hs_deal_stage_probability|Deal probability|number|c
        hs_is_closed|Is closed|bool|c
    """,
    "tickets": """
        subject|Ticket name
        content|Ticket description||t
        hs_pipeline|Pipeline|enumeration
        hs_pipeline_stage|Ticket status|enumeration
        hs_ticket_priority|Priority|enumeration
        hs_ticket_category|Category|enumeration
        source_type|Source
        closed_date|Close date|datetime|r
        hs_resolution|Resolution||t
        hs_first_response_minutes|Minutes to first answer|number
        hs_is_visible_in_help_desk|Visible in help desk|bool
        time_to_close|Time to close|number|c
    """,
    "products": """
        name|Name
        description|Product description||t
        hs_sku|SKU||u
        price|Unit price|number
        hs_cost_of_goods_sold|Unit cost|number
        tax|Tax|number
        hs_product_type|Product type|enumeration
        recurringbillingfrequency|Billing frequency|enumeration
        hs_url|URL
        hs_active|Active|bool
        hs_launch_day|Launch day|date
        hs_margin|Margin|number|c
    """,
    "line_items": """
        name|Name
        description|Description||t
        hs_product_id|Product ID|number
        hs_sku|SKU
        quantity|Quantity|number
        price|Unit price|number
        discount|Unit discount|number
        recurringbillingfrequency|Billing frequency|enumeration
        hs_line_item_currency_code|Currency
        hs_recurring_billing_start_date|Billing start|date
        hs_taxable|Taxable|bool
        amount|Net price|number|c
    """,
}


def new_properties(object: str) -> list[Property]:
    """The properties that an object has in a new account."""
    group = f"{object.rstrip('s')}information"
    lines = [line.strip().split("|") for line in _DECLARED[object].strip().splitlines()]
    lines += [
        ["hubspot_owner_id", "Owner", "enumeration", "o"],
        ["hs_object_id", "Record ID", "number", "r"],
        ["createdate", "Create date", "datetime", "r"],
        [OBJECTS[object].modified, "Last modified date", "datetime", "r"],
    ]
    properties = []
    for order, line in enumerate(lines):
        name, label, kind, marks = [*line, "", ""][:4]
        field_type = FIELD_TYPES[kind or "string"]
        properties.append(
            Property(
                name=name,
                label=label,
                type=kind or "string",
                field_type="checkbox"
                if "m" in marks
                else "textarea"
                if "t" in marks
                else field_type,
                group=group,
                description=f"{label} of the record.",
                options=CHOICES.get(name),
                order=order,
                calculated="c" in marks,
                read_only="r" in marks,
                unique="u" in marks,
                hidden="h" in marks,
                built_in=True,
                external_options="o" in marks,
            )
        )
    return properties
