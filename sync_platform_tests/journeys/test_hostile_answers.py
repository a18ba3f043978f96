"""One record that nobody hopes for, in a page of good ones: the others load, that one is rejected,
and the sync ends well."""

import json
from collections.abc import Iterator

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import SyncStatus, Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import ConfigurationError, UnexpectedResponse
from sync_platform.settings import Settings
from sync_platform_tests.journeys.parcels_stage import Stage, holding, parcel, staged

DEEP = 100_000
NESTED = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"in":' * DEEP + b"7" + b"}" * DEEP,
    "a few less, with a number beyond 64 bits": b"[" * 995 + b"9" * 25 + b"]" * 995,
    "as deep as that, with more digits than an int has": b"[" * DEEP + b"9" * 5000 + b"]" * DEEP,
}


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    with staged(settings) as stage:
        yield stage


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("name", ["about", "note", "weight", "sent"])
def test_a_record_nested_beyond_all_measure_is_rejected_alone(
    stage: Stage, name: str, nested: bytes
) -> None:
    stage.vendor.list("/parcels", parcel("1"), holding("2", name, nested), parcel("3"))
    result = stage.sync("parcels")
    assert result.status is SyncStatus.SUCCEEDED
    assert (result.counts.fetched, result.counts.created, result.counts.rejected) == (3, 2, 1)
    assert stage.select("SELECT id FROM acme.parcels ORDER BY id") == [("1",), ("3",)]
    [(key, record, reason)] = stage.rejected
    assert key == "2"
    assert f'"{name}" holds ' in reason
    assert len(reason) < 500
    assert record.count("[") + record.count("{") == 1 + nested.count(b"[") + nested.count(b"{")
    assert record.count("9") == nested.count(b"9")


def test_an_answer_without_its_list_is_told_of_however_deep_it_is(stage: Stage) -> None:
    stage.vendor.answers["/parcels"] = b'{"found": %s}' % NESTED["lists"]
    with pytest.raises(UnexpectedResponse, match="holds no list at 'list'") as raised:
        stage.sync("parcels")
    assert len(raised.value.evidence["answer"]) <= 500


def test_it_is_kept_once_however_often_it_comes(stage: Stage) -> None:
    stage.vendor.list("/parcels", parcel("1"), holding("2", "about", NESTED["lists"]))
    for mode in (SyncMode.INCREMENTAL, SyncMode.INCREMENTAL, SyncMode.FULL):
        assert stage.sync("parcels", mode).counts.rejected == 1
    assert len(stage.rejected) == 1


def test_a_record_nested_too_deeply_for_where_nobody_looks_loads(stage: Stage) -> None:
    stage.vendor.list("/parcels", holding("1", "unknown", NESTED["lists"]))
    assert stage.sync("parcels").counts.created == 1


@pytest.mark.parametrize("value", [b'"a\xffb"', b'"a\\ud800b"', b'"a\\u0000b"'])
def test_a_text_that_postgres_cannot_hold_is_rejected_alone(stage: Stage, value: bytes) -> None:
    stage.vendor.list("/parcels", parcel("1"), holding("2", "note", value), parcel("3"))
    result = stage.sync("parcels")
    assert (result.counts.created, result.counts.rejected) == (2, 1)
    assert stage.rejected[0][0] == "2"


def test_control_characters_that_json_forbids_load(stage: Stage) -> None:
    stage.vendor.list("/parcels", holding("1", "note", b'"a\x01b\tc\nd"'))
    assert stage.sync("parcels").counts.created == 1
    assert stage.select("SELECT note FROM acme.parcels") == [("a\x01b\tc\nd",)]


def test_numbers_that_are_not_quite_are_rejected_in_a_moment(stage: Stage) -> None:
    digits = b'"%sx"' % (b"9" * 1_000_000)
    stage.vendor.list("/parcels", parcel("1"), holding("2", "weight", digits))
    result = stage.sync("parcels")
    assert (result.counts.created, result.counts.rejected) == (1, 1)


def test_what_is_no_record_is_rejected_alone(stage: Stage) -> None:
    strange = [b"null", b"7", b'"x"', b"[1]", b"[]"]
    stage.vendor.list("/parcels", parcel("1"), *strange, parcel("2"))
    result = stage.sync("parcels")
    assert (result.counts.created, result.counts.rejected) == (2, len(strange))
    assert [json.loads(record) for _, record, _ in stage.rejected] == [None, 7, "x", [1], []]


