"""Every connector there is: those in this folder, from entry points, and from people's own folders.

A connector is a module that holds `connector = spec.Connector(...)`. Own ones come by the entry
point group `sync_platform.connectors`, or as .py files in the folders that are handed in.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from sync_platform import spec
from sync_platform.errors import ConnectorFault

ENTRY_POINTS = "sync_platform.connectors"


def load_connectors(folders: Sequence[Path] = ()) -> dict[str, spec.Connector]:
    """All connectors by name; raises ConnectorFault, naming file and slot, if any is faulty."""
    found: dict[str, spec.Connector] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    for origin, load in _origins(folders):
        try:
            connector = load()
        except ConnectorFault as fault:
            problems.append(str(fault))
            continue
        wrong = spec.faults(connector)
        if not wrong and connector.name in found:
            wrong = [f"name: {connector.name!r} is taken by {origins[connector.name]}."]
        if wrong:
            problems.append(f"The connector in {origin} is faulty:\n  " + "\n  ".join(wrong))
            continue
        found[connector.name] = connector
        origins[connector.name] = origin
    if problems:
        raise ConnectorFault("\n".join(problems))
    return found


class _Load:
    """Imports one origin when called, and takes its `connector` out."""

    def __init__(self, origin: str, module: str | Path, attribute: str = "connector") -> None:
        self.origin, self.module, self.attribute = origin, module, attribute

    def __call__(self) -> spec.Connector:
        try:
            module = _imported(self.module)
        except Exception as error:
            raise ConnectorFault(
                f"The connector in {self.origin} cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
        connector = getattr(module, self.attribute, None)
        if not isinstance(connector, spec.Connector):
            raise ConnectorFault(
                f"{self.origin} holds no `{self.attribute} = spec.Connector(...)`: "
                f"found {connector!r}."
            )
        return connector


def _origins(folders: Sequence[Path]) -> Iterator[tuple[str, _Load]]:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):  # tables and reads that a connector has beside it
            name = f"{__name__}.{module.name}"
            yield name, _Load(name, name)
    for point in entry_points(group=ENTRY_POINTS):
        origin = f"{point.value} (entry point {point.name!r})"
        yield origin, _Load(origin, point.module, point.attr or "connector")
    for folder in folders:
        if not folder.is_dir():
            raise ConnectorFault(f"The connector folder {folder} does not exist.")
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                yield str(file), _Load(str(file), file)


def _imported(module: str | Path) -> ModuleType:
    if isinstance(module, str):
        return importlib.import_module(module)
    name = f"sync_platform_own_connectors_{module.stem}"
    found = importlib.util.spec_from_file_location(name, module)
    if found is None or found.loader is None:
        raise ImportError(f"{module} is not a Python file")
    loaded = importlib.util.module_from_spec(found)
    sys.modules[name] = loaded
    found.loader.exec_module(loaded)
    return loaded
