"""Imports run one way: the layers are listed here once, and the syntax trees prove them.

A layer is a package or module directly under `pytempo`. An arrow is any import of one layer by another: at the top of a module, inside a
function, under TYPE_CHECKING, relative or absolute. An import inside a function needs its reason beside it (`# lazy: ...`), and only such
an import may go against the direction.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ANYBODY = {"allocator", "errors", "model", "telemetry"}
"""The leaves that every layer may import."""

MAY_IMPORT: dict[str, set[str]] = {
    "allocator": set(),
    "errors": set(),
    "model": {"errors"},
    "telemetry": {"errors"},
    "backend": ANYBODY,
    "limits": ANYBODY,
    "live": ANYBODY,
    "otlp": ANYBODY,
    "traceql": ANYBODY,
    "wal": ANYBODY,
    "block": {"backend", "otlp"} | ANYBODY,
    "blocklist": {"backend", "block"} | ANYBODY,
    "maintenance": {"live", "wal", "otlp", "blocklist", "block"} | ANYBODY,
    "query": {"traceql", "live", "blocklist", "block"} | ANYBODY,
    # parts of the store that stand beside it
    "options": {"query", "maintenance", "limits"} | ANYBODY,
    "directory": ANYBODY,
    "committing": {"otlp"} | ANYBODY,
    "ingest": {"committing", "limits", "live", "otlp", "wal"} | ANYBODY,
    "store_metrics": {"maintenance", "live", "wal", "blocklist"} | ANYBODY,
    "questions": {"options", "limits", "query", "traceql", "maintenance"} | ANYBODY,
    "store": {
        "questions",
        "directory",
        "ingest",
        "store_metrics",
        "options",
        "query",
        "traceql",
        "maintenance",
        "limits",
        "live",
        "wal",
        "otlp",
        "blocklist",
        "block",
        "backend",
    }
    | ANYBODY,
    "config": {"store", "limits", "query", "maintenance", "live", "wal", "otlp", "traceql", "blocklist", "block", "backend"} | ANYBODY,
    "server": {"store", "limits", "query", "config", "otlp"} | ANYBODY,
    "cli": {"server", "store", "limits", "directory", "query", "config", "otlp"} | ANYBODY,
    # faces on the store
    "exporter": {"store"} | ANYBODY,
    "testing": {"exporter", "store"} | ANYBODY,
    "__init__": {"exporter", "options", "store"} | ANYBODY,
    "__main__": {"cli"},
}

OPTIONS_ONLY = {"config"}
"""Layers that take nothing from the layers below but their options types (names that end in `Options`)."""


@dataclass(frozen=True)
class Arrow:
    """One name that one module of ours imports from another."""

    module: str
    line: int
    target: str
    name: str
    lazy: bool
    reason: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}" + (f" ({self.name})" if self.name else "")

    @property
    def source_layer(self) -> str:
        return layer_of(self.module)

    @property
    def target_layer(self) -> str:
        """The layer that is reached; `from pytempo import wal` reaches wal, `from pytempo import open` the front door."""
        return self.name if self.target == "pytempo" and self.name in MAY_IMPORT else layer_of(self.target)


def layer_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def absolute(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    """The module that a `from ... import` names, its dots resolved."""
    if not node.level:
        return node.module or ""
    package = module.split(".") if is_package else module.split(".")[:-1]
    base = package[: len(package) - (node.level - 1)]
    return ".".join(base + ([node.module] if node.module else []))


def in_functions(tree: ast.Module) -> set[int]:
    """The identities of all nodes that stand inside a function."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    return {id(inner) for function in functions for inner in ast.walk(function) if inner is not function}


