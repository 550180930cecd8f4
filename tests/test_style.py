"""Habits of the house that a linter does not know, held over every module of the package."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

LONGEST_MODULE = 400
"""Lines. A module that needs more holds a second idea."""

MODULES = sorted((ROOT / "pytempo").rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def swallowed(tree: ast.Module) -> Iterator[int]:
    """The lines of handlers that catch an error and do nothing about it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(
            isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)) for s in node.body
        ):
            yield node.lineno


def reading_order(name: str) -> tuple[int, str]:
    """CONSTANTS first, then Classes, then functions; by name within each. The linter's order, too."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def exported(tree: ast.Module) -> list[str] | None:
    """The names of `__all__`, None where a module has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def taken_from_own_modules(tree: ast.Module) -> set[str]:
    """Public names that a package takes from its own modules, at the top level."""
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and (n.level or (n.module or "").split(".")[0] == "pytempo")]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_first_what_it_owns(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{name_of(path)} has no docstring"
    assert path.read_text().lstrip().startswith(('"""', 'r"""')), f"{name_of(path)} does not open with its docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_error_is_swallowed(path: Path) -> None:
    assert list(swallowed(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert re.findall(r"\b(?:TODO|FIXME|XXX)\b", path.read_text()) == []


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_a_package_lists_its_public_names_in_order(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = exported(tree)
    assert names is not None, f"{name_of(path)} has no __all__"
    assert names == sorted(set(names), key=reading_order)
    assert taken_from_own_modules(tree) <= set(names)


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_every_listed_name_is_there(path: Path) -> None:
    package = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts))
    missing = [name for name in package.__all__ if not hasattr(package, name)]
    assert missing == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("try:\n    f()\nexcept OSError:\n    pass", [3]),
        ("try:\n    f()\nexcept OSError:\n    ...", [3]),
        ("try:\n    f()\nexcept OSError as e:\n    raise Damaged(path, str(e)) from e", []),
    ],
)
def test_a_swallowed_error_is_seen(source: str, lines: list[int]) -> None:
    assert list(swallowed(ast.parse(source))) == lines
