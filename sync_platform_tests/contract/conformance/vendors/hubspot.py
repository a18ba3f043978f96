"""HubSpot, as the conformance kit knows it."""

from datetime import timedelta
from time import sleep

from sync_platform.sandbox import HubSpot
from sync_platform_tests.conftest import LIMITS
from sync_platform_tests.contract.conformance.stage import Vouched


def _hubspot(burst: int | None = None, search_per_second: int | None = None) -> HubSpot:
    vendor = HubSpot(burst=burst, search_per_second=search_per_second)
    vendor.add_property("contacts", "hat_size", "number")
    return vendor


def _others_call(vendor: HubSpot) -> None:
    """Within the ten seconds that HubSpot counts. A sync makes the three calls that are left; the
    last of them is no search, whose answer would not tell that none is left."""
    burst = vendor.limits["burst"]
    burst.taken.extend([vendor.clock()] * ((burst.calls or 0) - len(burst.taken) - 3))


def _tie(vendor: HubSpot) -> None:
    vendor.add_many("contacts", 450)  # all in one millisecond


def _forbid(vendor: HubSpot) -> None:
    vendor.fail(kind="status", status=403, times=100, path="*/contacts/search")


def _weird(vendor: HubSpot, text: str) -> None:
    vendor.add("contacts", email="weird@example.com", firstname=text)


def _new_field(vendor: HubSpot) -> str:
    vendor.add_property("contacts", "shoe_size", "number")
    return "shoe_size"


def _fill_field(vendor: HubSpot) -> str:
    return vendor.add("contacts", email="hatter@example.com", hat_size="7")


def _drop_field(vendor: HubSpot) -> str:
    vendor.remove_property("contacts", "hat_size")
    return "hat_size"


vouched = Vouched(
    connector="hubspot",
    vendor=_hubspot,
    limited=lambda: _hubspot(burst=100, search_per_second=5),
    others_call=_others_call,
    tick=timedelta(milliseconds=1),
    object="contacts",
    page=200,
    settings=dict.fromkeys(LIMITS, "unlimited"),
    reads="*/contacts/search",
    writes={"email": "new@example.com", "firstname": "New"},
    rewrites={"firstname": "Renewed"},
    refused={"email": "new@example.com", "no_such_property": "1"},
    cap=lambda vendor: vendor.add_many("contacts", 10_001),
    tie=_tie,
    lag=lambda vendor: setattr(vendor, "search_lag", 0.2),
    settled=lambda vendor: sleep(vendor.search_lag),  # a lag is nothing but time
    restore=lambda vendor, id: vendor.restore("contacts", id),
    vanish=lambda vendor, id: vendor.purge("contacts", id),
    weird=_weird,
    weird_column="firstname",
    new_field=_new_field,
    drop_field=_drop_field,
    fill_field=_fill_field,
    revoke=lambda vendor: vendor.tokens.clear(),
    forbid=_forbid,
    not_offered={
        "a_renamed_field": "A property's name is its identity; only its label can change.",
        "rotated": "HubSpot's refresh tokens stay the same.",
        "sent_twice": "HubSpot has no idempotency keys: a create whose answer is lost may make two "
        "records, so it is not repeated.",
    },
    gaps=[
        "Answers to searches do not tell how many calls are left: where other apps call, too, and "
        "a search takes the last call, the next one is refused and waited for.",
        "Associations between records are not read.",
        "Custom object types are not discovered.",
        "Calculated properties are refreshed by the daily full sync only.",
    ],
)
