"""Answers of the store in Tempo's JSON shapes (the gogo flavour of proto3 JSON); nothing else renders them.

The rules: 64-bit numbers are strings, zero values are left out, lists that an answer is about are there even when empty.
tempo-query reads these documents strictly: a field that Tempo does not have breaks it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from pytempo.model.ids import short_hex
from pytempo.query.results import (
    AttributeValue,
    FoundSpan,
    FoundTrace,
    Inspected,
    Scalar,
    SearchResult,
    ServiceStats,
    Spanset,
    TagNames,
    TagValues,
)
from pytempo.query.series_results import InstantResult, SeriesResult, TimeSeries

Document: TypeAlias = dict[str, Any]

MILLISECOND = 1_000_000

WHOLE_UNTIL = 1e21
"""Go writes larger numbers with an exponent."""

NO_ROOT_YET = "<root span not yet received>"


def search(result: SearchResult) -> Document:
    """`SearchResponse`."""
    return {"traces": [_trace(trace) for trace in result.traces], "metrics": search_metrics(result.inspected)}


def _trace(trace: FoundTrace) -> Document:
    spansets = [_spanset(spanset) for spanset in trace.spansets]
    return _without_zeros(
        traceID=short_hex(trace.trace_id),
        rootServiceName=NO_ROOT_YET if trace.root_service is None else trace.root_service,
        rootTraceName=trace.root_name,
        startTimeUnixNano=_long(trace.start),
        durationMs=min(trace.duration // MILLISECOND, 2**32 - 1),
        spanSet=spansets[0] if spansets else None,
        spanSets=spansets,
        serviceStats={name: _service(stats) for name, stats in trace.service_stats},
    )


def _service(stats: ServiceStats) -> Document:
    return _without_zeros(spanCount=stats.spans, errorCount=stats.errors)


def _spanset(spanset: Spanset) -> Document:
    return _without_zeros(
        spans=[_span(span) for span in spanset.spans], matched=spanset.matched, attributes=[key_value(*pair) for pair in spanset.attributes]
    )


def _span(span: FoundSpan) -> Document:
    return _without_zeros(
        spanID=span.span_id,
        name=span.name,
        startTimeUnixNano=_long(span.start),
        durationNanos=_long(span.duration),
        attributes=[key_value(*pair) for pair in span.attributes],
    )


def key_value(key: str, value: AttributeValue) -> Document:
    """`KeyValue`."""
    return {"key": key, "value": any_value(value)}


def any_value(value: AttributeValue) -> Document:
    """`AnyValue`. Its member is written even when it is zero: it tells the type."""
    if isinstance(value, tuple):
        return {"arrayValue": {"values": [any_value(element) for element in value]} if value else {}}
    return {_member(value): _scalar(value)}


def _member(value: Scalar) -> str:
    if isinstance(value, str):
        return "stringValue"
    if isinstance(value, bool):
        return "boolValue"
    return "intValue" if isinstance(value, int) else "doubleValue"


def _scalar(value: Scalar) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_UNTIL:
        return int(value)  # as Go writes it: 2, not 2.0
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def search_metrics(inspected: Inspected) -> Document:
    """`SearchMetrics`."""
    return _without_zeros(
        inspectedTraces=inspected.traces,
        inspectedBytes=_long(inspected.bytes),
        totalBlocks=inspected.blocks,
        completedJobs=inspected.jobs,
        totalJobs=inspected.jobs,
        totalBlockBytes=_long(inspected.block_bytes),
        inspectedSpans=_long(inspected.spans),
    )


def metadata_metrics(inspected: Inspected) -> Document:
    """`MetadataMetrics`."""
    return _without_zeros(
        inspectedBytes=_long(inspected.bytes),
        totalJobs=inspected.jobs,
        completedJobs=inspected.jobs,
        totalBlocks=inspected.blocks,
        totalBlockBytes=_long(inspected.block_bytes),
    )


def trace_metrics(inspected: Inspected) -> Document:
    """`TraceByIDMetrics`."""
    return _without_zeros(inspectedBytes=_long(inspected.bytes))


def series(result: SeriesResult) -> Document:
    """`QueryRangeResponse`."""
    return {"series": [_time_series(each) for each in result.series], **_completeness(result), "metrics": search_metrics(result.inspected)}


def instant_series(result: InstantResult) -> Document:
    """`QueryInstantResponse`."""
    found = [_without_zeros(labels=_key_values(each.labels), value=_scalar(each.value)) for each in result.series]
    return {"series": found, **_completeness(result), "metrics": search_metrics(result.inspected)}


def _time_series(found: TimeSeries) -> Document:
    return _without_zeros(
        labels=_key_values(found.labels),
        samples=[_without_zeros(timestampMs=_long(time), value=_scalar(value)) for time, value in found.samples],
        exemplars=[
            _without_zeros(labels=_key_values(each.labels), value=_scalar(each.value), timestampMs=_long(each.time))
            for each in found.exemplars
        ],
    )


def _completeness(result: SeriesResult | InstantResult) -> Document:
    return _without_zeros(status="PARTIAL" if result.partial else None, message=result.message)


def _key_values(pairs: Iterable[tuple[str, AttributeValue]]) -> list[Document]:
    return [key_value(*pair) for pair in pairs]


def tag_names(found: TagNames, limit: int) -> Document:
    """`SearchTagsResponse`: the names of all scopes together."""
    names = found.all()
    return {"tagNames": list(names[:limit] if limit else names), "metrics": metadata_metrics(found.inspected)}


def scoped_tag_names(found: TagNames) -> Document:
    """`SearchTagsV2Response`."""
    scopes = [{"name": scope, "tags": list(names)} for scope, names in found.scopes if names]
    return {"scopes": scopes, "metrics": metadata_metrics(found.inspected)}


def tag_values(found: TagValues) -> Document:
    """`SearchTagValuesResponse`: the texts alone, each once."""
    return {"tagValues": sorted({value.value for value in found.values}), "metrics": metadata_metrics(found.inspected)}


def typed_tag_values(found: TagValues) -> Document:
    """`SearchTagValuesV2Response`."""
    values = [_without_zeros(type=value.type, value=value.value) for value in found.values]
    return {"tagValues": values, "metrics": metadata_metrics(found.inspected)}


def block(meta: bytes) -> Document:
    """A block's meta.json as a document."""
    document: Document = json.loads(meta)
    return document


def _long(value: int) -> str | None:
    """A 64-bit number."""
    return str(value) if value else None


def _without_zeros(**fields: str | float | Mapping[str, Any] | Iterable[Any] | None) -> Document:
    return {name: value for name, value in fields.items() if value}
