"""The objects of the sandbox org, with enough fields to have every type that Salesforce has."""

from sync_platform.sandbox.salesforce_kinds import SObject, fields_of

BEFORE = "Id id -rn"
AFTER = """
CreatedDate datetime -rn
CreatedById reference -rn >User
LastModifiedDate datetime -rn
LastModifiedById reference -rn >User
SystemModstamp datetime -rn
"""
DELETED = "IsDeleted boolean -rn"

WRITTEN: dict[tuple[str, str, str], str] = {
    ("Account", "Accounts", "001"): """
        Name string -n
        Type picklist =Prospect|Customer|Partner
        ParentId reference >Account
        BillingStreet textarea @BillingAddress
        BillingCity string @BillingAddress
        BillingPostalCode string @BillingAddress
        BillingCountry string @BillingAddress
        BillingLatitude double @BillingAddress
        BillingAddress address -r
        Phone phone
        Website url
        Industry picklist =Biotechnology|Energy|Software
        AnnualRevenue currency
        NumberOfEmployees int
        Description textarea
        OwnerId reference >User
        Number__c string -x
        OpenAmount__c currency -c""",
    ("Contact", "Contacts", "003"): """
        AccountId reference >Account
        LastName string -n @Name
        FirstName string @Name
        Name string -r
        Email email
        Phone phone
        Title string
        Birthdate date
        HasOptedOutOfEmail boolean -n
        OwnerId reference >User
        LeadSource picklist =Web|Phone_Inquiry|Other""",
    ("Lead", "Leads", "00Q"): """
        LastName string -n @Name
        FirstName string @Name
        Name string -r
        Company string -n
        Email email
        Status picklist =Open|Working|Closed
        IsConverted boolean -rn
        AnnualRevenue currency
        OwnerId reference >User""",
    ("Opportunity", "Opportunities", "006"): """
        AccountId reference >Account
        Name string -n
        StageName picklist =Prospecting|Negotiation|Closed_Won|Closed_Lost
        Amount currency
        Probability percent
        CloseDate date -n
        IsClosed boolean -rn
        OwnerId reference >User
        CampaignId reference >Campaign
        Weighted__c currency -c""",
    ("Case", "Cases", "500"): """
        CaseNumber string -an
        AccountId reference >Account
        ContactId reference >Contact
        Status picklist =New|Working|Closed
        Priority picklist =High|Medium|Low
        Subject string
        Description textarea
        IsClosed boolean -rn
        ClosedDate datetime -r
        OwnerId reference >User""",
    ("Task", "Tasks", "00T"): """
        WhoId reference >Contact
        WhatId reference >Account
        Subject combobox =Call|Email
        ActivityDate date
        Status picklist =Not_Started|Completed
        CallDurationInSeconds int
        IsArchived boolean -rn
        OwnerId reference >User""",
    ("Event", "Events", "00U"): """
        WhoId reference >Contact
        Subject combobox =Call|Meeting
        StartDateTime datetime
        EndDateTime datetime
        IsAllDayEvent boolean -n
        IsArchived boolean -rn
        OwnerId reference >User""",
    ("Campaign", "Campaigns", "701"): """
        Name string -n
        Type picklist =Conference|Webinar
        Status picklist =Planned|Completed
        StartDate date
        BudgetedCost currency
        ExpectedResponse percent
        IsActive boolean -n
        NumberOfLeads int -r""",
    ("Product2", "Products", "01t"): """
        Name string -n
        ProductCode string
        Description textarea
        IsActive boolean -n
        Family picklist =Hardware|Service""",
    ("PricebookEntry", "Price Book Entries", "01u"): """
        Name string -r
        Product2Id reference >Product2
        UnitPrice currency -n
        IsActive boolean -n""",
    ("OpportunityLineItem", "Opportunity Products", "00k"): """
        OpportunityId reference >Opportunity
        PricebookEntryId reference >PricebookEntry
        Quantity double -n
        UnitPrice currency
        TotalPrice currency -r
        ServiceDate date""",
    ("Invoice__c", "Invoices", "a00"): """
        Name string -an
        Number__c string -x
        Account__c reference >Account
        Amount__c currency
        Paid__c boolean -n
        Due__c date
        Tags__c multipicklist =new|late|large
        At__c time
        Secret__c encryptedstring
        Place__Latitude__s double @Place__c
        Place__Longitude__s double @Place__c
        Place__c location -r
        Overdue__c boolean -c""",
    ("Attachment", "Attachments", "00P"): """
        ParentId reference >Account
        Name string -n
        ContentType string
        BodyLength int -r
        Body base64 -n""",
}


def objects() -> dict[str, SObject]:
    """The org's objects, new ones each time: fields can be added to them."""
    found = {
        name: SObject(
            name=name,
            label=label,
            prefix=prefix,
            fields=fields_of("\n".join([BEFORE, written, DELETED, AFTER])),
        )
        for (name, label, prefix), written in WRITTEN.items()
    }
    people = """
        Username string -n
        LastName string -n
        FirstName string
        Name string -r
        Email email -n
        IsActive boolean -n
        LastLoginDate datetime -r"""
    history = """
        AccountId reference >Account
        Field picklist -r
        OldValue anyType -r
        NewValue anyType -r
        IsDeleted boolean -rn
        CreatedById reference -rn >User
        CreatedDate datetime -rn"""
    made = [
        ("User", "Users", "005", f"{BEFORE}\n{people}\n{AFTER}", "qrw"),  # never deleted
        ("AccountHistory", "Account History", "017", f"{BEFORE}\n{history}", "qr"),
        ("Organization", "Organization", "00D", f"{BEFORE}\nName string\n{AFTER}", "q"),
        ("TaskStatus", "Task Status Values", "01J", f"{BEFORE}\nMasterLabel string\n{AFTER}", "q"),
        ("AccountChangeEvent", "Account Change Event", None, BEFORE, ""),  # only streamed
        ("Retired__c", "Retired", "a01", BEFORE, "qrwdh"),
        ("ContentDocumentLink", "Content Document Links", "06A", BEFORE, "qw"),
    ]
    for name, label, prefix, written, flags in made:
        fields = fields_of(written)
        found[name] = SObject(name=name, label=label, prefix=prefix, fields=fields, flags=flags)
    return found
