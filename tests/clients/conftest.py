"""What the tests of the clients share: the packages of npm that they run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "node"

INSTALL_SECONDS = 120


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients and what they need, installed from the registry of npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: the exporters of JavaScript need them")
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(HERE, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the exporters within {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm cannot install the exporters: {done.stderr.strip().splitlines()[-1:]}")
    return folder
