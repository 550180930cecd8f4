"""The kinds of questions that every benchmark asks, with several different questions of each; how one is asked is its asker's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.data import SERVICES, Corpus

ROUNDS = 5
"""Questions of a kind whose times count; one more is asked before them, for what is read once and kept."""

Way = Literal["trace", "search", "range", "tags", "values"]


@dataclass(frozen=True)
class Question:
    """One kind. What stands after a dollar sign in the text is another in each question of the kind."""

    way: Way
    text: str = ""
    """A trace id, a TraceQL query, or the name of a tag."""

    def filled(self, corpus: Corpus, number: int) -> str:
        """The text of its question with this number."""
        return filled(self.text, corpus, number)


def filled(text: str, corpus: Corpus, number: int) -> str:
    """A text with ids, users and so on of a corpus in it."""
    known: dict[str, Callable[[], str]] = {
        "$trace": lambda: corpus.trace_ids[number % len(corpus.trace_ids)],
        "$id": lambda: corpus.request_ids[number % len(corpus.request_ids)],
        "$user": lambda: f"u{1000 + number}",
        "$service": lambda: SERVICES[number % len(SERVICES)],
        "$absent": lambda: f"none-{number}",
        "$long": lambda: f"{900 + number}ms",
    }
    for name, value in known.items():
        if name in text:
            text = text.replace(name, value())
    return text


KINDS = {
    "trace by id": Question("trace", "$trace"),
    '{ span.request.id = "..." }, one hit': Question("search", '{ span.request.id = "$id" }'),
    '{ .request.id = "..." }': Question("search", '{ .request.id = "$id" }'),
    '{ span.user.id = "..." }': Question("search", '{ span.user.id = "$user" }'),
    "a value that is nowhere": Question("search", '{ span.user.id = "$absent" }'),
    "{ }": Question("search", "{ }"),
    '{ status = error && resource.service.name = "..." }': Question("search", '{ status = error && resource.service.name = "$service" }'),
    "{ duration > 900ms }": Question("search", "{ duration > $long }"),
    "regex on route, with duration": Question("search", '{ span.http.route =~ "/api/v1/resource-1.*" && duration > $long }'),
    '{ resource.service.name = "..." } >> { status = error }': Question(
        "search", '{ resource.service.name = "$service" } >> { status = error }'
    ),
    "{ status = error } | count() > 3": Question("search", "{ status = error } | count() > 3"),
    "{ } | by(resource.service.name) | avg(duration) > 500ms": Question(
        "search", "{ } | by(resource.service.name) | avg(duration) > 500ms"
    ),
    "{ } | rate() by (resource.service.name)": Question("range", "{ } | rate() by (resource.service.name)"),
    "{ } | quantile_over_time(duration, .99) by (name)": Question("range", "{ } | quantile_over_time(duration, .99) by (name)"),
    "{ status = error } | count_over_time() by (span.http.status_code)": Question(
        "range", "{ status = error } | count_over_time() by (span.http.status_code)"
    ),
    "tag names": Question("tags"),
    "values of resource.service.name": Question("values", "resource.service.name"),
    "values of span.http.route": Question("values", "span.http.route"),
}
"""By the name under which their figures are reported."""

NEEDLE = '{ span.request.id = "..." }, one hit'
"""The kind that finds one span by a value of its own."""
