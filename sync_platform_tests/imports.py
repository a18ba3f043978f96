"""The imports of a file, read without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "sync_platform"


@dataclass(frozen=True)
class Import:
    """One module that a file imports. `typing` is whether only the type checker sees it."""

    file: Path
    line: int
    importer: str  # without "sync_platform."
    module: str
    typing: bool = False

    @property
    def ours(self) -> str | None:
        """The module's name in the house; None where it is not ours."""
        if self.module == "sync_platform":
            return "sync_platform"
        return self.module.removeprefix("sync_platform.") if _is_ours(self.module) else None

    @property
    def top(self) -> str:
        return self.module.split(".")[0]


def imports_of(file: Path, house: Path = HOUSE) -> Iterator[Import]:
    """Every import in a file, wherever in it."""
    importer = module_of(file, house)
    tree = ast.parse(file.read_text("utf-8"), str(file))
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = _start(node, importer, is_package=file.name == "__init__.py")
            names = [_deepest(start, alias.name, house) for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(file, node.lineno, importer, name, node in hidden)


def module_of(file: Path, house: Path = HOUSE) -> str:
    """`spec.api` for sync_platform/spec/api.py; `spec` for its __init__."""
    parts = file.relative_to(house).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) or "sync_platform"


def _is_ours(module: str) -> bool:
    return module == "sync_platform" or module.startswith("sync_platform.")


def _start(node: ast.ImportFrom, importer: str, *, is_package: bool) -> str:
    """The absolute name of what stands after `from`."""
    if not node.level:
        return node.module or ""
    above = [] if importer == "sync_platform" else importer.split(".")
    up = node.level - 1 if is_package else node.level
    parts = ["sync_platform", *above][: len(above) + 1 - up]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _deepest(start: str, name: str, house: Path) -> str:
    """The module that `from start import name` reads: start.name, where that is a module."""
    if not _is_ours(start):
        return start
    folder = house.joinpath(*start.split(".")[1:])
    found = (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    return f"{start}.{name}" if found else start
