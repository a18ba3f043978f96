"""Every connector that the kit vouches for, with what decides whether a behaviour is offered."""

from importlib import import_module
from pkgutil import iter_modules

from sync_platform.sandbox.vendor import Vendor
from sync_platform.spec import Connector, ConnectorObject, OAuth2
from sync_platform_tests.contract.conformance import (
    deletions,
    failures,
    incremental,
    limits,
    reading,
    schema,
    signing_in,
    vendors,
    writing,
)
from sync_platform_tests.contract.conformance.behaviours import BEHAVIOURS, Behaviour
from sync_platform_tests.contract.conformance.stage import Vouched

__all__ = ["BEHAVIOURS", "VOUCHED", "lacking"]
# Importing them fills BEHAVIOURS; the scorecard has them in this order.
MODULES = (reading, incremental, deletions, failures, limits, signing_in, schema, writing)
BEHAVIOURS.sort(key=lambda it: [each.__name__ for each in MODULES].index(it.holds.__module__))

VOUCHED: list[Vouched] = [
    import_module(f"{vendors.__name__}.{found.name}").vouched
    for found in iter_modules(vendors.__path__)
]


def lacking(
    behaviour: Behaviour, it: Vouched, connector: Connector, obj: ConnectorObject, vendor: Vendor
) -> bool:
    """Whether the connector lacks what the behaviour needs."""
    oauth = next((way for way in connector.auth if isinstance(way, OAuth2)), None)
    server = vendor.authorization_server()
    match behaviour.needs:
        case "":
            return False
        case "oauth":
            return oauth is None or server is None
        case "rotates":
            return oauth is None or not oauth.refresh_rotates
        case "lifetime":
            return oauth is None or server is None or server.expires_in == "missing"
        case "idempotent":
            return obj.create is None or behaviour.name in it.not_offered
        case "incremental" | "sees_deletes" | "create" | "update" | "delete":
            return not getattr(obj, behaviour.needs)
        case hook:
            return getattr(it, hook) is None