def arrows(source: str, module: str, is_package: bool = False) -> Iterator[Arrow]:
    """Every import of something of ours in one module's text."""
    tree, lines = ast.parse(source), source.splitlines()
    inside = in_functions(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = [(absolute(module, is_package, node), alias.name) for alias in node.names]
        else:
            continue
        reason = any(re.search(r"# lazy: \S", line) for line in lines[node.lineno - 1 : node.end_lineno])
        for target, name in targets:
            if target.split(".")[0] == "pytempo":
                yield Arrow(module, node.lineno, target, name, id(node) in inside, reason)


def dynamic_imports(source: str, module: str) -> list[str]:
    """Calls that import by a name made at run time, which no reader of the syntax tree can follow."""
    found = []
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name in {"__import__", "import_module"}:
            found.append(f"{module}:{node.lineno} imports dynamically with {name}")
    return found


def faults(arrow: Arrow) -> list[str]:
    """What is wrong with one import, in words."""
    if arrow.lazy and not arrow.reason:
        return [f"{arrow} inside a function without a `# lazy: reason` on its line"]
    if arrow.lazy or arrow.source_layer == arrow.target_layer:
        return []
    if arrow.source_layer not in MAY_IMPORT:
        return [f"{arrow}, but {arrow.source_layer} is not in the table of layers"]
    if arrow.target_layer not in MAY_IMPORT[arrow.source_layer]:
        return [f"{arrow}, but {arrow.source_layer} may not import {arrow.target_layer}"]
    if arrow.source_layer in OPTIONS_ONLY and arrow.target_layer not in ANYBODY and not arrow.name.endswith("Options"):
        return [f"{arrow}, but {arrow.source_layer} may take only options types from {arrow.target_layer}"]
    return []


def modules(root: Path) -> Iterator[tuple[str, bool, str]]:
    """(dotted name, is a package, text) of every module of the package."""
    for path in sorted((root / "pytempo").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield ".".join(parts[:-1] if is_package else parts), is_package, path.read_text()


def test_every_layer_imports_only_what_lies_below_it(project_root: Path) -> None:
    found = [
        fault for name, is_package, text in modules(project_root) for arrow in arrows(text, name, is_package) for fault in faults(arrow)
    ]
    assert not found, "\n".join(found)


def test_nothing_is_imported_by_a_name_made_at_run_time(project_root: Path) -> None:
    found = [fault for name, _, text in modules(project_root) for fault in dynamic_imports(text, name)]
    assert not found, "\n".join(found)


def test_every_layer_of_the_package_is_in_the_table(project_root: Path) -> None:
    assert {layer_of(name) for name, _, _ in modules(project_root)} <= MAY_IMPORT.keys()


def test_the_table_of_layers_has_no_cycle() -> None:
    done: set[str] = set()
    while ready := {layer for layer, below in MAY_IMPORT.items() if layer not in done and below - {layer} <= done}:
        done |= ready
    assert done == MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("source", "module", "fault"),
    [
        ("import pytempo.store as s", "pytempo.wal.segment", "wal may not import store"),
        ("from pytempo import store", "pytempo.wal.segment", "wal may not import store"),
        ("from pytempo import open", "pytempo.wal.segment", "wal may not import __init__"),
        ("from ..store import Store", "pytempo.wal.segment", "wal may not import store"),
        ("from .. import store", "pytempo.wal.segment", "wal may not import store"),
        ("from . import store", "pytempo.errors", "errors may not import store"),
        ("if TYPE_CHECKING:\n    from pytempo.query import Search", "pytempo.live.source", "live may not import query"),
        ("def f():\n    from pytempo.errors import Damaged", "pytempo.wal.segment", "without a `# lazy: reason`"),
        ("def f():\n    from pytempo.errors import Damaged  # lazy:", "pytempo.wal.segment", "without a `# lazy: reason`"),
        ("from pytempo.maintenance import Flusher", "pytempo.config.tempo", "only options types"),
        ("from pytempo.model import Batch", "pytempo.strange.thing", "not in the table"),
    ],
)
def test_an_arrow_against_the_direction_is_seen(source: str, module: str, fault: str) -> None:
    (found,) = [fault for arrow in arrows(source, module) for fault in faults(arrow)]
    assert fault in found


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from .segment import Segment", "pytempo.wal.replay"),
        ("from pytempo.model import Batch", "pytempo.live.source"),
        ("from pytempo.wal import WalOptions", "pytempo.config.tempo"),
        ("def f():\n    from pytempo.server import serve  # lazy: reading commands need no server", "pytempo.store"),
        ("import os.path\nfrom collections import abc", "pytempo.errors"),
    ],
)
def test_an_arrow_in_the_direction_passes(source: str, module: str) -> None:
    assert [fault for arrow in arrows(source, module) for fault in faults(arrow)] == []


def test_a_relative_import_in_a_package_starts_at_that_package() -> None:
    (arrow,) = arrows("from .segment import Segment", "pytempo.wal", is_package=True)
    assert arrow.target == "pytempo.wal.segment"
