"""The same spans as sources of every kind: one live batch, one block, several of each, traces torn between them, copies among them."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from pytempo.backend import LocalBackend
from pytempo.block.source import BlockSource
from pytempo.block.writer import BlockOptions, write_block
from pytempo.blocklist import BlockList
from pytempo.live.source import LiveSource
from pytempo.maintenance import Job
from pytempo.maintenance.compaction_job import carry_out
from pytempo.model import Batch, Concat, Scan, Source, merge
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.otlp import decode
from tests.block.payloads import Payloads
from tests.building import BASE, request, span
from tests.conformance import corpus

TRACES = 30
"""Of the plausible part of the spans."""

ODD_SPANS = 48
"""Spans with everything that a span can have, in few traces."""

SMALL_GROUPS = BlockOptions(row_group_spans=50)
"""So that there is something to leave out of a block."""


def payloads() -> list[bytes]:
    """Requests: a plausible corpus, in which traces come in pieces and some spans twice, and odd spans that share ids in every way."""
    odd = Payloads(random.Random(11))
    made = [*corpus.requests(BASE, seed=7, traces=TRACES), *(odd.request(ODD_SPANS // 4).SerializeToString() for _ in range(4))]
    made.append(unheard_of())
    random.Random(5).shuffle(made)
    return made


def unheard_of() -> bytes:
    """Kinds that OTLP does not know, among the traces of the corpus by their ids; in TraceQL they are unspecified."""
    spans = [span("of a kind to come", trace=identifier * 32, id=identifier) for identifier in "37b"]
    for each in spans:
        each.kind = 9  # type: ignore[assignment]
    return request(*spans).SerializeToString()


class Maker:
    """Makes sources in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        self._backend = LocalBackend(folder)
        self._made = 0

    def live(self, payloads: Sequence[bytes]) -> Source:
        """A live batch, copies included."""
        self._made += 1
        batches = [decode([payload]).batch for payload in payloads]
        return LiveSource(merge(batches) if len(batches) > 1 else batches[0], self._made)

    def block(self, payloads: Sequence[bytes]) -> Source:
        """A block of the same."""
        self._made += 1
        batch = merge([decode([payload]).batch for payload in payloads])
        return BlockSource(
            self._backend,
            write_block(self._backend, DEFAULT_TENANT, UUID(int=self._made), batch, options=SMALL_GROUPS, sequence=self._made),
        )

    def merged(self, blocks: Sequence[Source]) -> Source:
        """One block of several."""
        metas = [block.meta for block in blocks if isinstance(block, BlockSource)]
        listed = BlockList(self._backend.root, self._backend.root, logging.getLogger("tests.contract"))
        meta = carry_out(Job.of(metas, SMALL_GROUPS), listed, lambda rows: None)
        listed.adopt(meta)
        return BlockSource(self._backend, meta)


def one_live_batch(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    return [make.live(payloads)]


def live_batches(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    return [make.live(payloads[part::5]) for part in range(5)]


def one_block(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    return [make.block(payloads)]


def blocks(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    return [make.block(payloads[part::3]) for part in range(3)]


def blocks_and_live(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    """Two blocks between live batches, as replay and flush may leave them."""
    return [make.block(payloads[0::4]), make.live(payloads[1::4]), make.block(payloads[2::4]), make.live(payloads[3::4])]


def everything_twice(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    """Every span in a block and again in a live batch."""
    return [make.block(payloads), make.live(payloads)]


def compacted(make: Maker, payloads: Sequence[bytes]) -> list[Source]:
    """Two blocks that were merged of two each."""
    return [make.merged([make.block(payloads[part::4]) for part in parts]) for parts in ((0, 1), (2, 3))]


KINDS: list[Callable[[Maker, Sequence[bytes]], list[Source]]] = [
    one_live_batch,
    live_batches,
    one_block,
    blocks,
    blocks_and_live,
    everything_twice,
    compacted,
]
"""Each makes sources, in order of arrival, that together hold the spans of all payloads."""


def whole(source: Source) -> Batch:
    """All that a source holds."""
    return Concat(list(source.batches(Scan())))
