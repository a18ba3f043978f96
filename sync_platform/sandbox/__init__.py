"""Vendors to try and test against: stateful fakes of their APIs, served over real HTTP on loopback.

    with serve(HubSpot(contacts=100)) as hubspot:
        httpx.get(f"{hubspot.url}/crm/v3/objects/contacts", headers=...)

or, from a shell, `python -m sync_platform.sandbox hubspot`.
"""

from sync_platform.sandbox.hubspot import HubSpot
from sync_platform.sandbox.serving import serve
from sync_platform.sandbox.vendor import Vendor

__all__ = ["HubSpot", "Vendor", "serve"]
