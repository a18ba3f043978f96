import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import psycopg
import pytest

from sync_platform.destination.ddl import MAKING
from sync_platform.destination.frames import read_frame, write_frame
from sync_platform.destination.sessions import connected
from sync_platform.errors import ConfigurationError, RowDoesNotFit
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import CONTACTS, load, people, select

FIELDS = (
    Field("id"),
    Field("First Name"),
    Field("age", "integer"),
    Field("score", "number"),
    Field("ok", "boolean"),
    Field("born", "date"),
    Field("seen", "timestamp"),
    Field("tags", "json"),
)


def test_a_table_is_read_with_its_types(database: str) -> None:
    row = {
        "id": "1",
        "First Name": 'Ä "\n\r, \\N NA',
        "age": 2**60,
        "score": "1.5",
        "ok": True,
        "born": "0999-01-02",
        "seen": "2024-01-01T00:00:00.123Z",
        "tags": ["a", 1],
    }
    load(database, row, {"id": "2", "First Name": "", "ok": False}, {"id": "3"}, fields=FIELDS)
    frame = read_frame(database, CONTACTS).sort_values("id").reset_index(drop=True)
    assert [str(dtype) for dtype in frame.dtypes] == [
        "str",
        "str",
        "Int64",
        "float64",
        "boolean",
        "datetime64[us]",
        "datetime64[us, UTC]",
        "object",
        "datetime64[us, UTC]",
    ]
    first = frame.iloc[0]
    assert first["first_name"] == row["First Name"]
    assert (first["age"], first["score"], first["ok"]) == (2**60, 1.5, True)
    assert first["born"] == datetime(999, 1, 2)  # noqa: DTZ001
    assert first["seen"] == datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)
    assert first["tags"] == ["a", 1]
    assert frame["first_name"][1] == ""
    assert frame.iloc[2].drop(["id", "_synced_at"]).isna().all()


def test_numbers_that_no_float_is_come_as_decimals(database: str) -> None:
    rows = [{"id": str(n), "score": it} for n, it in enumerate(["0.5", 2**53 + 1, None])]
    load(database, *rows, fields=FIELDS)
    scores = read_frame(database, CONTACTS).sort_values("id")["score"]
    assert list(scores) == [Decimal("0.5"), Decimal(2**53 + 1), None]


def test_long_numbers_that_a_float_prints_come_as_floats(database: str) -> None:
    rows = [{"id": str(n), "score": it} for n, it in enumerate([0.1 + 0.2, 2**53, None])]
    load(database, *rows, fields=FIELDS)
    scores = read_frame(database, CONTACTS).sort_values("id")["score"]
    assert str(scores.dtype) == "float64"
    assert list(scores.dropna()) == [0.1 + 0.2, 2.0**53]


def test_a_number_that_is_none_is_missing(database: str) -> None:
    select(database, "CREATE TABLE v AS SELECT 'NaN'::numeric AS n, 'NaN'::float8 AS x, 1 AS one")
    frame = read_frame(database, "public.v")
    assert [str(it) for it in frame.dtypes] == ["float64", "float64", "Int64"]
    assert list(frame.iloc[0].isna()) == [True, True, False]


@pytest.mark.parametrize(
    "held",
    [
        {"n": 10**400},
        12345678901234567890123,
        [-(10**19)],
        {"n": Decimal("12345678901234567890.123")},
        [0.1 + 0.2, 2**64 - 1, "12345678901234567890123"],
    ],
)
def test_json_is_read_with_all_digits(database: str, held: Any) -> None:
    load(database, {"id": "1", "tags": held}, {"id": "2", "tags": [1.5]}, fields=FIELDS)
    tags = read_frame(database, CONTACTS).sort_values("id")["tags"]
    assert list(tags) == [held, [1.5]]
    assert type(tags.iloc[1][0]) is float


