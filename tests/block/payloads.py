"""Random OTLP requests with everything that a span can have, and the clean batch that becomes of them.

Ids, keys, names and times come from short lists, so that spans meet: they share traces, parents, resources, ids and columns.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from pytempo.model import MemoryBatch, merge
from pytempo.otlp import decode

TRACES = [bytes(15) + b"\x07", bytes(7) + b"\x01" + bytes(8), b"\xff" * 16, bytes(range(16)), bytes(range(15)) + b"\xf0"]
"""Leading zeros, a shared first half, both ends of the order."""
SPANS = [bytes(7) + bytes([number]) for number in range(1, 7)] + [b"\xff" * 8]
KEYS = [
    "service.name",
    "k8s.pod.name",
    "namespace",
    "http.method",
    "http.url",
    "http.status_code",
    "dedicated",
    "listed",
    "free",
    "名前",
    "",
]
"""Attributes with and without columns of their own."""
TIMES = [0, 1, 10**18, 10**18 + 7, 2 * 10**18, 2**64 - 1]
TEXTS = ["", "a", "child_of", "ünïcödé \0 text", "x" * 300]
INTEGERS = [0, 1, -1, 200, 2**63 - 1, -(2**63)]
DOUBLES = [0.0, -0.0, 1.5, float("nan"), float("inf"), -1e300]
COUNTS = [0, 0, 0, 3, 2**32 - 1]


class Payloads:
    """Makes requests out of random numbers."""

    def __init__(self, random: Random) -> None:
        self.random, self.pick = random, random.choice

    def request(self, spans: int) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        for _ in range(spans):
            if not request.resource_spans or self.chance(0.3):
                self.resource(request.resource_spans.add())
            resource_spans = self.pick(request.resource_spans)
            if not resource_spans.scope_spans or self.chance(0.3):
                self.scope(resource_spans.scope_spans.add().scope)
            self.span(self.pick(resource_spans.scope_spans).spans.add())
        return request

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def resource(self, entry: Any) -> None:
        entry.resource.dropped_attributes_count = self.pick(COUNTS)
        self.attributes(entry.resource.attributes)

    def scope(self, scope: Any) -> None:
        scope.name, scope.version, scope.dropped_attributes_count = self.pick(TEXTS), self.pick(TEXTS), self.pick(COUNTS)
        self.attributes(scope.attributes)

    def span(self, span: Any) -> None:
        span.trace_id, span.span_id, span.kind = self.pick(TRACES), self.pick(SPANS), self.pick([0, 1, 2, 2, 3, 3, 4, 5])
        span.parent_span_id = self.pick([b"", b"", *SPANS])
        span.name, span.trace_state = self.pick(TEXTS), self.pick(TEXTS)
        span.start_time_unix_nano, span.end_time_unix_nano = self.pick(TIMES), self.pick(TIMES)
        span.status.code, span.status.message = self.pick([0, 1, 2]), self.pick(TEXTS)
        span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = (self.pick(COUNTS) for _ in range(3))
        self.attributes(span.attributes)
        for _ in range(self.random.randrange(3)):
            event = span.events.add(time_unix_nano=self.pick(TIMES), name=self.pick(TEXTS), dropped_attributes_count=self.pick(COUNTS))
            self.attributes(event.attributes)
        for _ in range(self.random.randrange(3)):
            self.link(span.links.add())

    def link(self, link: Any) -> None:
        link.trace_id, link.span_id = self.pick([*TRACES, b"", b"short"]), self.pick([*SPANS, b""])
        link.trace_state, link.dropped_attributes_count = self.pick(TEXTS), self.pick(COUNTS)
        self.attributes(link.attributes)
        if self.chance(0.3):
            link.attributes.add(key="opentracing.ref_type").value.string_value = "child_of"

    def attributes(self, attributes: Any) -> None:
        for _ in range(self.random.randrange(5)):
            attribute = attributes.add(key=self.pick(KEYS))
            self.value(attribute.value, self.pick(["string", "string", "int", "double", "bool", "array", "map", "bytes", "nothing"]))

    def value(self, value: AnyValue, kind: str) -> None:
        match kind:
            case "string":
                value.string_value = self.pick(TEXTS)
            case "int":
                value.int_value = self.pick(INTEGERS)
            case "double":
                value.double_value = self.pick(DOUBLES)
            case "bool":
                value.bool_value = self.pick([True, False])
            case "bytes":
                value.bytes_value = self.pick([b"", b"\x00\xff"])
            case "array":
                value.array_value.SetInParent()
                kinds = self.pick([["string"], ["int"], ["double"], ["bool"], ["string", "int", "map", "array", "nothing"]])
                for _ in range(self.random.randrange(4)):
                    self.value(value.array_value.values.add(), self.pick(kinds))
            case "map":
                value.kvlist_value.SetInParent()
                for _ in range(self.random.randrange(3)):
                    self.value(value.kvlist_value.values.add(key=self.pick(KEYS)).value, self.pick(["string", "bool", "array", "bytes"]))


def random_batch(seed: int, spans: int) -> MemoryBatch:
    """A clean batch of up to so many spans, out of two requests; spans that were sent again are in it once."""
    payloads = Payloads(Random(seed))
    return merge([decode([payloads.request(count).SerializeToString()]).batch for count in (spans - spans // 3, spans // 3)])


batches = st.builds(random_batch, seed=st.integers(0, 2**32), spans=st.integers(1, 60))
"""Clean batches of at least one span; what a seed makes of fewer spans is simpler."""
