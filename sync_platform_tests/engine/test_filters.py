"""What a person may choose to leave out, checked before anything is asked of the vendor."""

import pytest

from sync_platform.engine.filters import checked
from sync_platform.errors import Refused
from sync_platform.spec import ConnectorObject, Filter, get

ORDERS = ConnectorObject(
    name="orders",
    fields=(),
    read=get("/orders"),
    filters=[Filter(name="age", label="Age", kind="days")],
)


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "", "soon", "36501", "9" * 5000])
def test_what_is_no_number_of_days_is_refused(days: str) -> None:
    with pytest.raises(Refused, match="takes a number of days"):
        checked(ORDERS, {"age": days})


def test_a_number_of_days_is_taken_as_it_is() -> None:
    assert checked(ORDERS, {"age": "36500"}) == {"age": "36500"}
