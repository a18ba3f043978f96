"""Every connector that the kit vouches for, with what decides whether a behaviour is offered."""

from importlib import import_module
from pkgutil import iter_modules

from sync_platform.spec import ConnectorObject
from sync_platform_tests.contract.conformance import behaviours, vendors, writing
from sync_platform_tests.contract.conformance.behaviours import BEHAVIOURS, Behaviour
from sync_platform_tests.contract.conformance.stage import Vouched

__all__ = ["BEHAVIOURS", "VOUCHED", "lacking"]
MODULES = (behaviours, writing)  # importing them fills BEHAVIOURS

VOUCHED: list[Vouched] = [
    import_module(f"{vendors.__name__}.{found.name}").vouched
    for found in iter_modules(vendors.__path__)
]


def lacking(behaviour: Behaviour, it: Vouched, obj: ConnectorObject) -> bool:
    """Whether the connector lacks what the behaviour needs."""
    match behaviour.needs:
        case "":
            return False
        case "idempotent":
            return obj.create is None or behaviour.name in it.not_offered
        case "silent_deletions":
            return obj.sees_deletes
        case "incremental" | "sees_deletes" | "create" | "update" | "delete":
            return not getattr(obj, behaviour.needs)
        case hook:
            return getattr(it, hook) is None