def test_json_of_more_digits_than_an_integer_of_python_has_is_read(database: str) -> None:
    select(database, "CREATE TABLE v AS SELECT ('[1' || repeat('0', 5000) || ']')::jsonb AS j")
    assert read_frame(database, "public.v")["j"][0] == [Decimal(10) ** 5000]


def test_moments_of_less_precision_are_moments(database: str) -> None:
    select(database, "CREATE TABLE v (at timestamptz(3), d timestamp(0), n numeric(20, 2))")
    frame = read_frame(database, "public.v")
    assert [str(it) for it in frame.dtypes] == ["datetime64[us, UTC]", "datetime64[us]", "float64"]


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'::timestamptz",
        "'0044-03-15 BC'::date",
        "'12024-01-01'::timestamp",
        "(repeat('[', 2000) || repeat(']', 2000))::jsonb",
    ],
)
def test_what_no_frame_can_hold_is_told_with_its_column(database: str, value: str) -> None:
    select(database, f"CREATE TABLE v AS SELECT {value} AS it, 1 AS n")
    with pytest.raises(ConfigurationError, match="column 'it'"):
        read_frame(database, "public.v")
    assert list(read_frame(database, "public.v", columns=["n"])["n"]) == [1]


def test_columns_are_asked_for_by_column_or_field(database: str) -> None:
    load(database, {"id": "1", "First Name": "A"}, fields=FIELDS)
    frame = read_frame(database, CONTACTS, columns=["First Name", "id"])
    assert frame.to_dict("records") == [{"First Name": "A", "id": "1"}]
    with pytest.raises(ConfigurationError, match=r"no column 'nothing'. It has: id, first_name"):
        read_frame(database, CONTACTS, columns=["nothing"])


def test_a_field_comes_with_the_texts_that_stand_beside_its_column(database: str) -> None:
    load(database, fields=[Field("id"), Field("Age", "integer")])
    select(database, "CREATE VIEW public.theirs AS SELECT age FROM acme.contacts")
    rows = [{"id": "1", "Age": "7"}, {"id": "2", "Age": "low"}]
    load(database, *rows, fields=[Field("id"), Field("Age", "text")])
    for asked in (["Age", "id"], ["Age", "age_text", "id"]):
        frame = read_frame(database, CONTACTS, columns=asked).sort_values("id")
        assert list(frame) == ["Age", "age_text", "id"]
        assert list(frame["Age"].fillna(0)) == [7, 0]
        assert list(frame["age_text"].fillna("")) == ["", "low"]
    assert list(read_frame(database, CONTACTS, columns=["age"])) == ["age", "age_text"]
    assert list(read_frame(database, "acme.contacts", columns=["age"])) == ["age"]
    assert list(read_frame(database, CONTACTS, columns=["id"])) == ["id"]


def test_a_single_column_keeps_its_empty_and_blank_texts(database: str) -> None:
    rows = [{"id": str(n), "First Name": name} for n, name in enumerate(["", " ", "x"])]
    load(database, *rows, {"id": "3"}, fields=FIELDS)
    frame = read_frame(database, CONTACTS, columns=["first_name"])
    assert sorted(frame["first_name"].fillna("none")) == ["", " ", "none", "x"]


def test_deleted_rows_come_only_if_asked_for(database: str) -> None:
    load(database, *people(2), gone=[("1",)])
    assert list(read_frame(database, CONTACTS)["id"]) == ["0"]
    everything = read_frame(database, CONTACTS, include_deleted=True)
    assert sorted(everything["_deleted_by"].dropna()) == ["vendor"]
    assert len(everything) == 2


def test_an_empty_table_has_columns_and_a_missing_one_is_told(database: str) -> None:
    load(database, fields=FIELDS)
    frame = read_frame(database, CONTACTS)
    assert len(frame) == 0
    assert str(frame["age"].dtype) == "Int64"
    with pytest.raises(ConfigurationError, match="has it been synced"):
        read_frame(database, "acme.nothing")


