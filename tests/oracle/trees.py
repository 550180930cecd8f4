"""One trace as the rules see it: each span once, who is whose parent, the root, nested-set numbers. By walking, span for span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from tests.oracle.spans import Link, Span

SERVER, CLIENT = 2, 3


class Trace:
    """The spans of one trace in order of arrival; `parent[i]` is the place of span i's parent, or None."""

    def __init__(self, arrived: Iterable[Span]) -> None:
        self.spans = without_copies(arrived)
        self.trace_id = self.spans[0].trace_id
        self.parent = [self._parent(place) for place in range(len(self.spans))]
        self.start = min(span.start for span in self.spans)
        self.duration = max(span.start + span.duration for span in self.spans) - self.start

    def _parent(self, place: int) -> int | None:
        """Of several spans with the parent's id, a server span hangs under the client half, any other under the server half."""
        span = self.spans[place]
        if not any(span.parent_id):
            return None
        named = [other for other, candidate in enumerate(self.spans) if candidate.span_id == span.parent_id]
        wanted = CLIENT if span.kind == SERVER else SERVER
        half = [other for other in named if self.spans[other].kind == wanted]
        if len(named) > 1:
            named = half or sorted(named, key=lambda other: self.spans[other].kind)
        return named[0] if named and named[0] != place else None

    def children(self, place: int | None) -> list[int]:
        """The children of a span; those of None are the spans without a parent that is there."""
        return [child for child, parent in enumerate(self.parent) if parent == place]

    def ancestors(self, place: int) -> set[int]:
        """All spans above, in a cycle perhaps the span itself."""
        found: set[int] = set()
        above = self.parent[place]
        while above is not None and above not in found:
            found.add(above)
            above = self.parent[above]
        return found

    @cached_property
    def root(self) -> Span | None:
        """The span without a parent id that starts first, ties by id, then kind; those that refer to their own trace (OpenTracing) last."""
        roots = [span for span in self.spans if not any(span.parent_id)]
        return min(roots, key=lambda span: (self._is_child_of(span), span.start, span.span_id, span.kind), default=None)

    def _is_child_of(self, span: Span) -> bool:
        def refers(link: Link) -> bool:
            kind = link.attributes.get("opentracing.ref_type")
            return link.trace_id == span.trace_id and (kind == "child_of" or (isinstance(kind, tuple) and "child_of" in kind))

        return any(refers(link) for link in span.links)

    @cached_property
    def nested_sets(self) -> list[tuple[int, int, int]]:
        """Left, right and parent of every span: one counter from 1, depth first, roots and children as a block has them."""
        numbers = [(0, 0, 0) for _ in self.spans]
        counter = 0
        for root in self._in_file_order(place for place, span in enumerate(self.spans) if not any(span.parent_id)):
            left: dict[int, int] = {}
            pending = [(root, False)]
            while pending:
                place, leaving = pending.pop()
                counter += 1
                if leaving:
                    parent = self.parent[place]
                    numbers[place] = (left[place], counter, -1 if place == root else left[parent] if parent is not None else 0)
                    continue
                left[place] = counter
                pending.append((place, True))
                pending += [(child, False) for child in reversed(list(self._in_file_order(self.children(place))))]
        return numbers

    def _in_file_order(self, places: Iterable[int]) -> Iterator[int]:
        """By the first arrival of the resource, then of the scope, then by their own."""

        def rank(place: int) -> tuple[int, int, int]:
            mine = self.spans[place]
            resource = next(i for i, span in enumerate(self.spans) if span.resource == mine.resource)
            scope = next(i for i, span in enumerate(self.spans) if (span.resource, span.scope) == (mine.resource, mine.scope))
            return resource, scope, place

        return iter(sorted(places, key=rank))


def without_copies(arrived: Iterable[Span]) -> list[Span]:
    """Spans with one id and kind are one: that which ends last, then starts first, then has most attributes, at the place of the first."""
    best: dict[tuple[bytes, int], Span] = {}
    for span in arrived:
        key = span.span_id, span.kind
        if key not in best or _rank(span) > _rank(best[key]):
            best[key] = span
    return list(best.values())


def _rank(span: Span) -> tuple[int, int, int]:
    return span.start + span.duration, -span.start, len(span.attributes)


def traces_of(arrived: Iterable[Span]) -> list[Trace]:
    """All traces, newest first, of equals the smaller id first: the order of every answer."""
    by_id: dict[bytes, list[Span]] = {}
    for span in arrived:
        by_id.setdefault(span.trace_id, []).append(span)
    return sorted((Trace(spans) for spans in by_id.values()), key=lambda trace: (-trace.start, trace.trace_id))
