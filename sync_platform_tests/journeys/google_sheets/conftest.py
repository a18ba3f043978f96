"""A desk with a spreadsheet on it."""

from collections.abc import Iterator

import pytest

from sync_platform.platform import Platform
from sync_platform.sandbox import serve
from sync_platform.sandbox.google_sheets import ROBOT, GoogleSheets
from sync_platform_tests.contract.conformance.vendors.google_sheets import robot_key
from sync_platform_tests.journeys.google_sheets.desk import Desk


@pytest.fixture
def desk(platform: Platform) -> Iterator[Desk]:
    with serve(GoogleSheets(people=30, service_accounts={ROBOT: robot_key()[1]})) as vendor:
        yield Desk(platform, vendor)
