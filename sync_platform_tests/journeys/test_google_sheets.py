"""A spreadsheet on its way into Postgres, and what people do to it meanwhile."""

import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from sync_platform.connectors.google_sheets import READ, WRITE
from sync_platform.demo.compare import differences
from sync_platform.engine.modes import SyncMode, SyncWindow
from sync_platform.engine.ports import Secret
from sync_platform.engine.results import SyncResult, Target
from sync_platform.engine.signing_in import scopes_for
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import (
    ConfigurationError,
    NeedsReauth,
    NotPermitted,
    RecordRejected,
    Refused,
    VendorUnavailable,
)
from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.google_sheets import PLAN, ROBOT, GoogleSheets
from sync_platform.sandbox.google_sheets_book import Tab
from sync_platform.sandbox.google_sheets_cells import Cell, typed
from sync_platform.settings import Settings
from sync_platform.spec import OutboundChange
from sync_platform_tests.conftest import HastyClock
from sync_platform_tests.consenting import allowed
from sync_platform_tests.contract.conformance.vendors.google_sheets import robot_key
from sync_platform_tests.journeys.signed_in import with_client

NAME = "acme-sheets"
SECRET = Secret({"client_email": ROBOT, "private_key": robot_key()[0]})


class Desk:
    """A spreadsheet, a connection to it, and a look into its tables."""

    def __init__(self, platform: Platform, vendor: GoogleSheets) -> None:
        self.platform, self.vendor = platform, vendor

    def tab(self, title: str, *rows: Any, height: int = 0) -> Tab:
        tab = self.vendor.plan.add(title, rows)
        tab.height = height or len(rows)
        return tab

    def connect(self, *objects: str, **settings: str) -> None:
        chosen = {name.replace("__", "."): value for name, value in settings.items()}
        self.platform.connect(
            "google_sheets",
            NAME,
            SECRET,
            base_url=self.vendor.url,
            objects=list(objects) or None,
            settings={"spreadsheet_ids": PLAN, "rate_limit.reads": "unlimited", **chosen},
        )

    def again(self, **settings: str) -> None:
        """Sign in anew, with other settings."""
        chosen = {name.replace("__", "."): value for name, value in settings.items()}
        connecting = self.platform.connecting
        begun = connecting.with_secret(
            "google_sheets", SECRET, browser="b", connection=NAME, settings=chosen, again=True
        )
        connecting.complete(begun.id, browser="b")

    def sync(self, object: str, **asked: Any) -> SyncResult:
        request = SyncRequest(target=Target(NAME, object), **asked)
        return self.platform.sync(request).run(into=self.platform.destination)

    def counts(self, object: str) -> tuple[int, int, int]:
        counts = self.sync(object).counts
        return counts.created, counts.updated, counts.deleted

    def rows(self, object: str) -> list[dict[str, Any]]:
        query = sql.SQL("SELECT * FROM acme_sheets.{} WHERE _deleted_at IS NULL ORDER BY 1")
        with psycopg.connect(self.platform.database_url, row_factory=dict_row) as postgres:
            found = postgres.execute(query.format(sql.Identifier(object))).fetchall()
        return [{k: v for k, v in row.items() if not k.startswith("_")} for row in found]

    def column(self, object: str, name: str) -> list[Any]:
        return [row[name] for row in self.rows(object)]

    def types(self, object: str) -> dict[str, str]:
        query = (
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'acme_sheets' AND table_name = %s ORDER BY ordinal_position"
        )
        with psycopg.connect(self.platform.database_url) as postgres:
            found = postgres.execute(query, [object]).fetchall()
        return {name: type for name, type in found if not name.startswith("_")}

    def push(self, object: str, **change: Any) -> None:
        connection = self.platform.connection(NAME)
        obj = self.platform.connector_of(connection)[object]
        asked = OutboundChange(**change)
        write = {"create": obj.create, "update": obj.update, "delete": obj.delete}[asked.kind]
        assert callable(write)
        api = self.platform.api(connection)
        try:
            write(api, asked)
        finally:
            api.close()


