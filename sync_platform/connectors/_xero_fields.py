"""The fields of Xero's objects, in Xero's names.

`Name:type!` where the type is not text; `!` says that nobody may write it, `~` that it may change
without moving UpdatedDateUTC. Of objects that cannot be written, all are read-only.

From Xero's API description (Accounting 16.1.0), and for bank transfers, linked transactions and
repeating invoices, which it lacks here, from Xero's own Python SDK (15.2.0). Left out: what only
answers to writes hold (ValidationErrors, Warnings, StatusAttributeString, HasErrors), what says the
same again (DateString, UpdatedDateUTCString), lists that only a record asked for alone has
(Attachments, a contact group's Contacts), and keys (APIKey, XeroNetworkKey).
"""

import re
from collections.abc import Iterator
from typing import cast

from sync_platform import spec

NOTED = re.compile(r"(\w+)(?::(\w+))?(!)?(~)?")


def fields(name: str, *, writable: bool) -> list[spec.Field]:
    """The fields of an object."""
    return list(_read(name, writable))


def _read(name: str, writable: bool) -> Iterator[spec.Field]:
    for word in FIELDS[name].split():
        found = NOTED.fullmatch(word)
        assert found, f"{name}: {word}"
        yield spec.Field(
            found[1],
            cast(spec.FieldType, found[2] or "text"),
            read_only=bool(found[3]) or not writable,
            label=_label(found[1]),
            computed=bool(found[4]),
        )


