"""What the endpoints of search, tags and metrics are asked: their query parameters, read and checked by Tempo's rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from pytempo.errors import BadQuery
from pytempo.query.options import SearchOptions
from pytempo.query.trace_by_id import ALL_GENERATIONS
from pytempo.server.api import params
from pytempo.server.api.logfmt import parse_tags
from pytempo.server.api.params import MAX_COUNT, MAX_SEARCH_RANGE, Window

DEFAULTS = SearchOptions()

_SEARCH_PARAMETERS = {"q", "tags", "minDuration", "maxDuration", "limit", "spss", "start", "end", "since"}

_ENCODED_TWICE = re.compile(r"(?:[A-Za-z0-9\-._~!*'()]|%[0-9A-Fa-f]{2})+")
"""All that a percent-encoder leaves or writes."""


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """`/api/search`: either `q`, or tags and durations (nanoseconds; 0 = no bound, a negative one is kept by no trace, as with Tempo)."""

    q: str | None
    tags: Mapping[str, str]
    min_duration: int
    max_duration: int
    window: Window
    limit: int
    spans_per_spanset: int

    @classmethod
    def read(cls, given: Mapping[str, str], now: int, longest: int = MAX_SEARCH_RANGE, bounds: SearchOptions = DEFAULTS) -> SearchQuestion:
        """`longest` bounds the window, 0 does not. Raises BadQuery that names the parameter."""
        q, window = params.query(given, "q"), params.window(given, now, longest)
        tags, shortest, longest = _tags(given, q, window), params.duration(given, "minDuration"), params.duration(given, "maxDuration")
        if longest != 0 and longest <= shortest:
            raise BadQuery(
                f"invalid maxDuration: {given['maxDuration']} must be greater than minDuration, {given.get('minDuration', '0s')}"
            )
        if q is not None and (shortest or longest):
            raise BadQuery("minDuration and maxDuration go with tags; with q, write the bound into it, such as { traceDuration > 1s }")
        return cls(
            q=q,
            tags=tags,
            min_duration=shortest,
            max_duration=longest,
            window=window,
            limit=params.count(given, "limit", bounds.default_limit, least=1, most=bounds.max_limit or MAX_COUNT),
            spans_per_spanset=params.count(given, "spss", 0, most=bounds.max_spans or MAX_COUNT) or bounds.default_spans,
        )


def _tags(given: Mapping[str, str], q: str | None, window: Window) -> Mapping[str, str]:
    tags = params.text(given, "tags")
    if tags is not None and q is not None:
        raise BadQuery("q and tags exclude each other; give one of them")
    if tags is not None:
        return parse_tags(tags)
    if q is not None or window != Window():
        return {}
    return {name: value for name, value in given.items() if name not in _SEARCH_PARAMETERS}


MODES = ("all", "blocks", "ingesters", "external")
"""Where Tempo is told to look for a trace; all is what it means to ask for one."""

SHARDS = {"blockStart": "00000000-0000-0000-0000-000000000000", "blockEnd": "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}
"""Bounds of block ids, for debugging Tempo's shards; only the widest are served."""


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """`/api/traces/{id}` and `/api/v2/traces/{id}`: the whole trace, or what `q` keeps with so many generations around it (-1: all)."""

    q: str | None
    descendants: int
    ancestors: int
    window: Window

    @classmethod
    def read(cls, given: Mapping[str, str]) -> TraceQuestion:
        """Raises BadQuery that names the parameter."""
        _refuse_debugging(given)
        q, hierarchy = params.query(given, "q"), params.flag(given, "keep_hierarchy")
        descendants = params.depth(given, "match_depth", 0)
        ancestors = params.depth(given, "ancestor_depth", ALL_GENERATIONS)
        return cls(q, descendants, ancestors if hierarchy else 0, params.bounds(given))


def _refuse_debugging(given: Mapping[str, str]) -> None:
    mode = params.text(given, "mode") or "all"
    if mode not in MODES:
        raise BadQuery(f"invalid mode: {params.shown(mode)} is none of {', '.join(MODES)}")
    if mode != "all":
        raise BadQuery(f"not supported: mode={mode}; a trace is always looked for everywhere")
    for name, widest in SHARDS.items():
        if (params.text(given, name) or widest).upper() != widest:
            raise BadQuery(f"not supported: {name}; a trace is always looked for in every block")
    for name in given:
        if name.startswith("span_pruning"):
            raise BadQuery(f"not supported: {params.shown(name)}; choose spans with q")


@dataclass(frozen=True, slots=True)
class TagsQuestion:
    """`/api/search/tags`, `/api/v2/search/tags` and the values of one tag. A limit of 0 is none."""

    scope: str | None
    q: str | None
    window: Window
    limit: int

    @classmethod
    def read(cls, given: Mapping[str, str], now: int, longest: int = MAX_SEARCH_RANGE) -> TagsQuestion:
        """`longest` bounds the window, 0 does not. Raises BadQuery that names the parameter.

        `maxStaleValues` lets Tempo stop early; here nothing is left out for it.
        """
        params.count(given, "maxStaleValues", 0)
        return cls(
            scope=params.text(given, "scope"),
            q=params.query(given, "q"),
            window=params.window(given, now, longest),
            limit=params.count(given, "limit", 0),
        )


@dataclass(frozen=True, slots=True)
class MetricsQuestion:
    """`/api/metrics/query_range` and `/api/metrics/query`: times and step in nanoseconds, None for a step that suits the range."""

    q: str
    start: int
    end: int
    step: int | None
    exemplars: int | None
    """None for as many as there may be."""
    max_series: int
    """0 for all."""

    @classmethod
    def read(cls, given: Mapping[str, str], now: int) -> MetricsQuestion:
        """Raises BadQuery that names the parameter."""
        q = params.query(given, "q", "query")
        if q is None:
            raise BadQuery("q is missing; give a TraceQL metrics query, such as { status = error } | rate()")
        start, end = params.metrics_window(given, now)
        return cls(
            q=q,
            start=start,
            end=end,
            step=params.step(given),
            exemplars=params.count(given, "exemplars", 0) or None,
            max_series=params.count(given, "maxSeries", 0),
        )


def tag_of_path(segment: str) -> str:
    """The tag that a path means, percent-decoded once by the server.

    Grafana encodes tags twice through its proxy. So what still looks encoded throughout is decoded again; a name that holds a
    percent sign itself is asked for in quotes, which no encoder leaves standing: `span."a%20b"`.
    """
    return unquote(segment) if "%" in segment and _ENCODED_TWICE.fullmatch(segment) else segment
