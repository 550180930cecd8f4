"""Tables of attributes for tests."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from pytempo.model import Attributes, Level
from pytempo.otlp import decode
from tests.otlp.strategies import attributes

some = settings(max_examples=50)


def table_of(owners: list[list[KeyValue]]) -> Attributes:
    """The table of spans with these attributes."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for owned in owners:
        spans.add(trace_id=b"T" * 16, span_id=b"S" * 8, attributes=owned)
    return decode([request.SerializeToString()]).batch.attributes(Level.SPAN)


def tables() -> st.SearchStrategy[Attributes]:
    return st.lists(attributes(3), min_size=1, max_size=5).map(table_of)


def listed(table: Attributes) -> list[str]:
    """The attributes of every owner, as text (in which one NaN equals another)."""
    keys, kinds, values = table.listed()
    return [repr(list(zip(keys[a:b], kinds[a:b], values[a:b], strict=True))) for a, b in pairwise(table.offsets.tolist())]