@pytest.fixture
def desk(platform: Platform) -> Iterator[Desk]:
    with serve(GoogleSheets(people=30, service_accounts={ROBOT: robot_key()[1]})) as vendor:
        yield Desk(platform, vendor)


# -- what arrives -------------------------------------------------------------------------------


def test_the_tabs_of_a_spreadsheet_are_its_objects_and_hidden_ones_are_not_suggested(
    desk: Desk,
) -> None:
    desk.connect()
    connection = desk.platform.connection(NAME)
    assert [it.object for it in connection.objects] == ["people", "budget_2024_25"]
    assert connection.account_id == PLAN
    connector = desk.platform.connector_of(connection)
    assert [it.name for it in connector.objects] == ["people", "budget_2024_25", "lists"]


def test_a_tab_arrives_value_by_value_with_types_told_from_its_cells(desk: Desk) -> None:
    desk.connect()
    assert desk.counts("people") == (30, 0, 0)
    assert list(differences(desk.platform, desk.vendor.url, Target(NAME, "people"))) == []
    assert desk.types("people") == {
        "row_number": "bigint",
        "id": "text",
        "name": "text",
        "email": "text",
        "joined": "date",
        "score": "numeric",
        "active": "boolean",
        "last_seen": "timestamp with time zone",
        "double_score": "bigint",
    }


def test_unchanged_rows_are_not_touched(desk: Desk) -> None:
    desk.connect()
    desk.sync("people")
    assert desk.counts("people") == (0, 0, 0)
    desk.vendor.change("people", updates=2)
    assert desk.counts("people") == (0, 2, 0)


def test_moments_are_by_the_spreadsheets_time_zone(desk: Desk) -> None:
    summer, winter = datetime(2024, 7, 1, 12), datetime(2024, 1, 1, 12, 0, 1)  # noqa: DTZ001
    desk.tab("Log", ["At", "Took"], [summer, time(7, 30)], [winter, time(0, 0, 5)])
    desk.connect("log")
    desk.sync("log")
    assert desk.column("log", "at") == [
        datetime(2024, 7, 1, 10, tzinfo=UTC),
        datetime(2024, 1, 1, 11, 0, 1, tzinfo=UTC),
    ]
    assert desk.column("log", "took") == ["07:30:00", "00:00:05"]


