"""The front door: which names `pytempo` has, that they are there, and what is loaded when."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import pytempo
import pytempo.testing
from pytempo import errors
from tests.conftest import ROOT


def run(code: str) -> str:
    """What Python code prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60).stdout.strip()


def test_the_public_names_are_sorted_and_there_is_no_other() -> None:
    assert pytempo.__all__ == sorted(pytempo.__all__)
    there = {
        name
        for name in dir(pytempo)
        if not name.startswith("_")
        and not isinstance(getattr(pytempo, name), types.ModuleType)
        and name not in ("annotations", "Any", "TYPE_CHECKING")
    }
    assert there == set(pytempo.__all__)


def test_every_public_name_can_be_imported() -> None:
    names: dict[str, object] = {}
    exec("from pytempo import *", names)
    assert set(pytempo.__all__) <= names.keys()


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(pytempo.__all__)
    for name in errors.__all__:
        assert issubclass(getattr(pytempo, name), pytempo.PytempoError)


def test_names_that_are_loaded_late_are_the_ones_that_type_checkers_see() -> None:
    tree = ast.parse(Path(pytempo.__file__).read_text())
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    declared = {alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {name: getattr(pytempo, name).__module__ for name in declared} == declared


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pytempo' has no attribute 'Stoer'"):
        pytempo.Stoer  # noqa: B018


def test_importing_the_package_loads_neither_columns_nor_the_sdk() -> None:
    assert run("import sys, pytempo; print(sorted({'pyarrow', 'numpy', 'opentelemetry.sdk', 'fastapi'} & sys.modules.keys()))") == "[]"


def test_opening_a_store_loads_neither_server_nor_sdk() -> None:
    assert run("import sys, pytempo; pytempo.open; print(sorted({'opentelemetry.sdk', 'fastapi', 'grpc'} & sys.modules.keys()))") == "[]"


WITHOUT_THE_SDK = """
import sys
sys.modules["opentelemetry.sdk"] = None
try:
    from pytempo import StoreSpanExporter
except ImportError as error:
    print(error)
import pytempo
print(pytempo.open.__name__)
"""


def test_without_the_sdk_the_exporter_says_what_to_install() -> None:
    said, opened = run(WITHOUT_THE_SDK).splitlines()
    assert said.endswith("pip install 'pytempo[sdk]'")
    assert opened == "open"


@pytest.mark.parametrize("module", ["opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.common.trace_encoder"])
def test_what_the_exporter_imports_comes_with_its_extra(module: str) -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["sdk"]
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    distributions = [importlib.metadata.distribution(re.split(r"[<>=~!\[; ]", requirement)[0]) for requirement in extra]
    owned = {str(found.locate_file(file)) for found in distributions for file in found.files or []}
    assert spec.origin in owned


def test_the_testing_module_lists_its_names() -> None:
    assert pytempo.testing.__all__ == ["Recording", "recording", "store"]
    assert all(hasattr(pytempo.testing, name) for name in pytempo.testing.__all__)
