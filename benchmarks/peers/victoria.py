"""VictoriaTraces, as the binary that `VICTORIA_TRACES_BIN` names: OTLP over HTTP, LogsQL, and its Jaeger API for a trace by id.

A question in LogsQL is the nearest one to that in TraceQL; where it finds spans, the other finds traces. One kind has none: descendants.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.data import Corpus
from benchmarks.peers.store import PATIENCE, Ask, Running, counted, free_ports, get, process, wait_until
from benchmarks.questions import filled
from benchmarks.sending import Submit

THREADS = 64
"""Requests on their way, at most."""

IN_MEMORY = b'vt_storage_rows{type="storage/inmemory"} 0\n'
"""What its metrics say when it holds no spans that are not on disk."""

NEWEST = "| sort by (_time desc) limit 20"
SEARCHES = {
    '{ span.request.id = "..." }, one hit': f'"span_attr:request.id":="$id" {NEWEST}',
    '{ span.user.id = "..." }': f'"span_attr:user.id":="$user" {NEWEST}',
    "a value that is nowhere": f'"span_attr:user.id":="$absent" {NEWEST}',
    "{ }": f"* {NEWEST}",
    '{ status = error && resource.service.name = "..." }': f'status_code:=2 "resource_attr:service.name":="$service" {NEWEST}',
    "{ duration > 900ms }": f"duration:>$nanoseconds {NEWEST}",
    "regex on route, with duration": f'"span_attr:http.route":~"^/api/v1/resource-1.*" duration:>$nanoseconds {NEWEST}',
    "{ status = error } | count() > 3": "status_code:=2 | stats by (trace_id) count() errors | filter errors:>3 | limit 20",
    "{ } | by(resource.service.name) | avg(duration) > 500ms": (
        '* | stats by (trace_id, "resource_attr:service.name") avg(duration) mean | filter mean:>500000000 | limit 20'
    ),
}
RANGES = {
    "{ } | rate() by (resource.service.name)": '* | stats by ("resource_attr:service.name") rate()',
    "{ } | quantile_over_time(duration, .99) by (name)": "* | stats by (name) quantile(0.99, duration)",
    "{ status = error } | count_over_time() by (span.http.status_code)": 'status_code:=2 | stats by ("span_attr:http.status_code") count()',
}
VALUES = {
    "values of resource.service.name": "resource_attr:service.name",
    "values of span.http.route": "span_attr:http.route",
}


class VictoriaTraces:
    """A binary of VictoriaTraces."""

    name = "victoria-traces"

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """Start it with its defaults; what is flushed can be found, and is on disk when nothing is in memory any more."""
        (port,) = free_ports(1)
        address, url = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"
        command = [str(self._binary), f"-storageDataPath={folder}/data", f"-httpListenAddr={address}"]
        with process(command, folder, f"{url}/health") as pid:

            def settle(_: int) -> None:
                get(f"{url}/internal/force_flush")
                wait_until(lambda: IN_MEMORY in get(f"{url}/metrics"))

            yield Running(pid, partial(_by_http, address), folder / "data", settle, _questions(url))


@contextmanager
def _by_http(address: str) -> Iterator[Submit]:
    """Connections that are kept, one a thread."""
    kept, opened = threading.local(), list[http.client.HTTPConnection]()

    def post(request: bytes) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(address, timeout=PATIENCE)
            opened.append(kept.connection)
        kept.connection.request("POST", "/insert/opentelemetry/v1/traces", request, {"Content-Type": "application/x-protobuf"})
        with kept.connection.getresponse() as answer:
            told = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} {told[:500]!r}")

    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda request: pool.submit(post, request)
    for connection in opened:
        connection.close()


def _questions(url: str) -> Mapping[str, Ask]:
    found: dict[str, Ask] = {"trace by id": partial(_trace, url), "tag names": partial(_listed, url, "field_names", {})}
    found |= {kind: partial(_search, url, text) for kind, text in SEARCHES.items()}
    found |= {kind: partial(_range, url, text) for kind, text in RANGES.items()}
    return found | {kind: partial(_listed, url, "field_values", {"field": field, "limit": 1000}) for kind, field in VALUES.items()}


def _window(corpus: Corpus) -> dict[str, int]:
    return dict(zip(("start", "end"), corpus.asked, strict=True))


def _text(text: str, corpus: Corpus, number: int) -> str:
    return filled(text.replace("$nanoseconds", str((900 + number) * 1_000_000)), corpus, number)


def _trace(url: str, corpus: Corpus, number: int) -> int:
    answer = json.loads(get(f"{url}/select/jaeger/api/traces/{filled('$trace', corpus, number)}"))
    return sum(len(trace["spans"]) for trace in answer["data"] or ())


def _search(url: str, text: str, corpus: Corpus, number: int) -> int:
    return len(get(f"{url}/select/logsql/query", query=_text(text, corpus, number), **_window(corpus)).splitlines())


def _range(url: str, text: str, corpus: Corpus, number: int) -> int:
    window = _window(corpus)
    step = corpus.step(number)
    answer = json.loads(get(f"{url}/select/logsql/stats_query_range", query=_text(text, corpus, number), step=f"{step}s", **window))
    return counted(text, [[float(value) for _, value in one["values"]] for one in answer["data"]["result"]], step)


def _listed(url: str, path: str, parameters: dict[str, str | int], corpus: Corpus, _: int) -> int:
    return len(json.loads(get(f"{url}/select/logsql/{path}", query="*", **parameters, **_window(corpus)))["values"])
