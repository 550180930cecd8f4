"""One merge as data: what goes to whoever carries it out, in this process or another, and carrying it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from pytempo.block import filenames
from pytempo.block.chosen_columns import joined
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.lineage import arrived_of, lineage_fields
from pytempo.block.meta import BlockMeta
from pytempo.block.rfc3339 import SECOND
from pytempo.block.sequence import sequence_fields, sequence_of
from pytempo.block.source import BlockSource
from pytempo.block.writer import BlockOptions, write_files, write_meta
from pytempo.blocklist import BlockList
from pytempo.errors import Unavailable
from pytempo.maintenance.compaction_merge import merged
from pytempo.model.batch import Batch

Report = Callable[[int], None]
"""Is told how many rows (one a trace) of the inputs have been merged since the last time; may raise to end the merge."""


@dataclass(frozen=True, slots=True)
class Job:
    """One merge. `inputs` are in order of arrival, of one tenant; `options` name the dedicated columns of the merged block."""

    inputs: tuple[BlockMeta, ...]
    options: BlockOptions

    @classmethod
    def of(cls, inputs: Sequence[BlockMeta], options: BlockOptions) -> Job:
        """The merge of these blocks, written as `options` say; where they leave the dedicated columns open, with those of the inputs."""
        if options.dedicated_columns is None and options.choose_columns:
            options = replace(options, dedicated_columns=joined((meta.dedicated_columns, meta.spans or meta.traces) for meta in inputs))
        return cls(tuple(inputs), options)

    @property
    def tenant(self) -> str:
        return self.inputs[0].tenant

    @property
    def block_id(self) -> UUID:
        """The id of the merged block follows from its inputs, so that an attempt that is made again makes the same block."""
        return uuid5(UUID(self.inputs[0].block_id), "\n".join(meta.block_id for meta in self.inputs))

    @property
    def rows(self) -> int:
        """Rows of all inputs."""
        return sum(meta.traces for meta in self.inputs)

    def to_json(self) -> str:
        """On one line."""
        return json.dumps({"inputs": [meta.to_bytes().decode() for meta in self.inputs], "options": asdict(self.options)})

    @classmethod
    def from_json(cls, text: str) -> Job:
        """What `to_json` wrote."""
        document = json.loads(text)
        options: dict[str, Any] = document["options"]
        columns = tuple(DedicatedColumn(**column) for column in options.pop("dedicated_columns") or ())
        inputs = tuple(BlockMeta.from_bytes(meta.encode(), "a block to merge") for meta in document["inputs"])
        return cls(inputs, BlockOptions(**options, dedicated_columns=columns))


def carry_out(job: Job, blocks: BlockList, report: Report) -> BlockMeta:
    """Write the merged block, whole, below `blocks.scratch`.

    Raises Damaged and NotFound for an input that cannot be read, Unavailable where the disk refuses, and what `report` raises.
    """
    blocks.scratch.delete_folder(filenames.folder(job.tenant, str(job.block_id)))  # there if the disk refused to remove an earlier attempt
    sources = [BlockSource(blocks.backend, meta) for meta in job.inputs]

    def batches() -> Iterator[Batch]:
        left = job.rows
        for batch, rows in merged(sources):
            yield batch
            left -= rows
            report(rows)
        if left and all(meta.traces for meta in job.inputs):
            raise Unavailable(
                f"a merge of {len(job.inputs)} blocks met {job.rows - left} of {job.rows} traces; the blocks stay as they are"
            )

    written = write_files(blocks.scratch, job.tenant, job.block_id, batches(), options=job.options, traces=job.rows)
    return write_meta(
        blocks.scratch,
        job.tenant,
        job.block_id,
        written,
        start=min(meta.start for meta in job.inputs),
        end=max(meta.end if meta.exact else meta.end + SECOND - 1 for meta in job.inputs),
        options=job.options,
        extra={
            **sequence_fields(sequence_of(job.inputs[0])),
            **lineage_fields(max(map(arrived_of, job.inputs)), [meta.block_id for meta in job.inputs]),
        },
        compaction_level=max(meta.compaction_level for meta in job.inputs) + 1,
        replication_factor=job.inputs[0].replication_factor,
    )