FRAME = pd.DataFrame(
    {
        "Name": ["a\tb\n", None, "\\N"],
        "n": pd.array([1, None, 3], dtype="Int64"),
        "x": [1.5, float("nan"), float("inf")],
        "ok": [True, False, True],
        "at": pd.Series(
            [pd.Timestamp("2024-01-01T00:00:00Z"), pd.NaT, pd.Timestamp("2024-01-02T00:00:00.5Z")]
        ),
        "tags": [["a"], None, {"b": 1}],
    }
)


def test_a_frame_is_written_and_read_back(database: str) -> None:
    write_frame(database, "lake", "things", FRAME)
    write_frame(database, "lake", "things", FRAME)
    back = read_frame(database, "lake.things")
    assert list(back.columns) == ["name", "n", "x", "ok", "at", "tags"]
    assert [None if pd.isna(it) else it for it in back["name"]] == ["a\tb\n", None, "\\N"]
    assert list(back["n"].dropna()) == [1, 3]
    assert back["x"][2] == float("inf")
    assert list(back["ok"]) == [True, False, True]
    assert back["at"][2] == pd.Timestamp("2024-01-02T00:00:00.5Z")
    assert back["tags"][2] == {"b": 1}


def test_only_the_rows_of_a_partition_are_replaced(database: str) -> None:
    write_frame(database, "lake", "days", pd.DataFrame({"v": [1, 2]}), partition="monday")
    write_frame(database, "lake", "days", pd.DataFrame({"v": [3]}), partition="tuesday")
    write_frame(database, "lake", "days", pd.DataFrame({"v": [9], "w": ["x"]}), partition="monday")
    query = "SELECT _partition, v, w FROM lake.days ORDER BY 1"
    assert select(database, query) == [("monday", 9, "x"), ("tuesday", 3, None)]


def test_partitions_of_a_new_table_may_come_together(database: str) -> None:
    together = threading.Barrier(4)

    def write(n: int) -> None:
        together.wait()
        write_frame(database, "lake", "days", pd.DataFrame({"v": [n]}), partition=str(n))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert select(database, "SELECT v FROM lake.days ORDER BY v") == [0, 1, 2, 3]


