"""Google Sheets: spreadsheets that a person names; each tab is an object, with a row for a record.

Settings of a tab, by its object's name: `tab.people.header_row` (1; 0: there is none),
`tab.people.range` (`B2:F`, `A1:H500`), `tab.people.key` (columns that tell rows apart) and
`tab.people.types` (`Zip=text, Due=date`). A name with a comma in it stands in double quotes. The
key counts from the next discovery on; for another key, the table must be made anew.

Types. A column's is told at every sync, from all its values and from how most numbers in its first
100 rows are shown:
- TRUE and FALSE are `boolean`, what is shown as a date `date`, as a date and time `timestamp`
  (by the spreadsheet's time zone), as a time or duration `text` such as 27:30:00;
- other numbers are `integer` where none has a fraction, else `number`; percents, currencies and
  formats with decimals are always `number`;
- texts are `text`, also where they look like numbers: 007 typed as a text stays 007;
- where `types` says date or timestamp, a number is the serial one of a day, as Google counts them;
  one beyond the years 1 to 9999 (20240131) is rejected, as "day 20240131";
- errors (#REF!, #N/A …) and empty cells are NULL and say nothing;
- integer and number together are `number`, everything else together `text`.
The table's column follows only to a wider type, so values that come and go do not move it back and
forth; what does not fit yet is kept in `_rejected`. A column without any value has no type: it is
made with its first value, and one that loses all of its values keeps its type.

What surprises:
- Nothing tells when a row changed: every sync reads whole tabs, twice (types, then rows), and
  writes only what differs.
- Rows have no identity. Without a key a record is the row at a number (`row_number`): a row that is
  inserted at the top rewrites all below it, and one that is deleted shows as the last one gone.
  With a key, rows whose key is empty are kept in `_rejected`; of two with one key the last wins.
- Columns are known by their headings: a renamed one is a new column. Those without are `column_C`,
  the second `Name` is `Name_2`; a merged heading stands for all its columns. Of merged cells below
  it, the first has the value and the others are empty, as Google gives them.
- A row of nothing but unticked boxes is no record: columns of boxes often go on to the grid's end.
- Rows that move while a tab is read would be missed or read twice. So calls have ten rows in
  common, or the header row: where those differ, or the grid ends before a call, the tab is read
  again.
- Hidden tabs are offered but not suggested; charts and connected sheets (BigQuery) are no objects.
- While the app's consent screen is in "Testing", sign-ins end after seven days. A service account
  sees what is shared with its address, with the rights that it was given there.
- Which account signed in is not told to these scopes: the first spreadsheet stands for it.
- Writes look up column and row right before (`_google_sheets_writes.py`). Without a key, rows
  cannot be changed or deleted: by the time of the write another one may stand at that number.
  Google has no condition on a write: a row that moves within that second may be the wrong one.

Sources: Google's discovery document (values, data filters, batchUpdate); its guides on scopes,
OAuth for web servers, service accounts and usage limits.
From memory, not checked against the vendor: 60 reads a minute and person (writes are counted with
them here; several connections of one person share them: lower `rate_limit.reads`), that 429 has no
Retry-After, the reasons in error bodies, the words "exceeds grid limits", that what begins beyond
the grid is refused and what ends there is cut, also by data filters, six months for an unused
refresh token, how unformatted errors are written.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sync_platform import spec
from sync_platform.connectors import _google_sheets_tabs as tabs
from sync_platform.connectors import _google_sheets_writes as writes
from sync_platform.connectors._google_sheets_places import KNOWN, Tab, listed, tab_of
from sync_platform.errors import ConfigurationError

TOKEN_URL = "https://oauth2.googleapis.com/token"
WRITE = "https://www.googleapis.com/auth/spreadsheets"
READ = f"{WRITE}.readonly"
ADDRESS = re.compile(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{20,})")
ID = re.compile(r"[A-Za-z0-9_-]{20,}")
TOO_OFTEN = {"RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}
TAB = "tab."  # before the name of an object and of what is set for it
LIMITED_SCOPE = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def spreadsheets(settings: Mapping[str, str]) -> list[str]:
    """The ids of the spreadsheets that were named; raises ConfigurationError."""
    found = []
    for each in re.split(r"[,\s]+", settings.get("spreadsheet_ids", "").strip()):
        known = ADDRESS.search(each) or ID.fullmatch(each)
        if known is None or "/d/e/" in each:
            raise ConfigurationError(
                f"{each!r} is no spreadsheet. Give the address that the browser shows while it is "
                "open (https://docs.google.com/spreadsheets/d/…), or the id in it."
            )
        found.append(known[1] if known.re is ADDRESS else known[0])
    return list(dict.fromkeys(found))


def check(api: spec.Api) -> spec.Json:
    """Each spreadsheet's name: whether all of them may be read."""
    asked = "spreadsheetId,properties(title)"
    return [api.get(f"/v4/spreadsheets/{id}", fields=asked) for id in spreadsheets(api.settings)]


def account(answers: spec.Json) -> spec.Account:
    first = answers[0]
    return spec.Account(id=first["spreadsheetId"], name=first["properties"]["title"])


