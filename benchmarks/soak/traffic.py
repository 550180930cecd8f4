"""What clients do in a soak: they export at a steady rate, leave sentinels, and ask a mix of questions every second."""

from __future__ import annotations

import json
import random
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.load import Template
from benchmarks.server import Server

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SECOND = 10**9
PATIENCE = 60.0
BEHIND = 2
"""Seconds that spans start before they are sent, so that they have ended by then."""

SENTINEL_SPANS = 3
KEY = "soak.sentinel"
CLIENTS = 4


@dataclass(frozen=True)
class Sentinel:
    """A small trace whose every span has its number in an attribute; `second` is the unix second in which it starts."""

    number: int
    second: int

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return self._id.hex()

    @property
    def query(self) -> str:
        """TraceQL for its spans and no others."""
        return f'{{ span.{KEY} = "{self.number}" }}'

    @property
    def _id(self) -> bytes:
        return struct.pack(">QQ", 0x5E471E1 << 32 | self.second, self.number + 1)

    def request(self) -> bytes:
        """The export of its spans."""
        message = ExportTraceServiceRequest()
        entry = message.resource_spans.add()
        entry.resource.attributes.add(key="service.name").value.string_value = "soak"
        spans = entry.scope_spans.add().spans
        for place in range(SENTINEL_SPANS):
            begin = self.second * SECOND + 1 + place
            span = spans.add(trace_id=self._id, span_id=struct.pack(">II", place + 1, self.number + 1), name=f"sentinel-{place}")
            span.start_time_unix_nano, span.end_time_unix_nano = begin, begin + SECOND // 2
            span.attributes.add(key=KEY).value.string_value = str(self.number)
        return message.SerializeToString()


