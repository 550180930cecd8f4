"""Reading everything that a store has on its disk to see whether it is sound: blocks, what was set aside, and the log. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytempo.block import BlockMeta
from pytempo.block.inspection import Inspection
from pytempo.blocklist import BlockList, LeftOutReason
from pytempo.errors import NotFound, PytempoError
from pytempo.wal import Damage, WalView, read_segment

_HARMLESS = (LeftOutReason.COMPACTED, LeftOutReason.UNPUBLISHED)
"""Folders that maintenance clears away by itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    what: str
    """The block, folder or segment."""
    kind: str
    """`damaged` costs spans, `flawed` costs time, `set aside` was damaged and lies below `damaged/`, otherwise why it is not read."""
    cause: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found."""

    blocks: int = 0
    segments: int = 0
    bytes: int = 0
    """Of the data.parquet of all blocks."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.findings


def work_of(blocks: BlockList) -> int:
    """What the numbers that `verify` yields come to."""
    return sum(2 * meta.size for meta in _all(blocks))


def verify(blocks: BlockList, wal: WalView, report: Report) -> Iterator[int]:
    """Look at everything and fill the report; yields bytes gone through as they are. A block that is deleted meanwhile is passed over."""
    report.findings += [Finding(each.block_id, str(each.reason), each.cause) for each in blocks.left_out if each.reason not in _HARMLESS]
    for folder in waiting(blocks.damaged_root):
        report.findings.append(Finding(folder.name, "set aside", f"{folder}: is not read; `pytempo blocks repair` saves what is sound"))
    for segment in wal.segments():
        report.segments += 1
        damage = [found for found in read_segment(segment) if isinstance(found, Damage)]
        report.findings += [Finding(str(segment.path), "damaged", f"at byte {each.offset}: {each.cause}") for each in damage]
    for meta in _all(blocks):
        yield from _look_at(blocks, meta, report)


def _look_at(blocks: BlockList, meta: BlockMeta, report: Report) -> Iterator[int]:
    inspection = Inspection(blocks.backend, meta)
    try:
        yield from inspection.steps()
    except NotFound:
        return
    except PytempoError as error:
        report.findings.append(Finding(meta.block_id, "unreadable", str(error)))
        return
    report.blocks += 1
    report.bytes += meta.size
    report.findings += [Finding(meta.block_id, "damaged", str(error)) for error in inspection.damage]
    report.findings += [Finding(meta.block_id, "flawed", str(error)) for error in inspection.flaws]


def _all(blocks: BlockList) -> list[BlockMeta]:
    return [meta for tenant in blocks.tenants() for meta in blocks.blocks(tenant)]


def waiting(damaged_root: Path) -> list[Path]:
    """The folders of blocks that were set aside and from which nothing was saved yet, sorted."""
    return sorted(path for path in damaged_root.glob("*/*") if path.is_dir() and not (path / SAVED).exists())


SAVED = "saved-as"
"""File in a folder that was set aside: the ids of the blocks that its sound rows are in now."""