def misfits(settings: Mapping[str, str], objects: Sequence[str]) -> Iterator[str]:
    """Settings of tabs that are not there, and such as no tab has."""
    for name in settings:
        tab, _, what = name.removeprefix(TAB).rpartition(".")
        if not name.startswith(TAB) or (tab in objects and what in KNOWN):
            continue
        if what in KNOWN and tab:
            there = ", ".join(objects) or "none"
            yield (
                f"The setting {name!r} is of a tab that is not there. By their objects' names "
                f"there are: {there}. Call it by one of these, or leave the setting empty."
            )
        else:
            known = ", ".join(f"tab.people.{each}" for each in KNOWN)
            yield (
                f"There is no setting {name!r}. Of each tab there are, by its object's name: "
                f"{known}."
            )


def discover(api: spec.Api) -> Iterator[spec.Discovered]:
    """The tabs of all spreadsheets; raises ConfigurationError where a tab's settings are wrong."""
    own = {name: it for name, it in api.settings.items() if name.startswith(TAB)}
    found = []
    for id in spreadsheets(api.settings):
        asked = "properties(title),sheets(properties)"
        answer = api.get(f"/v4/spreadsheets/{id}", fields=asked)
        for sheet in answer.get("sheets", []):
            it = sheet["properties"]
            if it.get("sheetType", "GRID") == "GRID":
                found.append((id, answer["properties"]["title"], it))
    names = [named(it["title"]) or f"tab_{it['sheetId']}" for _, _, it in found]
    counts, several = Counter(names), len({id for id, _, _ in found}) > 1
    for name, (id, title, it) in zip(names, found, strict=True):
        about = {
            "spreadsheet": id,
            "sheet": it["sheetId"],
            "title": it["title"],
            "rows": it["gridProperties"]["rowCount"],
            "settings": own,
        }
        if counts[name] > 1:
            name = f"{named(title) or 'spreadsheet'}_{name}"[:63]
        tab_of(about, name, api.settings)
        yield spec.Discovered(
            name=name,
            label=f"{title}: {it['title']}" if several else it["title"],
            id=f"{id}:{it['sheetId']}",
            about=about,
            chosen=not it.get("hidden", False),
        )


def named(title: str) -> str:
    """A title as an object's name; empty where no letter of it can be one."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    return f"tab_{name}"[:63] if name[:1].isdigit() else name[:63]


def discovered(it: spec.Discovered) -> spec.ConnectorObject:
    """A tab as an object. Its key is the one of its discovery; the rest is looked up each time."""
    chosen = it.about["settings"]
    key = tuple(listed(chosen.get(f"tab.{it.name}.key", ""))) or (tabs.NUMBER,)

    def tab(api: spec.Api) -> Tab:
        keyed = {**api.settings, f"tab.{it.name}.key": chosen.get(f"tab.{it.name}.key", "")}
        return tab_of(it.about, it.name, keyed)

    one_key = len(key) == 1 and key != (tabs.NUMBER,)
    ends = re.search(r":\D*\d", chosen.get(f"tab.{it.name}.range", "")) is not None
    return spec.ConnectorObject(
        name=it.name,
        label=it.label,
        key=key,
        fields=lambda api: tabs.fields(api, tab(api)),
        read=lambda api, asked: tabs.read(api, tab(api)),
        create=None if ends else lambda api, change: writes.create(api, tab(api), change),
        update=(lambda api, change: writes.update(api, tab(api), change)) if one_key else None,
        delete=(lambda api, change: writes.delete(api, tab(api), change)) if one_key else None,
    )


def means(status: int, body: spec.Json) -> spec.Meaning | None:
    """Google's words for what its statuses do not tell."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    listed = [*error.get("details", ()), *error.get("errors", ())]
    reasons = {each.get("reason") for each in listed if isinstance(each, Mapping)}
    if reasons & TOO_OFTEN or error.get("status") == "RESOURCE_EXHAUSTED":
        return "rate_limited"
    if LIMITED_SCOPE in reasons:  # the person left the box unticked, or we want to write now
        return "sign_in_refused"
    if status == 404:  # deleted, or never shared
        return "not_permitted"
    said = str(error.get("message", ""))
    return "too_much" if status == 400 and "exceeds grid limits" in said else None


connector = spec.Connector(
    name="google_sheets",
    label="Google Sheets",
    base_url="https://sheets.googleapis.com",
    auth=[
        spec.OAuth2(
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url=TOKEN_URL,
            revoke_url="https://oauth2.googleapis.com/revoke",
            scopes=[READ],
            write_scopes=[WRITE],
            authorize_params={"access_type": "offline", "prompt": "consent"},
            refresh_lasts=timedelta(days=180),
        ),
        spec.JwtBearer(
            token_url=TOKEN_URL,
            claims=lambda secret, settings: {"iss": secret["client_email"], "aud": TOKEN_URL},
            scopes=[WRITE],  # what it may do is what it was given where a file is shared with it
            key_file=lambda file: {
                name: file[name] for name in ("client_email", "private_key", "private_key_id")
            },
        ),
    ],
    settings=[
        spec.Setting(
            name="spreadsheet_ids",
            label="Spreadsheets",
            description="Their addresses or ids, several with commas.",
        ),
        spec.Setting(
            name="rows_per_call",
            label="Rows asked for at once",
            required=False,
            default="10000",
        ),
    ],
    object_settings=TAB,
    limits=[spec.RateLimit(name="reads", calls=60, seconds=60, penalty=60)],
    means=means,
    misfits=misfits,
    check=check,
    account=account,
    objects=[],
    discover=discover,
    discovered=discovered,
)
