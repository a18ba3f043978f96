"""What a person may choose to leave out, checked before anything is asked of the vendor."""

from collections.abc import Mapping

import pytest

from sync_platform.engine.filters import ask_the_same, checked, for_read
from sync_platform.errors import ConfigurationError, Refused
from sync_platform.spec import ConnectorObject, Filter, get
from sync_platform_tests.fakes import NOON

ORDERS = ConnectorObject(
    name="orders",
    fields=(),
    read=get("/orders"),
    filters=[
        Filter(name="age", label="Age", kind="days"),
        Filter(name="stage", label="Stage"),
        Filter(name="side", label="Side", values=("sale", "bill", "both")),
        Filter(name="formula", label="Formula", kind="text"),
    ],
)


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "", "soon", "36501", "9" * 5000])
def test_what_is_no_number_of_days_is_refused(days: str) -> None:
    with pytest.raises(Refused, match="takes a number of days"):
        checked(ORDERS, {"age": days})


def test_a_number_of_days_is_taken_as_it_is() -> None:
    assert checked(ORDERS, {"age": "36500"}) == {"age": "36500"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({"stage": "customer, lead"}, {"stage": "customer,lead"}),
        ({"stage": " lead ,customer,,lead,"}, {"stage": "customer,lead"}),
        ({"stage": "no stage at all"}, {"stage": "no stage at all"}),
        ({"side": "bill , sale"}, {"side": "sale,bill"}),
        ({"age": " 090 "}, {"age": "90"}),
        ({"formula": " IF({Name},,1) "}, {"formula": "IF({Name},,1)"}),
    ],
)
def test_what_asks_for_the_same_is_kept_in_one_way_of_writing(
    written: Mapping[str, str], kept: Mapping[str, str]
) -> None:
    assert checked(ORDERS, written) == kept
    assert ask_the_same(ORDERS, kept, written)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"side": "sale, bills"}, "takes sale, bill, both, not 'sale, bills'"),
        ({"side": "sale bill"}, "takes sale, bill, both"),
        ({"stage": " , "}, "takes values with commas between"),
        ({"formula": "  "}, "'formula' is empty. Leave it out"),
    ],
)
def test_a_value_that_there_is_not_and_none_at_all_are_refused(
    wrong: Mapping[str, str], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        checked(ORDERS, wrong)


def test_what_was_kept_before_it_was_written_so_is_read_so() -> None:
    asked = for_read(ORDERS, {"stage": "customer, lead", "age": "1"}, NOON)
    assert asked == {"stage": "customer,lead", "age": "2026-11-20T12:00:00.000Z"}


@pytest.mark.parametrize("chosen", [{"colour": "red"}, {"side": "none"}, {"age": "a while"}])
def test_a_chosen_filter_that_the_connector_has_no_more_is_not_left_out(
    chosen: Mapping[str, str],
) -> None:
    with pytest.raises(ConfigurationError, match=r"what orders is filtered by.* Choose its filter"):
        for_read(ORDERS, chosen, NOON)
    assert not ask_the_same(ORDERS, {}, chosen)