def test_a_schema_that_is_there_needs_no_right_to_make_one(
    database: str, limited_database: str
) -> None:
    write_frame(limited_database, "lake", "things", FRAME)
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    select(database, f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    write_frame(limited_database, "lake", "others", FRAME)
    assert len(read_frame(limited_database, "lake.others")) == 3


def test_a_column_widens_where_a_frame_no_longer_fits(database: str) -> None:
    for values in ([1], [1.5], ["x"]):
        write_frame(database, "lake", "days", pd.DataFrame({"v": values}), partition=str(values))
    assert select(database, "SELECT v FROM lake.days ORDER BY v") == ["1", "1.5", "x"]


def test_an_empty_frame_empties_the_table(database: str) -> None:
    write_frame(database, "lake", "things", FRAME)
    write_frame(database, "lake", "things", FRAME.iloc[:0])
    assert len(read_frame(database, "lake.things")) == 0


def test_a_synced_table_is_not_written_over(database: str) -> None:
    load(database, *people(1))
    with pytest.raises(ConfigurationError, match="filled by a sync"):
        write_frame(database, "acme", "contacts", FRAME)


def test_a_text_that_postgres_cannot_store_is_told_and_nothing_is_lost(database: str) -> None:
    write_frame(database, "lake", "things", pd.DataFrame({"v": ["good"]}))
    with pytest.raises(RowDoesNotFit, match="'v'"):
        write_frame(database, "lake", "things", pd.DataFrame({"v": ["\0"]}))
    assert select(database, "SELECT v FROM lake.things") == ["good"]


def written_in_turn(database: str, *columns: Any) -> "pd.Series[Any]":
    """What is read of a column that several partitions wrote, each its values."""
    for n, values in enumerate(columns):
        frame = pd.DataFrame({"v": values})
        write_frame(database, "lake", "days", frame, partition=str(n))
    return read_frame(database, "lake.days")["v"]


def test_large_integers_keep_their_digits_where_floats_come(database: str) -> None:
    assert set(written_in_turn(database, [1, 2**53 + 1], [0.5])) == {1, 2**53 + 1, Decimal("0.5")}


def test_large_integers_keep_their_digits_where_floats_were(database: str) -> None:
    read = written_in_turn(database, [0.1 + 0.2, float("inf"), None], [2**62 + 1])
    assert set(read.dropna()) == {Decimal(repr(0.1 + 0.2)), Decimal("inf"), 2**62 + 1}


def test_integers_that_a_missing_one_made_floats_of_stay_integers(database: str) -> None:
    read = written_in_turn(database, [1, 2**53 + 1], [7.0, None])
    assert str(read.dtype) == "Int64"
    assert sorted(read.dropna()) == [1, 7, 2**53 + 1]


def test_floats_stay_floats_where_small_integers_come(database: str) -> None:
    read = written_in_turn(database, [0.5], [3])
    assert select(database, "SELECT DISTINCT pg_typeof(v)::text FROM lake.days") == [
        "double precision"
    ]
    assert sorted(read) == [0.5, 3.0]


@pytest.mark.parametrize(
    "values", [[1], [True], [datetime(2024, 1, 1, tzinfo=UTC)], [{"a": 1}], [date(2024, 1, 2)]]
)
@pytest.mark.parametrize("nothing", [[None], [float("nan")], pd.Series([], dtype="object")])
def test_a_partition_without_values_changes_no_type(
    database: str, values: list[Any], nothing: Any
) -> None:
    alone = written_in_turn(database, values)
    both = written_in_turn(database, values, nothing)
    assert both.dtype == alone.dtype
    assert list(both.dropna()) == list(alone)


@pytest.mark.parametrize("nothing", [[None], [float("nan")]])
def test_a_column_without_values_takes_the_type_of_its_first(database: str, nothing: Any) -> None:
    assert list(written_in_turn(database, nothing, [2**62 + 1]).dropna()) == [2**62 + 1]


def test_a_column_without_values_that_a_view_shows_stays_text(database: str) -> None:
    write_frame(database, "lake", "days", pd.DataFrame({"v": [None]}), partition="0")
    select(database, "CREATE VIEW lake.shown AS SELECT v FROM lake.days")
    write_frame(database, "lake", "days", pd.DataFrame({"v": [1]}), partition="1")
    assert select(database, "SELECT v FROM lake.shown WHERE v IS NOT NULL") == ["1"]


@pytest.mark.parametrize(
    ("values", "type", "read"),
    [
        ([2**62 + 1, None], "bigint", [2**62 + 1]),
        ([2**64, None], "numeric", [2.0**64]),
        ([2**64 + 1, None], "numeric", [2**64 + 1]),
        ([Decimal("1.50"), None], "numeric", [1.5]),
        ([1, Decimal("0.1234567890123456789")], "numeric", [1, Decimal("0.1234567890123456789")]),
        ([True, None], "boolean", [True]),
        ([date(2024, 1, 2), None], "date", [datetime(2024, 1, 2)]),  # noqa: DTZ001
        ([datetime(2024, 1, 2, tzinfo=UTC)], "timestamptz", [datetime(2024, 1, 2, tzinfo=UTC)]),
        ([True, 2], "text", ["true", "2"]),
    ],
)
def test_values_of_python_have_the_type_that_keeps_them(
    database: str, values: list[Any], type: str, read: list[Any]
) -> None:
    back = written_in_turn(database, pd.Series(values, dtype="object"))
    query = "SELECT DISTINCT pg_typeof(v)::regtype = %s::regtype FROM lake.days"
    assert select(database, query, [type]) == [True]
    assert list(back.dropna()) == read


def test_days_become_moments_where_moments_come(database: str) -> None:
    read = written_in_turn(database, [date(2024, 1, 2)], [datetime(2024, 1, 1, 5)])  # noqa: DTZ001
    assert sorted(read) == [datetime(2024, 1, 1, 5), datetime(2024, 1, 2)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (timedelta(1), "no column is for a Timedelta"),
        (time(1), "no column is for a time"),
        (b"x", "no column is for a bytes"),
        ({1}, "no column is for a set"),
        (pd.Timestamp(10**12, unit="s"), "not between the years 1 and 9999"),
        ({"a": float("nan")}, "not JSON"),
    ],
)
def test_a_value_that_no_column_is_for_is_told(database: str, value: Any, told: str) -> None:
    with pytest.raises(RowDoesNotFit, match=told):
        write_frame(database, "lake", "things", pd.DataFrame({"v": [value]}))


