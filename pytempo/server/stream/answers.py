"""The answer to each streaming method, as the messages of its stream: the documents of the HTTP API, cut into packets.

The store answers as a whole, so the messages with an answer are sent when it has; together they equal the answer over HTTP. Until then
there are messages of progress: nothing new, and what was looked at so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from pytempo.query.budget import Budget
from pytempo.query.results import Inspected
from pytempo.query.series_results import SeriesResult, TimeSeries
from pytempo.server.api import metrics as metrics_api
from pytempo.server.api import render, tempopb
from pytempo.server.api import search as search_api
from pytempo.server.api import tags as tags_api
from pytempo.server.service import Service
from pytempo.server.stream import requests
from pytempo.server.stream.packets import packets, scope_pieces, series_pieces, whole


def search(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    store = service.store
    question = requests.search(asked, service.clock(), store.longest_search(tenant), store.options.search)
    found = search_api.ask(store, question, tenant, budget)
    yield from packets(tempopb.parse(render.search(found), "SearchResponse"), "traces")


def tag_names_v1(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    question = requests.tags(asked, service.clock(), service.store.longest_search(tenant))
    found = tags_api.all_names(service.store, question, tenant, budget)
    yield from packets(tempopb.parse(render.tag_names(found, question.limit), "SearchTagsResponse"), "tagNames")


def tag_names(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    found = tags_api.names(service.store, requests.tags(asked, service.clock(), service.store.longest_search(tenant)), tenant, budget)
    yield from packets(tempopb.parse(render.scoped_tag_names(found), "SearchTagsV2Response"), "scopes", scope_pieces)


def tag_values_v1(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    tag, question = requests.tag(asked), requests.tag_values(asked, service.clock(), service.store.longest_search(tenant))
    found = service.store.tag_values_v1(
        tag, start=question.window.start, end=question.window.end, limit=question.limit, tenant=tenant, budget=budget
    )
    yield from packets(tempopb.parse(render.tag_values(found), "SearchTagValuesResponse"), "tagValues")


def tag_values(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    tag, question = requests.tag(asked), requests.tag_values(asked, service.clock(), service.store.longest_search(tenant))
    window = question.window
    found = service.store.tag_values(
        tag, q=question.q, start=window.start, end=window.end, limit=question.limit, tenant=tenant, budget=budget
    )
    yield from packets(tempopb.parse(render.typed_tag_values(found), "SearchTagValuesV2Response"), "tagValues")


def metrics_range(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    found = metrics_api.ask_range(service.store, requests.metrics_range(asked, service.clock()), tenant, budget)
    yield from packets(series_message(found), "series", series_pieces)


def metrics_instant(service: Service, asked: Any, tenant: str, budget: Budget) -> Iterator[bytes]:
    found = metrics_api.ask_instant(service.store, requests.metrics_instant(asked, service.clock()), tenant, budget)
    yield whole(tempopb.parse(render.instant_series(found), "QueryInstantResponse"), "series")


def progress(response: str, inspected: Inspected) -> bytes:
    """A message of the type `response` without anything new: a client that shows how far a query is has only this to go by."""
    of_spans = {field.name for field in tempopb.message_class(response).DESCRIPTOR.fields_by_name["metrics"].message_type.fields}
    metrics = render.search_metrics(inspected) if "inspectedSpans" in of_spans else render.metadata_metrics(inspected)
    return tempopb.encode({"metrics": metrics}, response)


def series_message(found: SeriesResult) -> Any:
    """`QueryRangeResponse`. The points, of which there may be very many, do not take the way over a document."""
    message = tempopb.parse(render.series(replace(found, series=tuple(map(_without_points, found.series)))), "QueryRangeResponse")
    sample = tempopb.message_class("Sample")
    for series, each in zip(message.series, found.series, strict=True):
        series.samples.extend(sample(timestamp_ms=time, value=value) for time, value in each.samples)
    return message


def _without_points(series: TimeSeries) -> TimeSeries:
    return replace(series, times=np.empty(0, np.int64), values=np.empty(0, np.float64))
