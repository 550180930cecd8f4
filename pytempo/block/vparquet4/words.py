"""What is said of a row group that is left out: why nothing in it can be wanted, in words for people who read a plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytempo.block.vparquet4.data_file import Chunk
from pytempo.model.scan import Condition

LONGEST = 40
"""Characters of a value that are shown."""


def outside(starts: Chunk, ends: Chunk) -> str:
    """Its traces lie outside the time range."""
    return f"time range: its traces lie between {starts.low} and {ends.high} (unix nanoseconds)"


def no_key(condition: Condition) -> str:
    """Nothing in it has the attribute that a condition asks for."""
    return f"attribute names: nothing here has what {condition} asks for"


def value_filter(condition: Condition) -> str:
    """Its bloom filter rules the value out."""
    return f"value filter: {condition} is met by no value here"


def statistics(condition: Condition, chunks: Sequence[Chunk]) -> str:
    """The bounds of its columns rule the value out."""
    bounds = [f"{_shown(chunk.low)} to {_shown(chunk.high)}" for chunk in chunks if not chunk.empty and chunk.low is not None]
    told = f"values go from {' and from '.join(bounds)}" if bounds else "there is no value"
    return f"statistics of a column: {condition} is met by no value here, {told}"


def _shown(bound: Any) -> str:
    text = json.dumps(bound.decode(errors="replace"), ensure_ascii=False) if isinstance(bound, bytes) else str(bound)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
