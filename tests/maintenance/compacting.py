"""Stores whose blocks a test merges step by step, and all answers of a store in a form that can be compared."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytempo
from pytempo import Store, StoreOptions
from pytempo.block.source import BlockSource
from pytempo.block.writer import BlockOptions
from pytempo.maintenance import Compacted, CompactionOptions, FlushOptions, Job, compact
from pytempo.maintenance.compaction_choice import choose
from pytempo.maintenance.compaction_job import carry_out
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.otlp.tempo_json import trace_to_json
from tests.building import request, span
from tests.states import search_all

SMALL = BlockOptions(row_group_spans=2)
"""Several row groups, though there are few spans."""
HERE = CompactionOptions(disabled=True, worker_process=False)
"""Merges when asked, in this process."""

TRACES = 3

QUESTIONS = (
    "{}",
    "{ status = error } >> {}",
    "{} | select(nestedSetLeft, nestedSetRight, nestedSetParent, span.n, resource.s)",
)


def open_store(folder: Path, compaction: CompactionOptions = HERE, block: BlockOptions = SMALL, **settings: Any) -> Store:
    """A store that writes small row groups and merges when asked."""
    options = StoreOptions(flush=FlushOptions(block=block), compaction=compaction)
    return pytempo.open(folder, **{"options": options, "logger": logging.getLogger("tests.compaction"), **settings})


def fill(store: Store, *payloads: bytes, tenant: str = DEFAULT_TENANT) -> None:
    """A block of each payload."""
    for payload in payloads:
        store.export(payload, tenant=tenant)
        store.flush()


def torn(pieces: int, traces: int = TRACES) -> list[bytes]:
    """Requests that each hold one span of every trace, and the first of them again."""
    made = []
    for piece in range(pieces):
        spans = [span(f"{piece}", trace=trace + 1, id=100 * piece + 1, parent=0 if piece else b"") for trace in range(traces)]
        again = [span("0", trace=1, id=1)]
        made.append(request(*spans, *again, service=f"service {piece % 2}").SerializeToString())
    return made


def answers(store: Store, tenant: str = DEFAULT_TENANT, questions: Sequence[str] = QUESTIONS) -> dict[str, Any]:
    """Every trace by id, whole, and what a few questions find."""
    found: dict[str, Any] = {trace.trace_id: by_id(store, trace.trace_id, tenant) for trace in search_all(store, tenant=tenant)}
    found |= {question: [repr(trace) for trace in search_all(store, question, tenant=tenant)] for question in questions}
    found["tags"] = store.tags(tenant=tenant).scopes
    return found


def by_id(store: Store, trace_id: str, tenant: str = DEFAULT_TENANT) -> Any:
    trace = store.trace(trace_id, tenant=tenant)
    assert trace is not None
    return json.loads(trace_to_json(trace.batch), object_hook=_in_order)


def _in_order(node: dict[str, Any]) -> dict[str, Any]:
    """Attributes by name: those with a column of their own come last, and blocks differ in which have one."""
    return {**node, "attributes": sorted(node["attributes"], key=repr)} if "attributes" in node else node


def runs(store: Store, tenant: str = DEFAULT_TENANT, **changed: Any) -> list[list[str]]:
    """The blocks that would be merged with each other, by id."""
    sources = store._sources.of(tenant)
    passed = {"window": 3600 * 10**9, "now": store._clock(), "everything": True, "may": lambda meta: True, **changed}
    return [[source.name for source in run.inputs] for run in choose(sources, store.options.compaction, **passed)]


def compact_steps(store: Store, tenant: str = DEFAULT_TENANT) -> Iterator[Compacted]:
    """Merge all blocks of a tenant into one, one step at each `next()`."""
    store._upkeep.stop()
    inputs = [source.meta for source in store._sources.of(tenant) if isinstance(source, BlockSource)]
    job = Job.of(inputs, SMALL)
    return compact(job, lambda job: carry_out(job, store._sources.blocks, lambda rows: None), store._sources, store._clock)