def test_headings_that_are_missing_or_double_get_names(desk: Desk) -> None:
    tab = desk.tab("Odd", ["Name", "name", "", "", "Row_number"], ["a", "b", "c", "", 5])
    tab.merges = [
        {"startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 1, "endColumnIndex": 3}
    ]
    desk.connect("odd")
    desk.sync("odd")
    (row,) = desk.rows("odd")
    assert row == {
        "row_number": 2, "name": "a", "name_2": "b", "name_3": "c", "row_number_2": 5,
    }  # fmt: skip


def test_a_column_without_a_heading_is_called_by_its_letter_once_it_holds_something(
    desk: Desk,
) -> None:
    tab = desk.tab("Plain", ["A", ""], [1, None])
    desk.connect("plain")
    desk.sync("plain")
    assert list(desk.types("plain")) == ["row_number", "a"]
    tab.put(1, 1, typed("x"))
    desk.sync("plain")
    assert desk.column("plain", "column_b") == ["x"]


def test_errors_and_empty_rows_are_nothing(desk: Desk) -> None:
    rows = ["N", "Done"], [1, False], ["#REF!", True], [None, False], [4, False]
    desk.tab("Errors", *rows, height=50)
    desk.connect("errors")
    desk.sync("errors")
    found = [(it["row_number"], it["n"], it["done"]) for it in desk.rows("errors")]
    assert found == [(2, 1, False), (3, None, True), (5, 4, False)]
    assert desk.types("errors")["n"] == "bigint"


def test_a_sheet_of_several_calls_arrives_whole(desk: Desk) -> None:
    desk.tab("Long", ["N"], *([n] for n in range(1000)))
    desk.connect("long", rows_per_call="90")
    assert desk.counts("long") == (1000, 0, 0)
    assert desk.column("long", "n") == list(range(1000))


# -- settings of a tab --------------------------------------------------------------------------


def test_the_header_row_and_the_range_are_a_persons_to_say(desk: Desk) -> None:
    desk.tab("Report", ["Acme"], [], ["", "Item", "Cost"], ["", "Rent", 5], ["", "Sum", 5])
    desk.connect(
        "report", tab__report__range="b2:c4", tab__report__header_row="3", tab__report__key="Item"
    )
    desk.sync("report")
    assert desk.rows("report") == [{"item": "Rent", "cost": 5}]


def test_a_tab_without_headings_is_read_too(desk: Desk) -> None:
    desk.tab("Bare", ["a", 1], ["b", 2])
    desk.connect("bare", tab__bare__header_row="0")
    desk.sync("bare")
    assert [(it["column_a"], it["column_b"]) for it in desk.rows("bare")] == [("a", 1), ("b", 2)]


def test_a_type_is_a_persons_to_say(desk: Desk) -> None:
    desk.tab("Codes", ["Zip", "A, b", "Due"], [1067, 5, 45000], [4109, 6, 45001])
    types = 'Zip=text, "A, b=number", Due=date'
    desk.connect("codes", tab__codes__types=types)
    desk.sync("codes")
    assert desk.column("codes", "zip") == ["1067", "4109"]
    assert desk.types("codes")["a_b"] == "numeric"
    assert desk.column("codes", "due")[0] == date(2023, 3, 15)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("tab.people.header_row", "first", "It must be the number of a row"),
        ("tab.people.range", "B", "such as B2:F"),
        ("tab.people.range", "F1:B9", "such as B2:F"),
        ("tab.people.types", "Score=money", "pairs such as Zip=text; there are text, integer"),
        ("tab.people.types", "Scor=text", "has no column 'Scor', which its setting 'types'"),
        ("tab.people.key", "Ident", "has no column 'Ident', which its setting 'key' names; in"),
        ("tab.people.colour", "red", "There is no setting 'tab.people.colour'"),
        ("tab.key", "Id", "There is no setting 'tab.key'"),
        ("tab.peeple.key", "Id", "'tab.peeple.key' is of a tab that is not there. .* are: people"),
        ("tab.People.key", "Id", "'tab.People.key' is of a tab that is not there. .* are: people"),
        ("rows_per_call", "5", "must be a number above 10"),
        ("spreadsheet_ids", "Acme plan", "'Acme' is no spreadsheet"),
        ("spreadsheet_ids", f"https://x.example/spreadsheets/d/e/{PLAN}", "is no spreadsheet"),
    ],
)
def test_a_wrong_setting_is_told_when_connecting(
    desk: Desk, setting: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        desk.connect("people", **{setting: value})
    assert desk.platform.connections() == []


def test_tabs_of_several_spreadsheets_that_share_a_name_are_told_apart(desk: Desk) -> None:
    other = "1AcmeTeam0000000000000000000000000000000002"
    desk.vendor.add_spreadsheet(other, "Team").add("People", [["Id"], ["T1"]])
    address = f"https://docs.google.com/spreadsheets/d/{PLAN}/edit#gid=0"
    desk.connect(spreadsheet_ids=f"{address}, {other}")
    names = [it.object for it in desk.platform.connection(NAME).objects]
    assert names == ["acme_plan_people", "budget_2024_25", "team_people"]
    desk.sync("team_people")
    assert desk.column("team_people", "id") == ["T1"]


# -- how tables follow --------------------------------------------------------------------------


def test_types_only_widen_however_values_come_and_go(desk: Desk) -> None:
    tab = desk.tab("Flow", ["V"], [1], [2])
    desk.connect("flow")
    for value, type, shown in [
        (3, "bigint", 3),
        (2.5, "numeric", 2.5),
        (4, "numeric", 4),
        ("n/a", "text", "n/a"),
        (5, "text", "5"),
    ]:
        tab.put(2, 0, typed(value))
        desk.sync("flow")
        assert desk.types("flow")["v"] == type
        assert desk.column("flow", "v")[1] == shown


def test_an_empty_column_waits_for_its_first_value(desk: Desk) -> None:
    tab = desk.tab("New", ["A", "Cost"], ["x", None])
    desk.connect("new")
    desk.sync("new")
    assert "cost" not in desk.types("new")
    tab.put(1, 1, typed(12))
    desk.sync("new")
    assert desk.types("new")["cost"] == "bigint"


def test_a_column_that_is_emptied_keeps_its_type_and_loses_its_values(desk: Desk) -> None:
    tab = desk.tab("Emptied", ["A", "Cost"], ["x", 5])
    desk.connect("emptied")
    desk.sync("emptied")
    tab.put(1, 1, Cell())
    desk.sync("emptied")
    assert desk.types("emptied")["cost"] == "bigint"
    assert desk.column("emptied", "cost") == [None]
    assert desk.platform.catalogs.changes(NAME) == []


def test_columns_that_formulas_fill_are_read_only(desk: Desk) -> None:
    spilled = [Cell(value=n, spilled=n > 2, formula="=A2:A" if n == 2 else "") for n in (2, 4)]
    desk.tab("Sums", ["N", "Twice", "Mixed"], [1, spilled[0], 7], [2, spilled[1], spilled[1]])
    desk.connect("sums")
    fields = desk.platform.catalogs.fields(Target(NAME, "sums")) or []
    assert {it.name: it.read_only for it in fields} == {
        "row_number": True, "N": False, "Twice": True, "Mixed": False,
    }  # fmt: skip


# -- rows without and with a key ----------------------------------------------------------------


def test_without_a_key_a_row_inserted_at_the_top_rewrites_all_below(desk: Desk) -> None:
    tab = desk.tab("Loose", ["V"], ["a"], ["b"], ["c"])
    desk.connect("loose")
    desk.sync("loose")
    tab.insert_row(2, ["new"])
    assert desk.counts("loose") == (1, 3, 0)
    tab.delete_rows(1, 2)
    assert desk.counts("loose") == (0, 3, 1)
    assert desk.column("loose", "v") == ["a", "b", "c"]


def test_with_a_key_rows_may_move_and_only_what_differs_is_written(desk: Desk) -> None:
    tab = desk.tab("Keyed", ["Id", "V"], [1, "a"], [2, "b"], [3, "c"])
    desk.connect("keyed", tab__keyed__key="Id")
    desk.sync("keyed")
    tab.insert_row(2, [9, "new"])
    tab.delete_rows(3, 4)
    assert desk.counts("keyed") == (1, 0, 1)
    assert desk.column("keyed", "id") == [1, 3, 9]


def test_a_row_without_its_key_is_kept_aside_with_the_reason(desk: Desk) -> None:
    desk.tab("Totals", ["Id", "V"], ["a", 1], [None, 1])
    desk.connect("totals", tab__totals__key="Id")
    assert desk.sync("totals").counts.rejected == 1
    assert desk.column("totals", "id") == ["a"]


def test_a_tab_keeps_its_key_and_its_table_when_it_is_renamed(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.sync("people")
    desk.vendor.plan.tab("People").title = "Crew"
    desk.platform.discover(NAME)
    assert desk.counts("people") == (0, 0, 0)


def test_a_setting_of_a_tab_that_is_not_there_is_told_when_signing_in_anew(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.vendor.plan.tab("People").title = "Crew"
    desk.platform.discover(NAME)
    desk.again(tab__people__types="Joined=text")  # the object keeps its name
    with pytest.raises(ConfigurationError, match=r"'tab\.crew\.types' is of a tab that is not"):
        desk.again(tab__crew__types="Joined=text")
    assert "tab.crew.types" not in desk.platform.connection(NAME).settings


# -- while it is read ---------------------------------------------------------------------------


def at_call(desk: Desk, number: int, life: Any) -> None:
    """Let something happen just before the answer to the so-manieth call for values."""
    before = sum(desk.vendor.calls.values())
    done: list[int] = []

    def meanwhile() -> None:
        if not done and sum(desk.vendor.calls.values()) - before >= number:
            done.append(1)
            life()

    desk.vendor.meanwhile = meanwhile


def test_a_row_deleted_while_a_tab_is_read_hides_no_other(desk: Desk) -> None:
    tab = desk.tab("Moving", ["N"], *([n] for n in range(300)))
    desk.connect("moving", rows_per_call="50", tab__moving__key="N")
    desk.sync("moving")
    at_call(desk, 11, lambda: tab.delete_rows(1, 2))  # one look and six pages, a look, three pages
    assert desk.counts("moving")[2] <= 1
    assert set(desk.column("moving", "n")) >= set(range(1, 300))


def test_a_tab_that_shrinks_while_it_is_read_ends_where_it_ends(desk: Desk) -> None:
    tab = desk.tab("Shrinking", ["N"], *([n] for n in range(300)))
    desk.connect("shrinking", rows_per_call="50")
    desk.sync("shrinking")
    at_call(desk, 11, lambda: tab.delete_rows(161, 301))
    desk.sync("shrinking")
    assert desk.column("shrinking", "n") == list(range(160))


def test_a_tab_that_never_holds_still_is_left_for_later(desk: Desk) -> None:
    tab = desk.tab("Busy", ["N"], *([n] for n in range(200)))
    desk.connect("busy", rows_per_call="50")
    desk.sync("busy")
    desk.vendor.meanwhile = lambda: tab.insert_row(2, [-1])
    with pytest.raises(VendorUnavailable, match="Rows of the tab 'Busy' were moved each time"):
        desk.sync("busy")
    assert len(desk.rows("busy")) >= 200


def test_a_grid_that_became_smaller_than_what_was_discovered_is_looked_at_anew(desk: Desk) -> None:
    tab = desk.tab("Small", [], [], ["V"], ["a"], height=500)
    desk.connect("small", tab__small__header_row="3")
    desk.sync("small")
    tab.delete_rows(1, 500)
    assert desk.sync("small", accept_deletes=True).counts.deleted == 1


def test_a_tab_that_is_gone_is_told_as_that(desk: Desk) -> None:
    desk.connect("people")
    desk.sync("people")
    desk.vendor.plan.tabs.pop(0)
    with pytest.raises(ConfigurationError, match="The tab 'People' is no longer in its spreadshee"):
        desk.sync("people")
    assert len(desk.rows("people")) == 30


def test_a_spreadsheet_that_is_gone_or_not_shared_names_what_to_do(desk: Desk) -> None:
    desk.connect("people")
    desk.vendor.plan.gone = True
    with pytest.raises(NotPermitted, match="Requested entity was not found"):
        desk.sync("people")


def test_an_api_that_is_switched_off_is_told_in_googles_words(desk: Desk) -> None:
    desk.vendor.switched_off = True
    with pytest.raises(NotPermitted, match="Enable it by visiting"):
        desk.connect("people")


def test_a_from_date_sync_is_refused(desk: Desk) -> None:
    desk.connect("people")
    window = SyncWindow(datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="can only be synced in full"):
        desk.sync("people", mode=SyncMode.FROM_DATE, window=window)


def test_an_access_token_that_ends_is_renewed(desk: Desk) -> None:
    desk.connect("people")
    desk.vendor.oauth.expire(clock.time())
    assert desk.counts("people") == (30, 0, 0)
    desk.vendor.revoke()
    with pytest.raises(NeedsReauth):
        desk.sync("people")


def test_writing_is_consented_to_only_where_it_is_wanted(desk: Desk) -> None:
    connector = desk.platform.connector("google_sheets")
    assert scopes_for(connector) == [READ]
    assert scopes_for(connector, ["people"], writing=True) == [READ, WRITE]


# -- writing ------------------------------------------------------------------------------------


def test_writes_find_their_row_and_columns_as_they_are_by_then(desk: Desk) -> None:
    desk.connect("people", tab__people__key="Id")
    desk.sync("people")
    tab = desk.vendor.plan.tab("People")
    third = str(tab.cell(3, 0).value)
    for row, line in enumerate(tab.rows):
        line.insert(1, typed("Team" if row == 0 else "x"))
    tab.insert_row(2, ["P0", "y", "First"])
    desk.push("people", kind="update", key=third, values={"Name": "=Ada", "Joined": "2024-02-29"})
    desk.sync("people")
    found = next(row for row in desk.rows("people") if row["id"] == third)
    assert (found["name"], found["joined"], found["team"]) == ("=Ada", date(2024, 2, 29), "x")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "update", "key": "P1", "values": {"Name": "x"}}, "has no row whose 'Id' is 'P1'"),
        ({"kind": "delete", "key": "twice"}, "has 2 rows whose 'Id' is 'twice'"),
        ({"kind": "create", "values": {"Colour": "x"}}, "has no column 'Colour'"),
        ({"kind": "create", "values": {"Double score": 1}}, "is calculated by formulas"),
        ({"kind": "create", "values": {"Name": ["x"]}}, "a cell cannot hold list"),
    ],
)
def test_a_write_that_cannot_be_right_is_not_made(
    desk: Desk, change: dict[str, Any], sentence: str
) -> None:
    desk.connect("people", tab__people__key="Id")
    tab = desk.vendor.plan.tab("People")
    for _ in range(2):
        tab.append(["twice"])
    before = list(desk.vendor.truth("people"))
    with pytest.raises(RecordRejected, match=sentence):
        desk.push("people", **change)
    assert list(desk.vendor.truth("people")) == before


