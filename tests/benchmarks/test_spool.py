"""Data in files is what is made in memory, in pieces, and its ids come from all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import spool
from benchmarks.data import Corpus


def test_pieces_hold_what_their_seeds_make_and_all_spans_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "PIECE", 2000)
    spooled = spool.write(tmp_path, Corpus(5000, 64, mix="wide"))
    alone = [Corpus(size, 64, seed, "wide") for seed, size in ((1, 2000), (2, 2000), (3, 1000))]
    assert [list(piece) for piece in spooled.pieces()] == [list(corpus.requests()) for corpus in alone]
    assert spooled.corpora == alone
    entries = [entry for request in spooled for entry in ExportTraceServiceRequest.FromString(request).resource_spans]
    assert sum(len(scope.spans) for entry in entries for scope in entry.scope_spans) == spooled.corpus.spans == 5000
    assert spooled.corpus.trace_ids[:3] == [corpus.trace_ids[0] for corpus in alone]
    assert len(set(spooled.corpus.request_ids)) == sum(len(corpus.request_ids) for corpus in alone)
