"""Xero: the accounting API of one organisation, of which a sign-in may open several.

What surprises:
- Every call must name an organisation (`xero-tenant-id`); Xero answers 403 to one that the sign-in
  does not open (any more), and 401 where a scope is missing.
- Refresh tokens change with each use. Unused for 60 days, they die.
- Lists without a page have no line items, and contacts no persons. Unit prices are rounded to two
  decimals unless four are asked for (`unitdp`).
- Changes are asked for by If-Modified-Since, which heeds whole seconds and may leave out the one
  that it names: each read goes back a minute. The bounds of a window are a `where`, too; orders,
  quotes and journals cannot be asked for one, so a window of theirs begins a second early and
  reaches to the present.
- Bank transfers show only when they were created, but If-Modified-Since finds changed ones: their
  cursor is the newest creation, and what was changed since then is read again each time.
- Moments are `/Date(1573755038314+0000)/`, also negative and without an offset; the number is UTC.
- A deletion is a status. Deleted and voided documents are gone here, as they count for nothing;
  archived accounts, contacts, journals and categories are not, since older records point to them. A
  contact after a privacy request is gone, as is a user who was removed. Where only some statuses
  are synced, what changed is asked for with those of deletion, too.
- Items are really deleted, and so are lists that hide what is deleted: full syncs find these.
- Invoices, credit notes and manual journals can be deleted only as drafts; deleting others voids
  them. What has payments can be neither, and Xero says so.
- Of the limits, 5 calls at the same time is kept by reading little side by side, not counted.
- `summarizeErrors=false` answers 200 for a record that was refused, so it is not asked for.

Line items are a JSON column of their document, not a table: reading them again as a table would
cost as many of the day's 5,000 calls, and a line taken out of an invoice would stay until the next
full sync. `jsonb_array_elements(line_items)` gives the rows; their key is `LineItemID`.

Left out: Employees and PaymentTerms, which are no lists; ExpenseClaims and Receipts, of which it is
not known which new scope they need (asking for one that does not exist refuses the whole sign-in).

Sources: Xero's API description (Accounting 16.1.0, Identity) and its Python SDK 15.2.0, for what
the description lacks here: BankTransfers, BatchPayments, BrandingThemes, LinkedTransactions,
Overpayments, Prepayments, RepeatingInvoices (all to read only).
From memory, not checked against the vendor: the narrow scopes (invoices, payments,
banktransactions, manualjournals) and which objects each is for; that an app may need Xero's
approval for journals; the revocation address; the 60 days; that PKCE is taken beside a client
secret; custom connections (an app of one organisation that signs in by itself, here with all scopes
it was given); what 401 and 403 say in `Detail`; that `where` takes UpdatedDateUTC and Status for
every object that has them, and `order` each id; that lists of invoices hold no other types than
ACCREC and ACCPAY; that a status alone is enough to delete; that items are really deleted; that
contacts' balances and items' stock move without UpdatedDateUTC; that only a 429 for calls at the
same time lacks Retry-After. Apps of Xero's lowest tier have 1,000 calls a day: setting
`rate_limit.day`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from sync_platform import spec
from sync_platform.connectors._xero_calls import API
from sync_platform.connectors._xero_objects import OBJECTS, SETTINGS


def tenants(api: spec.Api) -> Iterator[spec.Option]:
    """The organisations that the sign-in opens."""
    for each in api.get("/connections"):
        if each["tenantType"] == "ORGANISATION":
            yield spec.Option(value=each["tenantId"], label=each["tenantName"])


def of_tenant(settings: Mapping[str, str]) -> Mapping[str, str]:
    tenant = settings.get("tenant_id")
    return {"xero-tenant-id": tenant} if tenant else {}


def means(status: int, body: spec.Json) -> spec.Meaning | None:
    """A missing scope is a 401, an organisation that the sign-in does not open a 403."""
    said = str(spec.at(body, "Detail") or "")
    if status == 401 and said.startswith("AuthorizationUnsuccessful"):
        return "not_permitted"
    if status == 403 and said.startswith("AuthenticationUnsuccessful"):
        return "sign_in_refused"
    return None


def says(body: spec.Json) -> str | None:
    """What is wrong with a record; the error's own Message says only that something is."""
    elements = spec.at(body, "Elements")
    wrong = [error for each in elements or () for error in each.get("ValidationErrors", ())]
    return " ".join(f"{each['Message']}." for each in wrong).replace("..", ".") or None


def left_in(header: str) -> Callable[[Mapping[str, str]], spec.CallsLeft | None]:
    """What an answer's header says of the calls that are left."""

    def told(headers: Mapping[str, str]) -> spec.CallsLeft | None:
        text = headers.get(header, "")
        return spec.CallsLeft(left=float(text)) if text.isascii() and text.isdigit() else None

    return told


def whose(answer: spec.Json) -> spec.Account:
    (organisation,) = answer["Organisations"]
    return spec.Account(id=organisation["OrganisationID"], name=organisation["Name"])


connector = spec.Connector(
    name="xero",
    label="Xero",
    base_url="https://api.xero.com",
    auth=[
        spec.OAuth2(
            authorize_url="https://login.xero.com/identity/connect/authorize",
            token_url="https://identity.xero.com/connect/token",
            revoke_url="https://identity.xero.com/connect/revocation",
            scopes=["offline_access", f"{SETTINGS}.read"],  # the latter for `check`
            client_sent_in="header",
            refresh_rotates=True,
            refresh_lasts=timedelta(days=60),
        ),
        spec.ClientCredentials(
            token_url="https://identity.xero.com/connect/token", label="Custom connection"
        ),
    ],
    settings=[
        spec.Setting(
            name="tenant_id",
            label="Organisation",
            description="Whose books to sync: one of those that you let us into at Xero.",
            options=tenants,
        ),
    ],
    headers=of_tenant,
    means=means,
    says=says,
    limits=[
        spec.RateLimit(
            name="minute",
            calls=60,
            seconds=60,
            path=f"{API}/*",
            told=left_in("x-minlimit-remaining"),
            penalty=2.0,  # only a 429 for more than 5 calls at the same time does not say how long
        ),
        spec.RateLimit(
            name="day",
            calls=5000,
            seconds=86_400,
            path=f"{API}/*",
            told=left_in("x-daylimit-remaining"),
        ),
    ],
    interval=spec.Interval(
        default=spec.minutes(30), shortest=spec.minutes(15), longest=spec.hours(24)
    ),
    check=spec.get(f"{API}/Organisation"),
    account=whose,
    objects=OBJECTS,
)
