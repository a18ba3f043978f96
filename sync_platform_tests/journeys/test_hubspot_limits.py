"""HubSpot's calls of the day, which all apps of the account share."""

import pytest

from sync_platform.engine.modes import SyncMode
from sync_platform.engine.results import Target
from sync_platform.engine.sync import SyncRequest
from sync_platform.errors import RateLimited
from sync_platform.platform import Platform
from sync_platform.sandbox.hubspot import HubSpot
from sync_platform_tests.conftest import LIMITS


@pytest.mark.usefixtures("acme")
def test_the_last_calls_of_a_day_are_left_to_others(platform: Platform, hubspot: HubSpot) -> None:
    hubspot.add_many("contacts", 3)
    burst = {name: "unlimited" for name in LIMITS if not name.endswith("daily")}
    platform.store.set_settings("acme-hubspot", burst)
    hubspot.set_limits({"daily": 3})
    request = SyncRequest(target=Target("acme-hubspot", "contacts"), mode=SyncMode.FULL)
    with pytest.raises(RateLimited, match=r"It goes on by itself in \d+ minutes\."):
        platform.sync(request).run(into=platform.destination)
    assert hubspot.statuses[429] == 0
