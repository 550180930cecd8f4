"""meta.json of a block: its fields, read with checks and written for Tempo and for us; the block's other files are left to others.

The keys are Tempo's. One more, `pytempo`, holds what Tempo's keys are too coarse for; Tempo ignores keys it does not know:

    "pytempo": {"version": 1, "startNanos": 1795593600229329003, "endNanos": 1795595297442709463,
                "ranges": [[0, 0], [1795593600229329003, 1795595297442709463]], "spans": 812, "checksums": true,
                "checksum": "0f3a..."}

A block without it (written by Tempo, or by a later version of this key) is read from Tempo's keys alone. `checksum`, in whatever version,
is XXH3 of the document as it is written without this one field, so that no flipped bit changes a time or a count unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from pytempo.backend import is_name
from pytempo.block import rfc3339, time_ranges
from pytempo.block.checksums import digest
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.filenames import is_block_id
from pytempo.block.time_ranges import Range
from pytempo.block.versions import WRITTEN, check_format
from pytempo.errors import Damaged

OWN_KEY = "pytempo"
OWN_VERSION = 1

_CHECKSUM = "checksum"
"""Field of our key that covers all others of the document."""

_LEGACY_BLOOM_SHARDS = 10
"""What `bloomShards` 0 means to Tempo: blocks from before the field existed."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMeta:
    """What is known of a block without opening its rows. Immutable; change it with `dataclasses.replace`."""

    block_id: str
    """UUID in canonical form; the name of the block's folder."""

    tenant: str
    """The name of the folder above it."""

    start: int
    """Unix nanoseconds of the earliest span, outliers aside; written as `startTime`, floored to a second."""

    end: int
    """Unix nanoseconds of the latest end of a span, outliers aside, never before `start`; written as `endTime`, raised to a second."""

    size: int
    """Bytes of data.parquet; readers find the footer with it."""

    row_groups: int
    """Row groups of data.parquet (`totalRecords`), the unit in which a search is divided."""

    traces: int = 0
    """Rows, one a trace (`totalObjects`); 0 where the writer did not say."""

    bloom_shards: int = 1
    """Files `bloom-0` to `bloom-(n-1)`."""

    footer_size: int = 0
    """Bytes of the Parquet footer without its length and magic; 0 means: look into the file."""

    format: str = WRITTEN
    """Chooses the reader; one of `versions.READABLE`."""

    compaction_level: int = 0
    """How many compactions lie behind the block's oldest rows."""

    replication_factor: int = 1
    """Copies of each span among the blocks; Tempo answers metrics queries only from blocks that say 1."""

    dedicated_columns: tuple[DedicatedColumn, ...] = ()
    """In the order of the file's columns."""

    ranges: tuple[Range, ...] = ()
    """Disjoint intervals of unix nanoseconds that hold every span, outliers included (see `time_ranges.cover`); empty where unknown."""

    spans: int | None = None
    """Rows of the span level; None where the writer did not say."""

    checksums: bool = False
    """Whether the block has a file of checksums."""

    exact: bool = True
    """Whether `start` and `end` are known to the nanosecond; False for blocks without our key, where a second is lost."""

    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Keys of the file that mean nothing here, kept for writing it again."""

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"block {self.block_id}: end {self.end} before start {self.start}")
        if not time_ranges.are_disjoint(self.ranges):
            raise ValueError(f"block {self.block_id}: ranges {self.ranges} do not ascend without touching")

    def overlaps(self, start: int, end: int) -> bool:
        """Whether a span of the block may lie in [start, end], unix nanoseconds; true too often rather than too seldom."""
        return time_ranges.overlaps(self.ranges or (self._widened(),), start, end)

    def to_bytes(self) -> bytes:
        """The file's content; keys of `extra` come last and never replace one of ours."""
        document: dict[str, Any] = {
            "format": self.format,
            "blockID": self.block_id,
            "tenantID": self.tenant,
            "startTime": rfc3339.format_floor(self.start),
            "endTime": rfc3339.format_ceil(self.end),
            "totalObjects": self.traces,
            "size": self.size,
            "compactionLevel": self.compaction_level,
            "indexPageSize": 0,  # read by Tempo, meaningless for Parquet
            "totalRecords": self.row_groups,
            "bloomShards": self.bloom_shards,
            "footerSize": self.footer_size,
            "replicationFactor": self.replication_factor,
        }
        if self.dedicated_columns:
            document["dedicatedColumns"] = [column.to_json() for column in self.dedicated_columns]
        if self.exact:
            document[OWN_KEY] = self._own_key()
        document |= self._unknown(document)
        own = document.get(OWN_KEY)
        if isinstance(own, dict) and (self.exact or _CHECKSUM in own):
            document[OWN_KEY] = {**own, _CHECKSUM: _checksum(document)}
        return _dump(document)

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> BlockMeta:
        """Read the content of the meta.json at `path` (for messages only).

        Raises `UnsupportedFormat` for a format that is not read here, `Damaged` with the field (or the byte) for anything
        that is not a block's metadata.
        """
        fields = _Fields(data, path)
        format = fields.take("format", str)
        check_format(format, path)
        start, end = sorted((fields.time("startTime"), fields.time("endTime")))  # Tempo is known to write an end before the start
        values: dict[str, Any] = {
            "format": format,
            "block_id": fields.take("blockID", str, is_block_id),
            "tenant": fields.take("tenantID", str, is_name),
            "start": start,
            "end": end,
            "size": fields.count("size"),
            "row_groups": fields.count("totalRecords"),
            "bloom_shards": fields.count("bloomShards") or _LEGACY_BLOOM_SHARDS,
            "traces": fields.count("totalObjects", 0),
            "footer_size": fields.count("footerSize", 0),
            "compaction_level": fields.count("compactionLevel", 0),
            "replication_factor": fields.count("replicationFactor", 0),
            "dedicated_columns": fields.dedicated_columns("dedicatedColumns"),
            "exact": False,
        }
        fields.count("indexPageSize", 0)
        return cls(**{**values, **fields.own_key(OWN_KEY), "extra": fields.left})

    def _unknown(self, known: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in self.extra.items() if key not in known}

    def _widened(self) -> Range:
        # Tempo cuts the end down to a second, so its last spans may lie up to a second later.
        return (self.start, self.end) if self.exact else (self.start, self.end + rfc3339.SECOND - 1)

    def _own_key(self) -> dict[str, Any]:
        own: dict[str, Any] = {"version": OWN_VERSION, "startNanos": rfc3339.clamp(self.start), "endNanos": rfc3339.clamp(self.end)}
        if self.ranges:
            own["ranges"] = [list(interval) for interval in self.ranges]
        if self.spans is not None:
            own["spans"] = self.spans
        if self.checksums:
            own["checksums"] = True
        return own