class Client:
    """Asks a server over HTTP; keeps the slowest answer and everything that was wrong, in words."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._slowest = 0.0
        self.asked = 0
        self.errors: list[str] = []

    def ask(self, path: str, **parameters: object) -> Any:
        """The JSON of an answer; None where there was none, which counts as an error."""
        started = time.perf_counter()
        answer = None
        try:
            with urllib.request.urlopen(f"{self._server.http_url}{path}?{urllib.parse.urlencode(parameters)}", timeout=PATIENCE) as got:
                answer = json.loads(got.read())
        except (OSError, ValueError) as error:
            told = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
            self.fail(f"{path} {parameters}: {error} {told}")
        with self._lock:
            self.asked += 1
            self._slowest = max(self._slowest, time.perf_counter() - started)
        return answer

    def fail(self, words: str) -> None:
        """Count an error."""
        with self._lock:
            self.errors.append(f"{time.strftime('%H:%M:%S')} {words}")

    def take_slowest(self) -> float:
        """Seconds of the slowest answer since this was last asked."""
        with self._lock:
            slowest, self._slowest = self._slowest, 0.0
        return slowest

    def spans_by_id(self, trace_id: str) -> int:
        """How many spans the trace by id shows, copies counted."""
        answer = self.ask(f"/api/v2/traces/{trace_id}") or {}
        batches = answer.get("trace", {}).get("resourceSpans", [])
        return sum(len(scope["spans"]) for batch in batches for scope in batch["scopeSpans"])

    def spans_by_search(self, sentinel: Sentinel) -> list[int]:
        """How many spans match, of every trace in which some do."""
        answer = self.ask("/api/search", q=sentinel.query, limit=20, start=sentinel.second - 60, end=sentinel.second + 60) or {}
        return [sum(found["matched"] for found in trace["spanSets"]) for trace in answer.get("traces", [])]


class Traffic:
    """The threads that send and ask. What was acknowledged is in `acknowledged` by the second in which it starts, and in `sentinels`."""

    def __init__(self, server: Server, rate: float, spans_per_request: int, sentinel_period: float) -> None:
        self.client = Client(server)
        self.acknowledged: Counter[int] = Counter()
        self.sentinels: list[Sentinel] = []
        self.slowest_export = 0.0
        self._server, self._template = server, Template(spans_per_request)
        self._period = spans_per_request / rate
        self._sentinel_period = sentinel_period
        self._sent: deque[int] = deque(maxlen=200)
        """Numbers of the requests that were acknowledged last."""
        self._lock = threading.Lock()
        self._over = threading.Event()
        senders = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]
        self._threads = [*senders, threading.Thread(target=self._leave_sentinels), threading.Thread(target=self._question)]

    @property
    def spans(self) -> int:
        """All that were acknowledged."""
        with self._lock:
            return self.acknowledged.total()

    def start(self) -> None:
        """Begin to send and to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when everything that was sent has its answer."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _paced(self, period: float, offset: float, work: Callable[[int], None]) -> None:
        """Call `work` with 0, 1, … every `period` seconds; one that is late is made up for, by at most one period."""
        due, number = time.monotonic() + offset, 0
        while not self._over.wait(max(due - time.monotonic(), 0)):
            work(number)
            number += 1
            due = max(due + period, time.monotonic() - period)

    def _send(self, sender: int) -> None:
        with grpc.insecure_channel(self._server.otlp_grpc, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            export = channel.unary_unary(EXPORT)

            def send(number: int) -> None:
                which, second = number * CLIENTS + sender, _second()
                payload = self._template.make(which, second * SECOND + 1)  # a nanosecond more: windows leave out where they begin
                if self._export(export, payload, second, self._template.spans):
                    with self._lock:
                        self._sent.append(which)

            self._paced(self._period * CLIENTS, self._period * sender, send)

    def _leave_sentinels(self) -> None:
        """Each is asked for at once: what is acknowledged can be found."""
        with grpc.insecure_channel(self._server.otlp_grpc) as channel:
            export = channel.unary_unary(EXPORT)

            def leave(number: int) -> None:
                sentinel = Sentinel(number, _second())
                if self._export(export, sentinel.request(), sentinel.second, SENTINEL_SPANS):
                    self.sentinels.append(sentinel)
                    found = self.client.spans_by_search(sentinel), self.client.spans_by_id(sentinel.trace_id)
                    if found != ([SENTINEL_SPANS], SENTINEL_SPANS):
                        self.client.fail(f"sentinel {number}, just acknowledged: by search {found[0]}, by id {found[1]} spans")

            self._paced(self._sentinel_period, 0, leave)

    def _export(self, export: Callable[..., bytes], payload: bytes, second: int, spans: int) -> bool:
        """Whether it was acknowledged, all of it."""
        started = time.perf_counter()
        try:
            answer = export(payload, timeout=PATIENCE, wait_for_ready=True)
        except grpc.RpcError as error:
            self.client.fail(f"export: {error.code()} {error.details()}")
            return False
        if answer:
            self.client.fail(f"export: accepted in part: {answer!r}")
            return False
        with self._lock:
            self.acknowledged[second] += spans
            self.slowest_export = max(self.slowest_export, time.perf_counter() - started)
        return True

    def _question(self) -> None:
        chance = random.Random(1)

        def ask(number: int) -> None:
            now, client = int(time.time()), self.client
            with self._lock:
                recent = chance.choice(self._sent) if self._sent else None
            if not (client.ask("/api/search", q="{}", limit=20) or {}).get("traces") and recent is not None:
                client.fail("a search for the newest traces finds none")
            client.ask("/api/v2/search/tag/span.http.route/values", start=now - 300, end=now)
            client.ask("/api/metrics/query_range", q="{} | rate() by (resource.service.name)", since="5m", step="15s")
            if recent is not None:
                trace_id = self._template.trace_ids(recent)[0].tobytes().hex()
                found, sent = client.spans_by_id(trace_id), self._template.spans // self._template.traces
                if found != sent:
                    client.fail(f"trace {trace_id} of request {recent}: {found} spans of {sent}")
            if self.sentinels:
                sentinel = chance.choice(self.sentinels[-6:])
                found_by_search = client.spans_by_search(sentinel)
                if found_by_search != [SENTINEL_SPANS]:
                    client.fail(f"sentinel {sentinel.number}: {found_by_search} spans by search")

        self._paced(1.0, 0.5, ask)


def _second() -> int:
    return int(time.time()) - BEHIND
