"""Traces as JSON in the flavour of Tempo's query API. OTLP/JSON, which senders speak, is otlp/json.py's.

Proto3 JSON: lowerCamelCase names, 64-bit numbers as strings, enums by name, defaults left out; ids in base64, where OTLP/JSON has hex.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from typing import Any, Literal

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pytempo.model.arrays import Array, Ints
from pytempo.model.attributes import Kind
from pytempo.model.batch import Batch
from pytempo.otlp.records import Form, walk

KINDS: dict[int, str] = {number: name if number else "" for name, number in Span.SpanKind.items()}
CODES: dict[int, str] = {number: name if number else "" for name, number in Status.StatusCode.items()}
"""Names by number; the first of an enum is its default and left out."""
FIELDS: dict[int, str] = {Kind.STRING: "stringValue", Kind.INT: "intValue", Kind.DOUBLE: "doubleValue", Kind.BOOL: "boolValue"}
"""The AnyValue field of each typed kind."""


def trace_to_json(batch: Batch, spans: Ints | None = None, *, top: Literal["batches", "resourceSpans"] = "resourceSpans") -> bytes:
    """The spans of a batch (all, or these rows) as a JSON object in UTF-8 with one key: `batches` in v1 answers, `resourceSpans` in v2.

    Source: Tempo's API, `/api/traces/{id}` and `/api/v2/traces/{id}`.
    """
    write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    text, end = [f'{{"{top}":['], ""
    for resource, scope, span in walk(batch, spans, TEMPO):
        if resource is not None:
            text += [end, "," if end else "", '{"resource":', write(resource), ',"scopeSpans":[{"scope":', write(scope), ',"spans":[']
        elif scope is not None:
            text += [']},{"scope":', write(scope), ',"spans":[']
        else:
            text.append(",")
        text.append(write(span))
        end = "]}]}"
    return "".join([*text, end, "]}"]).encode()


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _identifiers(raw: list[bytes]) -> list[str]:
    return [b64encode(identifier).decode() for identifier in raw]


def _times(column: Array) -> list[str]:
    return [str(time) if time else "" for time in column.tolist()]


def _kinds(column: Array) -> list[str | int]:
    return [KINDS.get(number, number) for number in column.tolist()]


def _codes(column: Array) -> list[str | int]:
    return [CODES.get(number, number) for number in column.tolist()]


def _value(kind: int, content: Any) -> Any:
    field = FIELDS.get(kind)
    if field is None:
        return {} if kind == Kind.NIL else {"arrayValue": {}} if kind == Kind.EMPTY else _other(content)
    if isinstance(content, list):
        return {"arrayValue": {"values": [{field: _scalar(kind, element)} for element in content]}}
    return {field: _scalar(kind, content)}


def _scalar(kind: int, content: Any) -> Any:
    if kind == Kind.INT:
        return str(content)
    if kind == Kind.DOUBLE and not math.isfinite(content):
        return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
    return content


def _other(text: str) -> Any:
    """What a stored JSON text stands for; a text that another writer made and that is no JSON comes back as it is, so that it is seen."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"stringValue": text}


TEMPO = Form(name=_camel_case, identifiers=_identifiers, times=_times, kinds=_kinds, codes=_codes, value=_value)
"""The form of Tempo's JSON."""