class _Fields:
    """The keys of one meta.json, taken one by one with a check each; `left` holds those not taken yet."""

    def __init__(self, data: bytes, path: str) -> None:
        self._path = path
        self.left = _json_object(data, path)
        _check(self.left, path)

    def take(self, name: str, kind: type[_T], sound: Callable[[_T], bool] = lambda value: True) -> _T:
        """The value of a needed key, of exactly this type."""
        if name not in self.left:
            raise Damaged(self._path, f"field {name!r} is missing")
        value = self.left.pop(name)
        if type(value) is not kind or not sound(value):
            self._refuse(name, value)
        return value

    def count(self, name: str, default: int | None = None) -> int:
        """A number of things, 0 or more; without a default the key is needed."""
        if default is not None and name not in self.left:
            return default
        return self.take(name, int, lambda value: value >= 0)

    def time(self, name: str) -> int:
        value = self.take(name, str)
        try:
            return rfc3339.parse(value)
        except ValueError as error:
            raise Damaged(self._path, f"field {name!r}: {error}") from error

    def dedicated_columns(self, name: str) -> tuple[DedicatedColumn, ...]:
        entries = self.left.pop(name, None) or []
        try:
            return tuple(DedicatedColumn.from_json(entry) for entry in entries)
        except (TypeError, ValueError) as error:
            raise Damaged(self._path, f"field {name!r}: {error}") from error

    def own_key(self, name: str) -> dict[str, Any]:
        """What our key says, in the names of `BlockMeta`; nothing where it is absent or of a later version, which stays in `left`."""
        own = self.left.get(name)
        if not isinstance(own, dict) or own.get("version") != OWN_VERSION:
            return {}
        start, end, spans, checksums = own.get("startNanos"), own.get("endNanos"), own.get("spans"), own.get("checksums", False)
        ranges = own.get("ranges", [])
        if not (_is_range([start, end]) and isinstance(ranges, list) and all(map(_is_range, ranges)) and time_ranges.are_disjoint(ranges)):
            self._refuse(name, own)
        if (spans is not None and not _is_count(spans)) or not isinstance(checksums, bool):
            self._refuse(name, own)
        del self.left[name]
        values = {"start": start, "end": end, "ranges": tuple(map(tuple, ranges)), "spans": spans, "checksums": checksums}
        return {**values, "exact": True}

    def _refuse(self, name: str, value: object) -> NoReturn:
        raise Damaged(self._path, f"field {name!r} has the value {str(value)[:200]!r}")


def _json_object(data: bytes, path: str) -> dict[str, Any]:
    try:
        text = data.decode()
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise Damaged(path, "not UTF-8", error.start) from error
    except json.JSONDecodeError as error:
        raise Damaged(path, f"not JSON: {error.msg}", len(text[: error.pos].encode())) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, nesting without end
        raise Damaged(path, f"not JSON that can be read: {error}") from error
    if not isinstance(document, dict):
        raise Damaged(path, "not a JSON object")
    return document


def _dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _checksum(document: dict[str, Any]) -> str:
    """Of a document whose own key may have its checksum in it."""
    own = {name: value for name, value in document[OWN_KEY].items() if name != _CHECKSUM}
    return digest(_dump({**document, OWN_KEY: own}))


def _check(document: dict[str, Any], path: str) -> None:
    """Raise Damaged where a document does not agree with the checksum in it."""
    own = document.get(OWN_KEY)
    if isinstance(own, dict) and _CHECKSUM in own and own[_CHECKSUM] != _checksum(document):
        raise Damaged(path, "the checksum differs")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value)) and value[0] <= value[1]
