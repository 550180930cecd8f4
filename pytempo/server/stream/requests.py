"""What the streaming methods are asked: their request messages, read by the rules of the HTTP parameters.

A field of 0 or "" is one that was left out, for protobuf does not tell the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from pytempo.errors import BadQuery, BadRequest
from pytempo.query.options import SearchOptions
from pytempo.server.api import tempopb
from pytempo.server.api.params import MAX_SEARCH_RANGE, SECOND
from pytempo.server.api.questions import DEFAULTS, MetricsQuestion, SearchQuestion, TagsQuestion


def decode(message: bytes, name: str) -> Any:
    """A request from its wire form. Raises BadRequest where it is none."""
    try:
        return tempopb.message_class(name).FromString(message)
    except DecodeError as error:
        raise BadRequest(f"the request is no protobuf message {tempopb.PACKAGE}.{name}: {error}") from error


def search(asked: Any, now: int, longest: int = MAX_SEARCH_RANGE, bounds: SearchOptions = DEFAULTS) -> SearchQuestion:
    """`SearchRequest`. Raises BadQuery that names the parameter by its name over HTTP."""
    tags = dict(asked.Tags)
    if tags and asked.Query:
        raise BadQuery("Query and Tags exclude each other; give one of them")
    question = SearchQuestion.read(
        _given(
            q=asked.Query,
            minDuration=_milliseconds(asked.MinDurationMs),
            maxDuration=_milliseconds(asked.MaxDurationMs),
            limit=asked.Limit,
            spss=asked.SpansPerSpanSet,
            start=asked.start,
            end=asked.end,
        ),
        now,
        longest,
        bounds,
    )
    return replace(question, tags=tags)


def tags(asked: Any, now: int, longest: int = MAX_SEARCH_RANGE) -> TagsQuestion:
    """`SearchTagsRequest`."""
    given = _given(
        scope=asked.scope,
        q=asked.query,
        start=asked.start,
        end=asked.end,
        limit=asked.maxTagsPerScope,
        maxStaleValues=asked.staleValuesThreshold,
    )
    return TagsQuestion.read(given, now, longest)


def tag_values(asked: Any, now: int, longest: int = MAX_SEARCH_RANGE) -> TagsQuestion:
    """`SearchTagValuesRequest`, all but its tag."""
    given = _given(q=asked.query, start=asked.start, end=asked.end, limit=asked.maxTagValues, maxStaleValues=asked.staleValueThreshold)
    return TagsQuestion.read(given, now, longest)


def tag(asked: Any) -> str:
    """The tag of a `SearchTagValuesRequest`."""
    name: str = asked.tagName
    if not name:
        raise BadQuery("tagName is missing; give the tag whose values are asked for, such as resource.service.name")
    return name


def metrics_range(asked: Any, now: int) -> MetricsQuestion:
    """`QueryRangeRequest`."""
    given = _given(
        q=asked.query,
        start=_seconds(asked.start),
        end=_seconds(asked.end),
        step=_seconds(asked.step),
        exemplars=asked.exemplars,
        maxSeries=asked.maxSeries,
    )
    return MetricsQuestion.read(given, now)


def metrics_instant(asked: Any, now: int) -> MetricsQuestion:
    """`QueryInstantRequest`."""
    return MetricsQuestion.read(_given(q=asked.query, start=_seconds(asked.start), end=_seconds(asked.end)), now)


def _given(**fields: str | int) -> Mapping[str, str]:
    return {name: str(value) for name, value in fields.items() if value}


def _seconds(nanoseconds: int) -> str:
    """A time or duration in nanoseconds, exactly; "" for none."""
    return f"{nanoseconds // SECOND}.{nanoseconds % SECOND:09d}" if nanoseconds else ""


def _milliseconds(duration: int) -> str:
    return f"{duration}ms" if duration else ""
