"""The `index` file of a block: the last trace id of each row group, as JSON; which rows a group holds is told by data.parquet alone."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from pytempo.errors import Damaged


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Finds the one row group that can hold a trace id, given that rows ascend by id over the whole file."""

    last_ids: tuple[bytes, ...]
    """16 bytes for each row group, ascending."""

    def __post_init__(self) -> None:
        if any(len(id) != 16 for id in self.last_ids):
            raise ValueError("a trace id in the row index does not have 16 bytes")
        if any(later < earlier for earlier, later in pairwise(self.last_ids)):
            raise ValueError("the trace ids in the row index do not ascend")

    def find(self, trace_id: bytes) -> int | None:
        """The number of the only row group that may hold the 16-byte id; None when it lies behind the last row."""
        group = bisect_left(self.last_ids, trace_id)
        return group if group < len(self.last_ids) else None

    def to_bytes(self) -> bytes:
        """The file's content, `{"rowGroups":["<base64>", ...]}`."""
        return json.dumps({"rowGroups": [base64.b64encode(id).decode() for id in self.last_ids]}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> RowIndex:
        """Read the content of the file at `path` (for the message); raises `Damaged` unless it is ascending ids of 16 bytes."""
        try:
            texts = json.loads(data)["rowGroups"]
            return cls(tuple(base64.b64decode(text, validate=True) for text in texts))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Damaged(path, f"no index of row groups: {error}") from error
