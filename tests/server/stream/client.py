"""A stock client of the streaming service: asks a method, and puts the messages of its stream together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from pytempo.server.api import tempopb
from pytempo.server.stream import METHODS, STREAMING
from tests.sending import as_tenant

TIMEOUT = 60
"""Seconds for one call."""


def begin(channel: grpc.Channel, method: str, tenant: str | None = None, **fields: Any) -> Any:
    """A call whose messages are to be iterated; `fields` are those of its request."""
    names = METHODS[method]
    call = channel.unary_stream(
        f"/{STREAMING}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=tempopb.message_class(names.response).FromString,
    )
    return call(tempopb.message_class(names.request)(**fields), timeout=TIMEOUT, metadata=as_tenant(tenant))


def ask(channel: grpc.Channel, method: str, tenant: str | None = None, **fields: Any) -> Any:
    """The whole answer."""
    return union(list(begin(channel, method, tenant, **fields)))


def union(messages: Sequence[Any]) -> Any:
    """What a client makes of a stream: traces by id, series by labels, scopes by name; everything else is that of the last message."""
    last = messages[-1]
    if last.DESCRIPTOR.name == "QueryInstantResponse":
        return last
    field = last.DESCRIPTOR.fields_by_number[1].name
    known: dict[Any, Any] = {}
    for element in (element for message in messages for element in getattr(message, field)):
        key = _key(element)
        known[key] = _joined(known[key], element) if key in known else element
    rest = {other.name: value for other, value in last.ListFields() if other.name != field}
    return type(last)(**rest, **{field: known.values()})


def _key(element: Any) -> Any:
    """What tells an element from the others of its kind."""
    kind = "string" if isinstance(element, str) else element.DESCRIPTOR.name
    if kind == "TimeSeries":
        return tuple(label.SerializeToString(deterministic=True) for label in element.labels)
    name = {"TraceSearchMetadata": "traceID", "SearchTagsV2Scope": "name"}.get(kind)
    return getattr(element, name) if name else str(element)


def _joined(before: Any, more: Any) -> Any:
    """An element that came again: a trace anew, a series or a scope with more of it."""
    if isinstance(more, str) or more.DESCRIPTOR.name not in {"TimeSeries", "SearchTagsV2Scope"}:
        return more
    for field in ("samples", "exemplars") if more.DESCRIPTOR.name == "TimeSeries" else ("tags",):
        getattr(before, field).extend(getattr(more, field))
    return before
