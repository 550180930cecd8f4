"""Random spans: few of them, and few different values, so that random questions find some; with everything that makes traces hard.

Traces are trees, with several roots, spans whose parent never arrives, cycles, client and server spans that share an id, spans sent
again, ids that differ in one digit, equal starts, and ends before the start. Keys have values of several types, arrays, or nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.oracle.payload import in_order_of_arrival
from tests.oracle.spans import Attributes, Event, Link, Other, Resource, Scope, Span, Value

BASE = 1_700_000_000 * 10**9
SECOND = 10**9

NAMES = ("GET /", "GET /cart", "böse", "", "a\nb", "query")
SERVICES = ("cart", "web", "")
TEXTS = ("a", "b", "ab", "", "Ä", "a\nb", "3", "名前", "%_.*")
INTEGERS = (0, 1, 2, 3, -1, 7, 200, 404, 500, 2**53 + 1, -(2**62))
FLOATS = (0.0, 0.5, 3.0, -1.0, 2.5, 200.0, 2.0**53, 1e300)
DURATIONS = (0, 1, 10, 1_000, 5_000_000, 20_000_000, SECOND, 3 * SECOND)

POOLS: dict[str, tuple[Value, ...]] = {
    "n": (*INTEGERS, *FLOATS, "3", True, (1, 3)),
    "s": (*TEXTS, ("a", "b"), ("b",), 3),
    "flag": (True, False, "true", (True, False)),
    "codes": ((1, 2, 3), (200,), (404, 500), (), 3, (0.5, 2.5)),
    "tags": (("a", "b"), ("b", "c"), ("a",), (), "a"),
    "ratio": FLOATS,
    "http.method": ("GET", "POST", "", 3),
    "http.status_code": (200, 404, 500, "200", 200.0),
    "user name": TEXTS,
    "größe": INTEGERS,
    "odd": (Other({"k": "v"}), Other(b"\0\xff"), Other((1, "a")), None, "a", Other(((1,), (2,)))),
}
"""Key -> what it may hold. Numbers from 2^53 on tell integers from floats; others are exact in both."""

SPAN_KEYS = (*POOLS, "service.name")
RESOURCE_KEYS = ("n", "s", "flag", "odd", "k8s.pod.name")
SCOPE_KEYS = ("n", "s")
BELOW_KEYS = ("n", "s", "tags", "only", "odd")
"""Keys of events and links; `only` stands nowhere else."""

POOLS |= {"service.name": (*SERVICES, 3), "k8s.pod.name": ("a", "b"), "only": ("a", "b", 3, 3.5)}


class Generator:
    """Random data; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.resources = [self._resource(number) for number in range(4)]
        self.scopes = [Scope("", "", {}), Scope("otel.http", "1.0", self._attributes(SCOPE_KEYS)), Scope("otel.http", "2.0", {"n": 3})]
        self.ids = self._trace_ids()

    def requests(self, pieces: int) -> list[list[Span]]:
        """As many requests, spans in order of arrival: traces are cut across them, and some spans are sent again."""
        out: list[list[Span]] = [[] for _ in range(pieces)]
        for trace_id in self.ids:
            own = self.random.sample(range(pieces), self.random.choice((1, 1, 2, pieces)))
            for span in self._trace(trace_id):
                out[self.random.choice(own)].append(span)
                if self.random.random() < 0.06:
                    out[self.random.choice(own)].append(self._sent_again(span))
        for spans in out:
            self.random.shuffle(spans)
        return [in_order_of_arrival(spans) for spans in out if spans]

    def _trace_ids(self) -> list[bytes]:
        ids = [self.random.randbytes(16) for _ in range(self.random.randint(4, 9))]
        return [*ids, ids[0][:15] + bytes([ids[0][15] ^ 1]), bytes(15) + b"\xab", b"\xab" + bytes(15)]

    def _trace(self, trace_id: bytes) -> list[Span]:
        start = BASE + self.random.choice((0, 0, 1, 60 * SECOND, self.random.randrange(3600 * SECOND)))
        numbers = range(1, self.random.randint(2, 12))
        ids = [self.random.choice((bytes(7) + bytes([number]), self.random.randbytes(8))) for number in numbers]
        spans: list[Span] = []
        for span_id in ids:
            parent = self._parent(span_id, ids, spans)
            spans.append(self._span(trace_id, span_id, parent, start))
            if spans[-1].kind == 3 and self.random.random() < 0.3:
                spans.append(replace(self._span(trace_id, span_id, parent, start), kind=2))
        return spans

    def _parent(self, span_id: bytes, ids: Sequence[bytes], before: Sequence[Span]) -> bytes:
        chance = self.random.random()
        if not before or chance < 0.1:
            return self.random.choice((b"", b"", bytes(8), b"\xff" * 8))
        if chance < 0.2:
            return self.random.choice((span_id, self.random.choice(ids), self.random.randbytes(8)))
        return self.random.choice(before[-3:]).span_id

    def _span(self, trace_id: bytes, span_id: bytes, parent_id: bytes, base: int) -> Span:
        start = base + self.random.choice((0, 0, 1, 1000, self.random.randrange(SECOND)))
        return Span(
            trace_id,
            span_id,
            parent_id,
            self.random.choice(NAMES),
            self.random.randrange(6),
            start,
            start + self.random.choice((*DURATIONS, -5)),
            self.random.choice((0, 0, 1, 2)),
            self.random.choice(("", "", "boom", "a")),
            self._attributes(SPAN_KEYS),
            self.random.choice(self.resources),
            self.random.choice(self.scopes),
            tuple(self._event(start) for _ in range(self.random.choice((0, 0, 1, 2, 3)))),
            tuple(self._link(trace_id) for _ in range(self.random.choice((0, 0, 0, 1, 2)))),
        )

    def _sent_again(self, span: Span) -> Span:
        """The same, or one that differs so that it is clear which of the two counts."""
        changed = (
            span,
            replace(span, end=span.start + span.duration + 7, name="later"),
            replace(span, start=span.start - 1, end=span.start + span.duration, name="longer"),
            replace(span, end=span.start + span.duration, attributes={**span.attributes, "again": 1}),
        )
        return self.random.choice(changed)

    def _event(self, start: int) -> Event:
        return Event(self.random.choice(("", "exception", "a")), start + self.random.choice((0, 5, 1000, -3)), self._attributes(BELOW_KEYS))

    def _link(self, trace_id: bytes) -> Link:
        attributes = self._attributes(BELOW_KEYS)
        if self.random.random() < 0.3:
            attributes["opentracing.ref_type"] = self.random.choice(("child_of", "follows_from"))
        linked = self.random.choice((trace_id, bytes(16), self.random.randbytes(16), bytes(15) + b"\xab"))
        return Link(linked, self.random.choice((bytes(8), bytes(7) + b"\x01", self.random.randbytes(8))), attributes)

    def _resource(self, number: int) -> Resource:
        service: Any = self.random.choice((None, *SERVICES, *SERVICES, 3))
        attributes = {"number": f"r{number}", **self._attributes(RESOURCE_KEYS)}
        return Resource(attributes if service is None else {"service.name": service, **attributes})

    def _attributes(self, keys: Sequence[str]) -> Attributes:
        chosen = self.random.sample(keys, self.random.randint(0, len(keys) * 2 // 3))
        return {key: self.random.choice(POOLS[key]) for key in chosen}
