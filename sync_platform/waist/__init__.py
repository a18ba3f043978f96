"""The waist behind Platform: what its verbs do with store, transport, destination and engine.

Each module is imported when the first verb of it is called, so that a command which syncs does not
wait for what connects accounts, lists connections or launches runs.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync_platform.waist import (
        adjusting,
        choosing,
        clients,
        disconnecting,
        discovering,
        frames,
        gate,
        idle_sign_ins,
        planning,
        requesting,
        starting,
        watching,
    )

__all__ = [
    "adjusting",
    "choosing",
    "clients",
    "disconnecting",
    "discovering",
    "frames",
    "gate",
    "idle_sign_ins",
    "planning",
    "requesting",
    "starting",
    "watching",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
