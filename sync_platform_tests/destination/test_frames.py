import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pandas as pd
import psycopg
import pytest

from sync_platform.destination.frames import read_frame, write_frame
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


def test_columns_are_asked_for_by_column_or_field(database: str) -> None:
    load(database, {"id": "1", "First Name": "A"}, fields=FIELDS)
    frame = read_frame(database, CONTACTS, columns=["First Name", "id"])
    assert frame.to_dict("records") == [{"First Name": "A", "id": "1"}]
    with pytest.raises(ConfigurationError, match=r"no column 'nothing'. It has: id, first_name"):
        read_frame(database, CONTACTS, columns=["nothing"])


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