def test_an_index_that_tells_something_is_written_as_columns(database: str) -> None:
    people = pd.DataFrame({"stage": ["a", "b", "a"], "n": [1, 2, 3]})
    write_frame(database, "lake", "sums", people.groupby("stage").sum())
    assert select(database, "SELECT stage, n FROM lake.sums ORDER BY 1") == [("a", 4), ("b", 2)]
    write_frame(database, "lake", "told", people[["n"]].agg(["min", "max"]))
    assert select(database, "SELECT index, n FROM lake.told ORDER BY 2") == [("min", 1), ("max", 3)]
    write_frame(database, "lake", "both", people.groupby(["stage", "n"])[[]].first())
    assert len(select(database, "SELECT stage, n FROM lake.both")) == 3


def test_an_index_that_is_a_column_or_only_counts_rows_is_not_written(database: str) -> None:
    people = pd.DataFrame({"stage": ["a", "b", "a"], "n": [1, 2, 3]})
    write_frame(database, "lake", "kept", people.set_index("stage", drop=False))
    write_frame(database, "lake", "some", people[people["n"] > 1])
    for table in ("kept", "some"):
        assert list(read_frame(database, f"lake.{table}").columns) == ["stage", "n"]


def test_columns_of_like_names_are_not_exchanged_by_their_order(database: str) -> None:
    frame = pd.DataFrame({"First Name": ["long"], "first_name": ["short"]})
    write_frame(database, "lake", "days", frame, partition="1")
    write_frame(database, "lake", "days", frame[["first_name", "First Name"]], partition="2")
    assert select(database, "SELECT DISTINCT first_name FROM lake.days") == ["short"]


def test_columns_of_one_name_are_all_written(database: str) -> None:
    write_frame(database, "lake", "things", pd.DataFrame([[1, 2, 3]], columns=["a", "a", 1]))
    assert sorted(read_frame(database, "lake.things").iloc[0]) == [1, 2, 3]


def test_what_postgres_cannot_compute_is_told_as_that(database: str) -> None:
    load(database, {"id": "1", "age": 0})
    select(database, "CREATE VIEW acme.shares AS SELECT id, 10 / age AS share FROM acme.contacts")
    told = "Reading acme.shares, Postgres could not compute a value: division by zero"
    with pytest.raises(ConfigurationError, match=told):
        read_frame(database, "acme.shares")
    assert list(read_frame(database, "acme.shares", ["id"])["id"]) == ["1"]


def test_a_frame_and_a_sync_may_make_their_schema_at_once(database: str) -> None:
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with connected(database, "a sync") as sync, ThreadPoolExecutor(1) as pool:
        with sync.transaction():
            sync.execute(MAKING, ["acme"])
            sync.execute("CREATE SCHEMA acme")
            writing = pool.submit(write_frame, database, "acme", "mine", pd.DataFrame({"a": [1]}))
            while select(database, waits) == [0] and not writing.done():
                pass
        writing.result()
    assert list(read_frame(database, "acme.mine")["a"]) == [1]