def _label(name: str) -> str:
    """`AmountDue` is "Amount due", `InvoiceID` is "Invoice ID"."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+", name)
    first, *rest = words
    return " ".join([first, *(each if each.isupper() else each.lower() for each in rest)])


FIELDS = {
    "accounts": """
        AccountID! Code Name Type BankAccountNumber Status Description BankAccountType
        CurrencyCode TaxType EnablePaymentsToAccount:boolean ShowInExpenseClaims:boolean Class!
        SystemAccount! ReportingCode ReportingCodeName! HasAttachments:boolean!
        UpdatedDateUTC:timestamp! AddToWatchlist:boolean
    """,
    "bank_transactions": """
        BankTransactionID! Type Contact:json LineItems:json BankAccount:json
        IsReconciled:boolean Date:date Reference CurrencyCode CurrencyRate:number Url Status
        LineAmountTypes SubTotal:number! TotalTax:number! Total:number! PrepaymentID!
        OverpaymentID! UpdatedDateUTC:timestamp! HasAttachments:boolean!
    """,
    "bank_transfers": """
        BankTransferID FromBankAccount:json ToBankAccount:json Amount:number Date:date
        CurrencyRate:number FromBankTransactionID ToBankTransactionID FromIsReconciled:boolean
        ToIsReconciled:boolean Reference HasAttachments:boolean CreatedDateUTC:timestamp Status
        FromTracking:json ToTracking:json
    """,
    "batch_payments": """
        BatchPaymentID Account:json Reference Particulars Code Details Narrative Date:date
        Amount:number Payments:json Type Status TotalAmount:number UpdatedDateUTC:timestamp
        IsReconciled:boolean
    """,
    "branding_themes": """
        BrandingThemeID Name LogoUrl Type SortOrder:integer CreatedDateUTC:timestamp
    """,
    "contact_groups": """
        ContactGroupID! Name Status
    """,
    "contacts": """
        ContactID! MergedToContactID! ContactNumber AccountNumber ContactStatus Name FirstName
        LastName CompanyNumber EmailAddress ContactPersons:json BankAccountDetails TaxNumber
        TaxNumberType AccountsReceivableTaxType AccountsPayableTaxType Addresses:json
        Phones:json IsSupplier:boolean! IsCustomer:boolean! SalesDefaultLineAmountType
        PurchasesDefaultLineAmountType DefaultCurrency SalesDefaultAccountCode
        PurchasesDefaultAccountCode SalesTrackingCategories:json
        PurchasesTrackingCategories:json TrackingCategoryName TrackingCategoryOption
        PaymentTerms:json UpdatedDateUTC:timestamp! ContactGroups:json! Website!
        BrandingTheme:json BatchPayments:json Discount:number! Balances:json!~
        HasAttachments:boolean!
    """,
    "credit_notes": """
        CreditNoteID! Type Contact:json Date:date DueDate:date Status LineAmountTypes
        LineItems:json SubTotal:number! TotalTax:number! Total:number! CISDeduction:number!
        CISRate:number! UpdatedDateUTC:timestamp! CurrencyCode FullyPaidOnDate:date!
        CreditNoteNumber Reference SentToContact:boolean! CurrencyRate:number
        RemainingCredit:number! Allocations:json! AppliedAmount:number! Payments:json!
        BrandingThemeID HasAttachments:boolean! InvoiceAddresses:json
    """,
    "currencies": """
        Code Description
    """,
    "invoices": """
        InvoiceID! Type Contact:json LineItems:json Date:date DueDate:date LineAmountTypes
        InvoiceNumber Reference BrandingThemeID Url CurrencyCode CurrencyRate:number Status
        SentToContact:boolean ExpectedPaymentDate:date PlannedPaymentDate:date
        CISDeduction:number! CISRate:number! SubTotal:number! TotalTax:number! Total:number!
        TotalDiscount:number! RepeatingInvoiceID! HasAttachments:boolean! IsDiscounted:boolean!
        Payments:json! Prepayments:json! Overpayments:json! AmountDue:number! AmountPaid:number!
        FullyPaidOnDate:date! AmountCredited:number! UpdatedDateUTC:timestamp! CreditNotes:json!
        InvoiceAddresses:json
    """,
    "items": """
        ItemID! Code InventoryAssetAccountCode Name IsSold:boolean IsPurchased:boolean
        Description PurchaseDescription PurchaseDetails:json SalesDetails:json
        IsTrackedAsInventory:boolean! TotalCostPool:number!~ QuantityOnHand:number!~
        UpdatedDateUTC:timestamp!
    """,
    "journals": """
        JournalID JournalDate:date JournalNumber:integer CreatedDateUTC:timestamp Reference
        SourceID SourceType JournalLines:json
    """,
    "linked_transactions": """
        LinkedTransactionID SourceTransactionID SourceLineItemID ContactID TargetTransactionID
        TargetLineItemID Status Type UpdatedDateUTC:timestamp SourceTransactionTypeCode
    """,
    "manual_journals": """
        ManualJournalID! Narration JournalLines:json Date:date LineAmountTypes Status Url
        ShowOnCashBasisReports:boolean HasAttachments:boolean! UpdatedDateUTC:timestamp!
    """,
    "organisations": """
        OrganisationID Name LegalName PaysTax:boolean Version OrganisationType BaseCurrency
        CountryCode IsDemoCompany:boolean OrganisationStatus RegistrationNumber
        EmployerIdentificationNumber TaxNumber FinancialYearEndDay:integer
        FinancialYearEndMonth:integer SalesTaxBasis SalesTaxPeriod DefaultSalesTax
        DefaultPurchasesTax PeriodLockDate:date EndOfYearLockDate:date CreatedDateUTC:timestamp
        Timezone OrganisationEntityType ShortCode Class Edition LineOfBusiness Addresses:json
        Phones:json ExternalLinks:json PaymentTerms:json
    """,
    "overpayments": """
        OverpaymentID Type Contact:json Date:date Status LineAmountTypes LineItems:json
        SubTotal:number TotalTax:number Total:number UpdatedDateUTC:timestamp CurrencyCode
        CurrencyRate:number RemainingCredit:number Allocations:json AppliedAmount:number
        Payments:json HasAttachments:boolean Reference
    """,
    "payments": """
        PaymentID! Invoice:json CreditNote:json Prepayment:json Overpayment:json InvoiceNumber
        CreditNoteNumber BatchPayment:json! Account:json Code Date:date CurrencyRate:number
        Amount:number BankAmount:number! Reference IsReconciled:boolean Status PaymentType!
        UpdatedDateUTC:timestamp! BatchPaymentID! BankAccountNumber Particulars Details
        HasAccount:boolean!
    """,
    "prepayments": """
        PrepaymentID Type Contact:json Date:date Status LineAmountTypes LineItems:json
        SubTotal:number TotalTax:number Total:number Reference InvoiceNumber
        UpdatedDateUTC:timestamp CurrencyCode BrandingThemeID CurrencyRate:number
        RemainingCredit:number Allocations:json Payments:json AppliedAmount:number
        HasAttachments:boolean
    """,
    "purchase_orders": """
        PurchaseOrderID! Contact:json LineItems:json Date:date DeliveryDate:date LineAmountTypes
        PurchaseOrderNumber Reference BrandingThemeID CurrencyCode Status SentToContact:boolean
        DeliveryAddress AttentionTo Telephone DeliveryInstructions ExpectedArrivalDate:date
        CurrencyRate:number SubTotal:number! TotalTax:number! Total:number!
        TotalDiscount:number! HasAttachments:boolean! UpdatedDateUTC:timestamp!
    """,
    "quotes": """
        QuoteID! QuoteNumber Reference Terms Contact:json LineItems:json Date:date
        ExpiryDate:date Status CurrencyCode CurrencyRate:number SubTotal:number!
        TotalTax:number! Total:number! TotalDiscount:number! Title Summary BrandingThemeID
        UpdatedDateUTC:timestamp! LineAmountTypes
    """,
    "repeating_invoices": """
        RepeatingInvoiceID Type Contact:json Schedule:json LineItems:json LineAmountTypes
        Reference BrandingThemeID CurrencyCode Status SubTotal:number TotalTax:number
        Total:number HasAttachments:boolean ApprovedForSending:boolean SendCopy:boolean
        MarkAsSent:boolean IncludePDF:boolean
    """,
    "tax_rates": """
        TaxType! Name TaxComponents:json Status ReportTaxType CanApplyToAssets:boolean!
        CanApplyToEquity:boolean! CanApplyToExpenses:boolean! CanApplyToLiabilities:boolean!
        CanApplyToRevenue:boolean! DisplayTaxRate:number! EffectiveRate:number!
    """,
    "tracking_categories": """
        TrackingCategoryID! Name Status Options:json!
    """,
    "users": """
        UserID EmailAddress FirstName LastName UpdatedDateUTC:timestamp IsSubscriber:boolean
        OrganisationRole
    """,
}
