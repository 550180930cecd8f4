"""The pages agree with the project: links lead somewhere, and the first screen names what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in target]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert missing == []


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/design/README.md").read_text()
    missing = [path.name for path in sorted((ROOT / "docs/design").glob("0*.md")) if f"({path.name})" not in index]
    assert missing == []


def test_the_contributors_map_names_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    packages = [path.parent.name for path in sorted((ROOT / "pytempo").glob("*/__init__.py"))]
    assert [name for name in packages if f"| `{name}` |" not in text] == []


def test_the_changelog_has_the_version_or_is_unreleased() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{project['version']}]" in text or "## [Unreleased]" in text


def test_both_commands_of_the_first_screen_set_up_on_a_fresh_machine() -> None:
    first_screen = (ROOT / "README.md").read_text().split("\n## ")[0]
    commands = [line for line in first_screen.splitlines() if line.startswith("python3 -m venv .venv && ")]
    assert [command.rsplit(" && ", 1)[1].split()[0] for command in commands] == [".venv/bin/pytempo", ".venv/bin/python"]
