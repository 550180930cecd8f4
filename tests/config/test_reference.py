"""The reference page is what the tables say, and says something of every key."""

from __future__ import annotations

from pytempo.config.keys import Fate
from pytempo.config.reference import reference_page
from pytempo.config.tempo import BY_PATH, KEYS, SECTIONS
from tests.conftest import ROOT


def test_the_page_is_current() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == reference_page(), "run: pytempo config reference > docs/configuration.md"


def test_every_key_is_there_once_and_is_no_section() -> None:
    assert len(BY_PATH) == len(KEYS)
    assert not SECTIONS & BY_PATH.keys()


def test_every_key_says_what_it_does_or_why_it_does_not() -> None:
    assert [key.path for key in KEYS if not key.why.endswith(".")] == []


def test_other_names_are_those_of_keys_that_are_used() -> None:
    assert [key.path for key in KEYS if key.same_as and BY_PATH[key.same_as].fate is not Fate.USED] == []