def test_a_record_that_the_connector_cannot_read_is_rejected_whole(stage: Stage) -> None:
    good, bad = b'{"id": 1, "values": {"motif": "a"}}', b'{"id": 2, "values": null}'
    stage.vendor.list("/stamps", good, bad, b'{"id": 3}', b"null")
    result = stage.sync("stamps", SyncMode.FULL)
    assert result.status is SyncStatus.SUCCEEDED
    assert (result.counts.created, result.counts.rejected) == (1, 3)
    found = [(key, json.loads(record)) for key, record, _ in stage.rejected]
    assert found == [("2", {"id": 2, "values": None}), ("3", {"id": 3}), (None, None)]
    assert "No row can be made of the record (KeyError: 'values')." in stage.rejected[1][2]


def test_a_row_whose_record_cannot_be_read_any_more_is_not_marked_as_deleted(stage: Stage) -> None:
    records = [b'{"id": %d, "values": {"motif": "a"}}' % n for n in range(4)]
    stage.vendor.list("/stamps", *records)
    stage.sync("stamps", SyncMode.FULL)
    stage.vendor.list("/stamps", *records[:3], b'{"id": 3, "values": null}')
    assert stage.sync("stamps", SyncMode.FULL).counts.deleted == 0


def test_nothing_is_marked_as_deleted_while_nobody_knows_which_record_cannot_be_read(
    stage: Stage,
) -> None:
    records = [b'{"id": %d, "values": {"motif": "a"}}' % n for n in range(4)]
    stage.vendor.list("/stamps", *records)
    stage.sync("stamps", SyncMode.FULL)
    stage.vendor.list("/stamps", *records[:3], b"null")
    told: list[str] = []
    request = SyncRequest(target=Target("acme", "stamps"), mode=SyncMode.FULL)
    sync = stage.platform.sync(request)
    sync.on_progress = lambda sentence, counts: told.append(sentence)
    result = sync.run(into=stage.platform.destination)
    assert (result.counts.deleted, result.counts.rejected) == (0, 1)
    assert any("Not reconciled: a record came that cannot be read" in each for each in told)
    stage.vendor.list("/stamps", *records[:3])
    assert stage.sync("stamps", SyncMode.FULL).counts.deleted == 1


@pytest.mark.parametrize("key", [b'"3x"', b"NaN", b"99999999999999999999", b"[3]"])
def test_nothing_is_marked_as_deleted_while_a_key_does_not_fit(stage: Stage, key: bytes) -> None:
    records = [b'{"id": %d, "values": {"motif": "a"}}' % n for n in range(4)]
    stage.vendor.list("/stamps", *records)
    stage.sync("stamps", SyncMode.FULL)
    for id, deleted in ((key, 0), (b"null", 1)):
        stage.vendor.list("/stamps", *records[:3], b'{"id": %s, "values": {"motif": "a"}}' % id)
        result = stage.sync("stamps", SyncMode.FULL)
        assert (result.counts.deleted, result.counts.rejected) == (deleted, 1)


def test_of_one_page_the_last_record_says_whether_it_is_gone(stage: Stage) -> None:
    lost, back = parcel("1", note="lost one"), parcel("1", note="back")
    alive = "SELECT note, _deleted_by FROM acme.parcels"
    stage.vendor.list("/parcels", lost, back)
    for mode in (SyncMode.INCREMENTAL, SyncMode.FULL):
        stage.sync("parcels", mode)
        assert stage.select(alive) == [("back", None)]
    stage.vendor.list("/parcels", back, lost)
    stage.sync("parcels")
    assert stage.select(alive) == [("back", "vendor")]
    stage.vendor.list("/parcels", lost, back)
    stage.sync("parcels")
    assert stage.select(alive) == [("back", None)]


