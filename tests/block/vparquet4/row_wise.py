"""The rows of a vParquet4 file made one by one, slowly and plainly, out of the same batch: what `build_table` must equal in every column.

Who is whose parent is taken from the batch; everything that a file adds to the spans is worked out here again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytempo.block import DedicatedColumn
from pytempo.model import Batch, Kind, Level
from pytempo.model.levels import COLUMNS
from tests.comparing import attributes, plain

Row = dict[str, Any]

RESOURCE_FIELDS = {
    "cluster": "Cluster",
    "namespace": "Namespace",
    "pod": "Pod",
    "container": "Container",
    "k8s.cluster.name": "K8sClusterName",
    "k8s.namespace.name": "K8sNamespaceName",
    "k8s.pod.name": "K8sPodName",
    "k8s.container.name": "K8sContainerName",
}
SPAN_FIELDS = {"http.method": "HttpMethod", "http.url": "HttpUrl", "http.status_code": "HttpStatusCode"}


def rows(batch: Batch, dedicated: Sequence[DedicatedColumn] = ()) -> list[Row]:
    """One row a trace, as `Table.to_pylist` would give it."""
    return _Writer(batch, dedicated).rows()


class _Writer:
    def __init__(self, batch: Batch, dedicated: Sequence[DedicatedColumn]) -> None:
        self.batch = batch
        self.levels = {level: self._level(level) for level in Level if level is not Level.TRACE}
        self.parents = batch.parent_of_span().tolist()
        self.dedicated = {
            scope: [column.name for column in dedicated if column.scope == scope and column.type == "string"][:10]
            for scope in ("resource", "span")
        }

    def _level(self, level: Level) -> list[Row]:
        columns = {name: plain(self.batch.stored(level, name)) for name in COLUMNS[level]}
        columns["attributes"] = attributes(self.batch.attributes(level))
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def rows(self) -> list[Row]:
        ids = [bytes(row) for row in self.batch.trace_ids().to_bytes()]
        of_trace: list[list[int]] = [[] for _ in ids]
        for span, trace in enumerate(self.batch.trace_of_span().tolist()):
            of_trace[trace].append(span)
        return [self.trace(identifier, spans) for identifier, spans in zip(ids, of_trace, strict=True)]

    def trace(self, identifier: bytes, spans: list[int]) -> Row:
        scope_of_span, resource_of_scope = self.batch.scope_of_span().tolist(), self.batch.resource_of_scope().tolist()
        entries: dict[int, dict[int, list[int]]] = {}
        for span in spans:
            scope = scope_of_span[span]
            entries.setdefault(resource_of_scope[scope], {}).setdefault(scope, []).append(span)
        in_order = [span for scopes in entries.values() for inside in scopes.values() for span in inside]
        sets = self.nested_sets(in_order)
        root = self.root(identifier, spans)
        stored = self.levels[Level.SPAN]
        start = min(stored[span]["start"] for span in spans)
        end = max(min(stored[span]["start"] + stored[span]["duration"], 2**64 - 1) for span in spans)
        return {
            "TraceID": identifier,
            "TraceIDText": identifier.hex().lstrip("0"),
            "StartTimeUnixNano": start,
            "EndTimeUnixNano": end,
            "DurationNano": end - start,
            "RootServiceName": "" if root is None else self.service(resource_of_scope[scope_of_span[root]]),
            "RootSpanName": "" if root is None else stored[root]["name"],
            "ServiceStats": self.service_stats(entries),
            "rs": [
                {
                    "Resource": self.resource(resource),
                    "ss": [{"Scope": self.scope(scope), "Spans": [self.span(s, sets) for s in inside]} for scope, inside in scopes.items()],
                }
                for resource, scopes in entries.items()
            ],
        }

    def nested_sets(self, in_order: list[int]) -> dict[int, tuple[int, int, int]]:
        """(left, right, parent's left) of each span; zeros where no root is above it."""
        stored = self.levels[Level.SPAN]
        counter, sets = 1, dict.fromkeys(in_order, (0, 0, 0))

        def enter(span: int, above: int) -> None:
            nonlocal counter
            left, counter = counter, counter + 1
            for child in in_order:
                if self.parents[child] == span and stored[child]["parent_span_id"]:
                    enter(child, left)
            sets[span] = (left, counter, above)
            counter += 1

        for span in in_order:
            if not stored[span]["parent_span_id"]:
                enter(span, -1)
        return sets

    def root(self, identifier: bytes, spans: list[int]) -> int | None:
        stored = self.levels[Level.SPAN]
        without_parent = [span for span in spans if not stored[span]["parent_span_id"]]

        def order(span: int) -> tuple[bool, int, int, int]:
            found = stored[span]
            return self.names_a_parent(identifier, span), found["start"], found["span_id"], found["kind"]

        return min(without_parent, key=order, default=None)

    def names_a_parent(self, identifier: bytes, span: int) -> bool:
        """Whether a link of the span into its own trace says that it is a child."""
        links = self.below(Level.LINK, span)
        said = ("STRING", "child_of")
        return any(link["trace_id"] == identifier and link["attributes"].get("opentracing.ref_type") == said for link in links)

    def below(self, level: Level, span: int) -> list[Row]:
        offsets = self.batch.offsets(level)
        return self.levels[level][offsets[span] : offsets[span + 1]]

    def service(self, resource: int) -> str:
        kind, name = self.levels[Level.RESOURCE][resource]["attributes"].get("service.name", ("NIL", None))
        return name if kind == "STRING" and isinstance(name, str) else ""

    def service_stats(self, entries: dict[int, dict[int, list[int]]]) -> list[tuple[str, Row]]:
        counts: dict[str, Row] = {}
        for resource, scopes in entries.items():
            count = counts.setdefault(self.service(resource), {"SpanCount": 0, "ErrorCount": 0})
            for span in (span for inside in scopes.values() for span in inside):
                count["SpanCount"] += 1
                count["ErrorCount"] += self.levels[Level.SPAN][span]["status_code"] == 2
        return sorted(counts.items(), key=lambda item: item[0].encode())

    def resource(self, row: int) -> Row:
        stored = self.levels[Level.RESOURCE][row]
        left, fields = self.moved(stored["attributes"], RESOURCE_FIELDS, "resource")
        service = self.service(row)
        if service:
            left = {key: value for key, value in left.items() if key != "service.name"}
        return {
            "Attrs": written(left),
            "DroppedAttributesCount": signed(stored["dropped_attributes"]),
            "ServiceName": service,
            **fields,
        }

    def scope(self, row: int) -> Row:
        stored = self.levels[Level.SCOPE][row]
        return {
            "Name": stored["name"],
            "Version": stored["version"],
            "Attrs": written(stored["attributes"]),
            "DroppedAttributesCount": signed(stored["dropped_attributes"]),
        }

    def span(self, row: int, sets: dict[int, tuple[int, int, int]]) -> Row:
        stored = self.levels[Level.SPAN][row]
        left, right, parent = sets[row]
        rest, fields = self.moved(stored["attributes"], SPAN_FIELDS, "span")
        return {
            "SpanID": stored["span_id"].to_bytes(8, "big"),
            "ParentSpanID": stored["parent_span_id"].to_bytes(8, "big") if stored["parent_span_id"] else b"",
            "ParentID": parent,
            "NestedSetLeft": left,
            "NestedSetRight": right,
            "Name": stored["name"],
            "Kind": stored["kind"],
            "TraceState": stored["trace_state"],
            "StartTimeUnixNano": stored["start"],
            "DurationNano": stored["duration"],
            "StatusCode": stored["status_code"],
            "StatusMessage": stored["status_message"],
            "Attrs": written(rest),
            "DroppedAttributesCount": signed(stored["dropped_attributes"]),
            "Events": [self.event(event) for event in self.below(Level.EVENT, row)],
            "DroppedEventsCount": signed(stored["dropped_events"]),
            "Links": [self.link(link) for link in self.below(Level.LINK, row)],
            "DroppedLinksCount": signed(stored["dropped_links"]),
            **fields,
        }

    def event(self, stored: Row) -> Row:
        return {
            "TimeSinceStartNano": stored["time_since_start"],
            "Name": stored["name"],
            "Attrs": written(stored["attributes"]),
            "DroppedAttributesCount": signed(stored["dropped_attributes"]),
        }

    def link(self, stored: Row) -> Row:
        return {
            "TraceID": stored["trace_id"],
            "SpanID": stored["span_id"],
            "TraceState": stored["trace_state"],
            "Attrs": written(stored["attributes"]),
            "DroppedAttributesCount": signed(stored["dropped_attributes"]),
        }

    def moved(self, found: Row, fixed: dict[str, str], scope: str) -> tuple[Row, Row]:
        """The attributes that stay, and the fields that the others move to."""
        left, fields = {}, dict.fromkeys(fixed.values())
        listed: Row = {f"String{number:02d}": None for number in range(1, 11)}
        for key, (kind, value) in found.items():
            wanted = "INT" if key == "http.status_code" else "STRING"
            scalar = not isinstance(value, list)
            if key in fixed and kind == wanted and scalar:
                fields[fixed[key]] = value
            elif key in self.dedicated[scope] and kind == "STRING" and scalar:
                listed[f"String{self.dedicated[scope].index(key) + 1:02d}"] = value
            else:
                left[key] = (kind, value)
        return left, {**fields, "DedicatedAttributes": listed}


def written(found: Row) -> list[Row]:
    """The attributes as list entries; a float stays the bytes that `tests.comparing.plain` makes of it."""
    entries = []
    for key, (kind, value) in found.items():
        entry: Row = {"Key": key, "IsArray": isinstance(value, list)}
        entry |= {"Value": [], "ValueInt": [], "ValueDouble": [], "ValueBool": [], "ValueUnsupported": None}
        match Kind[kind]:
            case Kind.NIL:
                entry["ValueUnsupported"] = "{}"
            case Kind.OTHER:
                entry["ValueUnsupported"] = value
            case Kind.STRING | Kind.INT | Kind.DOUBLE | Kind.BOOL:
                field = {"STRING": "Value", "INT": "ValueInt", "DOUBLE": "ValueDouble", "BOOL": "ValueBool"}[kind]
                entry[field] = value if isinstance(value, list) else [value]
        entries.append(entry)
    return entries


def signed(count: int) -> int:
    """32 bits without a sign as those with one."""
    return count - 2**32 if count >= 2**31 else count
