"""Every connector there is: those in this folder, from entry points, and from people's own folders.

A connector is a module that holds `connector = spec.Connector(...)`. Own ones come by the entry
point group `sync_platform.connectors`, or as .py files in the folders that are handed in.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType

from sync_platform import spec
from sync_platform.errors import ConnectorFault

ENTRY_POINTS = "sync_platform.connectors"


def load_connectors(folders: Sequence[Path] = ()) -> dict[str, spec.Connector]:
    """All connectors by name; raises ConnectorFault, naming file and slot, if any is faulty."""
    return dict(Connectors(folders))


class Connectors(Mapping[str, spec.Connector]):
    """All connectors by name. One whose file is called like it is imported alone; whatever needs
    more raises ConnectorFault, naming file and slot, if any of them is faulty."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = folders
        self._sound: dict[str, spec.Connector] = {}  # by their origins
        self._alone: dict[str, spec.Connector] = {}  # by name: those that were imported alone
        self._all: dict[str, spec.Connector] | None = None

    def __getitem__(self, name: str) -> spec.Connector:
        if name in self._alone:
            return self._alone[name]
        if self._all is None:
            for load in _files(self._folders):
                if load.called == name and (connector := self._loaded(load)).name == name:
                    self._alone[name] = connector
                    return connector
        return self._every()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())

    def _every(self) -> dict[str, spec.Connector]:
        if self._all is not None:
            return self._all
        found: dict[str, spec.Connector] = {}
        origins: dict[str, str] = {}
        problems: list[str] = []
        for load in chain(_files(self._folders), _installed()):
            try:
                connector = self._loaded(load)
                if connector.name in found:
                    taken = f"name: {connector.name!r} is taken by {origins[connector.name]}."
                    raise _faulty(load.origin, [taken])
            except ConnectorFault as fault:
                problems.append(str(fault))
                continue
            found[connector.name], origins[connector.name] = connector, load.origin
        if problems:
            raise ConnectorFault("\n".join(problems))
        self._all = found
        return found

    def _loaded(self, load: "_Load") -> spec.Connector:
        """The origin's connector, imported once; raises ConnectorFault."""
        if load.origin not in self._sound:
            connector = load()
            if wrong := spec.faults(connector):
                raise _faulty(load.origin, wrong)
            self._sound[load.origin] = connector
        return self._sound[load.origin]


def _faulty(origin: str, wrong: Sequence[str]) -> ConnectorFault:
    return ConnectorFault(f"The connector in {origin} is faulty:\n  " + "\n  ".join(wrong))


class _Load:
    """Imports one origin when called, and takes its `connector` out."""

    def __init__(self, origin: str, module: str | Path, attribute: str = "connector") -> None:
        self.origin, self.module, self.attribute = origin, module, attribute

    @property
    def called(self) -> str:
        """The file, without folder and ending."""
        return self.module.stem if isinstance(self.module, Path) else self.module.split(".")[-1]

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


def _files(folders: Sequence[Path]) -> Iterator[_Load]:
    """Those of this folder, and of people's own."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):  # tables and reads that a connector has beside it
            name = f"{__name__}.{module.name}"
            yield _Load(name, name)
    for folder in folders:
        if not folder.is_dir():
            raise ConnectorFault(f"The connector folder {folder} does not exist.")
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                yield _Load(str(file), file)


def _installed() -> Iterator[_Load]:
    """Those that installed packages bring."""
    from importlib.metadata import entry_points  # looks into every package there is

    for point in entry_points(group=ENTRY_POINTS):
        origin = f"{point.value} (entry point {point.name!r})"
        yield _Load(origin, point.module, point.attr or "connector")


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