def test_deletions_that_cannot_be_read_are_rejected_alone(stage: Stage) -> None:
    stage.vendor.list("/stamps", b'{"id": 1, "values": {}}', b'{"id": 2, "values": {}}')
    odd = (b"null", b"7", b'{"values": 5}', b'{"id": "2x", "values": {}}')
    stage.vendor.list("/stamps/gone", *odd, b'{"id": 1, "values": 5}')
    result = stage.sync("stamps")
    assert (result.counts.deleted, result.counts.rejected) == (1, 4)
    kept = [json.loads(record) for _, record, _ in stage.rejected]
    assert kept == [None, 7, {"values": 5}, ["2x"]]
    assert all(reason.startswith("The record is gone. ") for _, _, reason in stage.rejected)


def test_a_filter_that_cannot_read_a_value_leaves_it_to_its_column(stage: Stage) -> None:
    now = stage.platform.clock.now().isoformat()
    stage.platform.set_filters("acme", "parcels", {"sent_within": "30"})
    stage.vendor.list(
        "/parcels",
        parcel("new", sent=now),
        parcel("old"),
        parcel("strange", sent={"year": 1}),
        parcel("unmarked", sent=now, note=None),  # what tells whether it is gone fails, too
    )
    result = stage.sync("parcels")
    assert (result.counts.created, result.counts.rejected) == (2, 1)
    assert [key for key, _, _ in stage.rejected] == ["strange"]


def test_a_filter_drops_no_record_that_cannot_be_read(stage: Stage) -> None:
    stage.platform.set_filters("acme", "stamps", {"motif": "a"})
    stage.vendor.list("/stamps", b'{"id": 1, "values": {"motif": "b"}}', b'{"id": 2}')
    assert stage.sync("stamps").counts.rejected == 1


@pytest.mark.parametrize("note", [b"x" * 200_000, b"\xff"])
def test_a_long_text_in_csv_loads_and_a_broken_one_is_rejected_alone(
    stage: Stage, note: bytes
) -> None:
    stage.vendor.answers["/exported"] = b'id,note\n1,a\n2,"' + note + b'"\n'
    result = stage.sync("exported")
    assert result.counts.created + result.counts.rejected == 2
    assert result.counts.rejected == (note == b"\xff")


def test_an_object_without_any_field_is_loaded_by_its_key(stage: Stage) -> None:
    stage.vendor.list("/labels", b'{"code": "a", "text": "A"}', b'{"code": 7}')
    result = stage.sync("labels")
    assert (result.status, result.counts.created) == (SyncStatus.SUCCEEDED, 2)
    assert stage.select("SELECT code FROM acme.labels ORDER BY 1") == [("7",), ("a",)]


@pytest.mark.parametrize("mode", [SyncMode.INCREMENTAL, SyncMode.FULL])
def test_fields_that_come_later_become_columns(stage: Stage, mode: SyncMode) -> None:
    stage.vendor.list("/labels", b'{"code": "a", "text": "A"}')
    stage.sync("labels")
    known = [{"name": "code", "type": "text"}, {"name": "text", "type": "text"}]
    stage.vendor.answers["/fields"] = json.dumps(known).encode()
    assert stage.sync("labels", mode).counts.updated == 1
    assert stage.select("SELECT code, text FROM acme.labels") == [("a", "A")]


def test_a_table_whose_fields_are_all_gone_keeps_its_columns_and_their_types(stage: Stage) -> None:
    known = [{"name": "code", "type": "integer"}, {"name": "text", "type": "text"}]
    stage.vendor.answers["/fields"] = json.dumps(known).encode()
    stage.vendor.list("/labels", b'{"code": 7, "text": "A"}')
    stage.sync("labels")
    stage.vendor.answers["/fields"] = b"[]"
    stage.vendor.list("/labels", b'{"code": 7, "text": "B"}', b'{"code": 8}')
    assert stage.sync("labels", SyncMode.FULL).counts.created == 1
    assert stage.select("SELECT code, text FROM acme.labels ORDER BY 1") == [(7, "A"), (8, None)]


def test_fields_without_the_key_are_refused_with_what_to_do(stage: Stage) -> None:
    stage.vendor.answers["/fields"] = b'[{"name": "text", "type": "text"}]'
    with pytest.raises(ConfigurationError) as refused:
        stage.sync("labels", SyncMode.FULL)
    said = str(refused.value)
    assert "the key 'code' is not among its fields, so no table can be made" in said
    assert "mend `key` in the connector" in said
