"""Google Sheets, as the conformance kit knows it: a tab whose key column a person named."""

from functools import cache

from sync_platform.sandbox.assertions import key_pair
from sync_platform.sandbox.google_sheets import PLAN, ROBOT, GoogleSheets
from sync_platform.sandbox.google_sheets_cells import typed
from sync_platform_tests.contract.conformance.stage import Vouched


@cache
def robot_key() -> tuple[str, str]:
    """A service account's private key and its public one, as PEM."""
    return key_pair()


def sheets(reads: int | None = None) -> GoogleSheets:
    """A Google Sheets that knows the service account. Its tab has no rows to spare, which would all
    be asked for: fifty in a call, that takes long within the limits."""
    vendor = GoogleSheets(reads=reads, service_accounts={ROBOT: robot_key()[1]})
    vendor.tab("people")[1].height = 2
    return vendor


def _restore(vendor: GoogleSheets, id: str) -> None:
    tab = vendor.tab("people")[1]
    tab.append([id, "Back Again", "back@acme.example"])


def _weird(vendor: GoogleSheets, text: str) -> None:
    vendor.tab("people")[1].append(["W1", text])


def _new_field(vendor: GoogleSheets) -> str:
    tab = vendor.tab("people")[1]
    for row, value in enumerate(["Shoe size", 42, 38.5]):
        tab.put(row, 8, typed(value))
    return "shoe_size"


def _drop_field(vendor: GoogleSheets) -> str:
    vendor.tab("people")[1].delete_columns(2, 3)
    return "email"


def _forbid(vendor: GoogleSheets) -> None:
    vendor.plan.readers = []


vouched = Vouched(
    connector="google_sheets",
    vendor=sheets,
    limited=lambda: sheets(60),
    object="people",
    page=50,
    secret={"client_email": ROBOT, "private_key": robot_key()[0]},
    settings={
        "spreadsheet_ids": PLAN,
        "rows_per_call": "50",
        "tab.people.key": "Id",
        "rate_limit.reads": "unlimited",
    },
    reads="*/values:batchGetByDataFilter",
    writes={"Id": "N1", "Name": "=New()", "Joined": "2024-05-06", "Active": True, "Score": 1.5},
    rewrites={"Name": "Renewed", "Active": None},
    refused={"Id": "N2", "No such column": "1"},
    restore=_restore,
    weird=_weird,
    weird_column="name",
    new_field=_new_field,
    drop_field=_drop_field,
    revoke=lambda vendor: vendor.revoke(),
    forbid=_forbid,
    not_offered={
        **dict.fromkeys(
            (
                "created",
                "edited",
                "nothing_new",
                "at_the_edge",
                "from_a_date",
                "exactly_the_window",
            ),
            "Google Sheets does not tell when a row changed: every sync reads the whole tab.",
        ),
        "ties": "Nothing is read by time.",
        "what_shows_late": "Changes show at once.",
        "past_a_cap": "Reads of values have no cap.",
        "deletions_at_once": "A deleted row leaves no trace: each sync, being a full one, finds it "
        "by what is missing.",
        "told_what_is_left": "Google does not tell how many calls are left.",
        "rotated": "Google's refresh tokens stay the same.",
        "a_renamed_field": "A column is known by its heading alone.",
        "sent_twice": "Google Sheets has no idempotency keys: a create whose answer is lost may "
        "make two rows, so it is not repeated.",
    },
    gaps=[
        "Formats are told from the first 100 rows of a tab.",
        "Notes, links, colours and pictures in cells are not read.",
        "Connected sheets (BigQuery) are not read.",
        "Rows are changed and deleted only where one column is the key.",
        "Whether a spreadsheet changed at all is not asked (that is Drive's to tell).",
    ],
)