def test_without_a_key_rows_are_only_added(desk: Desk) -> None:
    desk.connect("people")
    obj = desk.platform.connector_of(desk.platform.connection(NAME))["people"]
    assert obj.create is not None
    assert (obj.update, obj.delete) == (None, None)
    desk.push("people", kind="create", values={"Id": "X", "Last seen": "2024-07-01T10:00:00Z"})
    desk.sync("people")
    assert desk.rows("people")[-1]["last_seen"] == datetime(2024, 7, 1, 10, tzinfo=UTC)


def test_a_table_keeps_the_key_that_it_was_made_with(desk: Desk) -> None:
    desk.connect("people")
    desk.sync("people")
    connection = desk.platform.connection(NAME)
    keyed = {**connection.settings, "tab.people.key": "Id"}
    desk.platform.store.set_settings(NAME, keyed)
    assert desk.counts("people") == (0, 0, 0)  # until the next discovery
    desk.platform.discover(NAME)
    with pytest.raises(ConfigurationError, match="key"):
        desk.sync("people")
    assert len(desk.rows("people")) == 30


def test_a_value_that_does_not_fit_the_type_that_a_person_said_is_kept_aside(desk: Desk) -> None:
    tab = desk.tab("Fixed", ["Id", "N"], ["a", 1], ["b", 2])
    desk.connect("fixed", tab__fixed__key="Id", tab__fixed__types="N=integer")
    desk.sync("fixed")
    tab.put(2, 1, typed("n/a"))
    assert desk.sync("fixed").counts.rejected == 1
    assert desk.column("fixed", "n") == [1, 2]
    assert desk.types("fixed")["n"] == "bigint"


