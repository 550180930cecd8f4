"""The gRPC service: its seven methods, each a stream of messages that ends with OK or with a status of status.py.

A client that goes away takes its question out of the queue, or ends it at its next step.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc

from pytempo.otlp import status_message
from pytempo.query.budget import Budget
from pytempo.server.service import Service
from pytempo.server.status import Refusal, refusal_of
from pytempo.server.stream import answers
from pytempo.server.stream.requests import decode
from pytempo.server.tenancy import metadata_values

STREAMING = "tempopb.StreamingQuerier"


@dataclass(frozen=True, slots=True)
class Method:
    """A method by the names of its messages; `answer` makes the messages of its stream in a thread of the queries."""

    request: str
    response: str
    answer: Callable[[Service, Any, str, Budget], Iterator[bytes]]


METHODS = {
    "Search": Method("SearchRequest", "SearchResponse", answers.search),
    "SearchTags": Method("SearchTagsRequest", "SearchTagsResponse", answers.tag_names_v1),
    "SearchTagsV2": Method("SearchTagsRequest", "SearchTagsV2Response", answers.tag_names),
    "SearchTagValues": Method("SearchTagValuesRequest", "SearchTagValuesResponse", answers.tag_values_v1),
    "SearchTagValuesV2": Method("SearchTagValuesRequest", "SearchTagValuesV2Response", answers.tag_values),
    "MetricsQueryRange": Method("QueryRangeRequest", "QueryRangeResponse", answers.metrics_range),
    "MetricsQueryInstant": Method("QueryInstantRequest", "QueryInstantResponse", answers.metrics_instant),
}

PROGRESS_SECONDS = 0.5
"""Time between two messages of a stream that has nothing new to tell, as with Tempo."""

LONGEST_TEXT = 2000
"""Bytes of a refusal's text: it travels as a header, percent-encoded, and clients take 8 KiB of headers."""

Context = grpc.aio.ServicerContext[bytes, bytes]
Stream = Callable[[bytes, Context], AsyncIterator[bytes]]


def streaming_handler(service: Service) -> grpc.GenericRpcHandler[bytes, bytes]:
    """The service, for a server of grpc.aio."""
    methods = {name: grpc.unary_stream_rpc_method_handler(_stream(service, name)) for name in METHODS}
    return grpc.method_handlers_generic_handler(STREAMING, methods)


def _stream(service: Service, name: str) -> Stream:
    route = f"/{STREAMING}/{name}"

    async def stream(message: bytes, context: Context) -> AsyncIterator[bytes]:
        status, begin = "cancel", time.perf_counter()
        service.streams += 1
        try:
            with service.requests.in_flight(lambda: ("gRPC", route)):
                async for packet in _packets(service, name, message, metadata_values(context)):
                    yield packet
            status = "success"
        except Exception as error:
            status = "error"
            await abort(context, refusal_of(error, service.logger, f"{STREAMING}/{name}"))
        finally:
            service.streams -= 1
            service.requests.observe("gRPC", route, status, time.perf_counter() - begin)

    return stream


async def _packets(service: Service, name: str, message: bytes, tenants: Sequence[str]) -> AsyncIterator[bytes]:
    """The messages of a stream: those of progress while the question is worked on, then the answer."""
    method, tenant = METHODS[name], service.tenancy.reader(tenants)
    asked = decode(message, method.request)
    with service.begin(lambda budget: list(method.answer(service, asked, tenant, budget))) as asking:
        while not await asking.ends_within(PROGRESS_SECONDS):
            yield answers.progress(method.response, asking.budget.inspected)
        for packet in await asking.result():
            yield packet


async def abort(context: Context, refusal: Refusal) -> NoReturn:
    """End the stream with the refusal; with RetryInfo where it says when to ask again."""
    text = refusal.text.encode()[:LONGEST_TEXT].decode(errors="ignore")
    details: tuple[tuple[str, bytes], ...] = ()
    if refusal.retry_after is not None:
        details = (("grpc-status-details-bin", status_message(refusal.grpc.value[0], text, refusal.retry_after)),)
    await context.abort(refusal.grpc, text, details)
