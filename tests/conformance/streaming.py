"""Asks the cases of the corpus of `tempopb.StreamingQuerier` instead of HTTP: a stand-in for `conformance.get`.

The path and the parameters of a case become a request message, and the messages of the stream the JSON document that HTTP would answer
with, so that both faces are held to the same answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf import json_format

from pytempo.config import parse_duration
from pytempo.server.api.logfmt import parse_tags
from tests.server.stream.client import ask

SECOND, MILLISECOND = 10**9, 10**6

KINDS = {"instant", "legacy", "limits", "metrics", "search", "tags", "tags1", "values", "values1"}
"""The kinds of cases that the service has a method for."""

HTTP_STATUS = {grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.RESOURCE_EXHAUSTED: 429, grpc.StatusCode.DEADLINE_EXCEEDED: 504}


def can_say(case: dict[str, Any]) -> bool:
    """Whether protobuf has a way to ask a case: what is no positive number has no field, and one of 0 is one that was left out."""
    if case["kind"] == "legacy" and case["want"]["status"] != 200:
        return False
    return case["kind"] in KINDS and all(
        name == "q" or re.fullmatch("[1-9][0-9.]*[mu]?s?", str(value)) for name, value in case.get("params", {}).items()
    )


def getter(channel: grpc.Channel) -> Callable[..., tuple[int, bytes]]:
    """What `conformance.ask` calls instead of `conformance.get`."""

    def get(url: str, path: str, **params: Any) -> tuple[int, bytes]:
        method, fields = request_of(path, {name: value for name, value in params.items() if value is not None})
        try:
            answer = ask(channel, method, **fields)
        except grpc.RpcError as error:
            return HTTP_STATUS.get(error.code(), 500), str(error.details()).encode()
        return 200, json.dumps(as_go_writes(json_format.MessageToDict(answer))).encode()

    return get


def as_go_writes(value: Any) -> Any:
    """A document with whole floats written as Go writes them: 2, not 2.0."""
    if isinstance(value, dict):
        return {name: as_go_writes(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_go_writes(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def request_of(path: str, params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method for a path, and the fields of its request."""
    if path == "/api/search":
        return "Search", _search(params)
    if path == "/api/metrics/query_range":
        step = parse_duration(params["step"])
        return "MetricsQueryRange", {"query": params["q"], "step": step, **_nanoseconds(params)}
    if path == "/api/metrics/query":
        return "MetricsQueryInstant", {"query": params["q"], **_nanoseconds(params)}
    window = {name: int(params[name]) for name in ("start", "end") if name in params}
    version = "V2" if path.startswith("/api/v2") else ""
    if path.endswith("/values"):
        tag = unquote(path.split("/search/tag/")[1].removesuffix("/values"))
        more = {"query": params.get("q", ""), "maxTagValues": int(params.get("limit", 0)), "staleValueThreshold": _stale(params)}
        return f"SearchTagValues{version}", {"tagName": tag, **more, **window}
    more = {"scope": params.get("scope", ""), "maxTagsPerScope": int(params.get("limit", 0))}
    return f"SearchTags{version}", {**more, **window}


def _search(params: dict[str, Any]) -> dict[str, Any]:
    names = {"q": "Query", "limit": "Limit", "spss": "SpansPerSpanSet", "start": "start", "end": "end"}
    fields = {names[name]: value if name == "q" else int(value) for name, value in params.items() if name in names}
    if "tags" in params:
        fields["Tags"] = dict(parse_tags(params["tags"]))
    for name, field in (("minDuration", "MinDurationMs"), ("maxDuration", "MaxDurationMs")):
        if name in params:
            fields[field] = parse_duration(params[name]) // MILLISECOND
    return fields


def _stale(params: dict[str, Any]) -> int:
    return int(params.get("maxStaleValues", 0))


def _nanoseconds(params: dict[str, Any]) -> dict[str, int]:
    return {name: int(params[name]) * SECOND for name in ("start", "end")}