def test_a_person_signs_in_reads_and_signs_in_anew_to_write(settings: Settings, desk: Desk) -> None:
    server = desk.vendor.oauth
    platform = Platform(with_client(settings, "google_sheets", server), clock=HastyClock())
    here, browser = "http://127.0.0.1:8000/callback", "a-browser"
    try:
        for writing in (False, True):
            begun = platform.connecting.begin(
                "google_sheets",
                redirect_uri=here,
                browser=browser,
                base_url=desk.vendor.url,
                connection=NAME,
                settings={"spreadsheet_ids": PLAN, "tab.people.key": "Id"},
                writing=writing,
                again=writing,
            )
            assert "access_type=offline" in begun.url
            assert "prompt=consent" in begun.url
            sign_in = platform.connecting.finish(allowed(begun.url), browser=browser)
            platform.connecting.complete(sign_in.id, browser=browser)
            server.expire(clock.time())  # the next call renews
            pushing = Desk(platform, desk.vendor)
            assert pushing.sync("people").counts.fetched == 30
            if writing:
                pushing.push("people", kind="create", values={"Id": "N1"})
                continue
            with pytest.raises(NeedsReauth):
                pushing.push("people", kind="create", values={"Id": "N1"})
    finally:
        platform.close()
    assert desk.vendor.plan.tab("People").used == 32
