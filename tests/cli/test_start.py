"""A command that needs no data starts fast: what takes long to load is loaded by the commands that use it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["fastapi", "grpc", "numpy", "pyarrow"])
def test_the_command_line_itself_loads_nothing_heavy(module: str) -> None:
    asked = f"import sys; import pytempo.cli.app; print({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("module", ["rich", "typer"])
def test_a_start_with_tempos_arguments_loads_no_other_command(module: str) -> None:
    asked = f"import sys; import pytempo.cli; print({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout == "False\n"
