"""What an app asks of the fake Xero."""

import httpx

from sync_platform.sandbox.xero import TENANTS, Xero

FIRST, SECOND = TENANTS


def calling(xero: Xero, token: str = "all", tenant: str = FIRST.id) -> httpx.Client:
    signed = {"Authorization": f"Bearer {token}", "xero-tenant-id": tenant}
    return httpx.Client(base_url=f"{xero.url}/api.xro/2.0", headers=signed)


def got(xero: Xero, path: str, token: str = "all", tenant: str = FIRST.id) -> httpx.Response:
    with calling(xero, token, tenant) as client:
        return client.get(path)
