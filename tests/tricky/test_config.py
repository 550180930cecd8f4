"""Tricky configurations, as a process is started with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytempo.config.check import read_text
from pytempo.errors import BadConfig

HOUR = 3600 * 10**9


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    return subprocess.run([sys.executable, "-m", "pytempo", *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "compactor:\n  compaction:\n    block_retentoin: 1h\n",
            ":3:5: unknown key compactor.compaction.block_retentoin; the nearest known key is compactor.compaction.block_retention",
        ),
        (
            "ingester:\n  block_retention: 1h\n",
            ":2:3: unknown key ingester.block_retention; the nearest known key is compactor.compaction.block_retention",
        ),
        ("server:\n  log_level: warn\n  log_level: debug\n", ":3:3: key 'log_level' is there twice, before at "),
    ],
    ids=["misspelt", "wrong level", "twice"],
)
def test_a_wrong_key_stops_the_start_with_file_line_and_the_right_one(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "tempo.yaml"
    file.write_text(text)
    ended = start(f"-config.file={file}")
    assert ended.returncode == 1
    assert f"{file}{said}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("written", "hours"),
    [("30d", 30 * 24), ("2w", 14 * 24), ("1y", 365 * 24), ("1h30m", 1.5), ('"72h0m0s"', 72), ("90m", 1.5)],
)
def test_a_retention_has_the_obvious_meaning(written: str, hours: float) -> None:
    settings = read_text(f"compactor: {{compaction: {{block_retention: {written}}}}}", "tempo.yaml")
    assert settings["compactor.compaction.block_retention"] == hours * HOUR


@pytest.mark.parametrize("written", ["5", "5 parsecs", '""', "-1h"])
def test_a_retention_without_a_meaning_is_refused_with_the_units(written: str) -> None:
    with pytest.raises(BadConfig, match=r"tempo\.yaml:1:26: .*units: ns, us, ms, s, m, h, d, w and y"):
        read_text(f"compactor: {{compaction: {{block_retention: {written}}}}}", "tempo.yaml")
