"""The questions over the HTTP API of Tempo, as it is spoken by Tempo and by pytempo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.data import Corpus
from benchmarks.peers.store import Ask, counted, get
from benchmarks.questions import KINDS, Question

LIMIT = 20


def questions(url: str) -> Mapping[str, Ask]:
    """All kinds, asked of a server."""
    return {kind: partial(ask, url, question) for kind, question in KINDS.items()}


def ask(url: str, question: Question, corpus: Corpus, number: int) -> int:
    """Ask one; how many spans of a trace, traces, counted spans, series, names or values there are in the answer."""
    text = question.filled(corpus, number)
    window = dict(zip(("start", "end"), corpus.asked, strict=True))
    match question.way:
        case "trace":
            return _spans(_json(f"{url}/api/v2/traces/{text}", **window)["trace"])
        case "search":
            return len(_json(f"{url}/api/search", q=text, limit=LIMIT, **window).get("traces") or ())
        case "range":
            step = corpus.step(number)
            series = _json(f"{url}/api/metrics/query_range", q=text, step=f"{step}s", **window).get("series") or ()
            return counted(text, [[sample.get("value", 0) for sample in one["samples"]] for one in series], step)
        case "tags":
            return sum(len(scope.get("tags") or ()) for scope in _json(f"{url}/api/v2/search/tags", **window)["scopes"])
        case "values":
            return len(_json(f"{url}/api/v2/search/tag/{text}/values", **window).get("tagValues") or ())


def _json(url: str, **parameters: str | int) -> Any:
    return json.loads(get(url, **parameters))


def _spans(trace: Any) -> int:
    return sum(len(scope["spans"]) for entry in trace["resourceSpans"] for scope in entry["scopeSpans"])
