"""The stock OpenTelemetry exporters as users run them: what they send is found exactly, whatever happens to the server in between."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from tests.servers import RunningServer, serve


def exporters(server: RunningServer) -> tuple[SpanExporter, SpanExporter]:
    """Over gRPC and over HTTP, with nothing set but the address."""
    return (
        GrpcExporter(endpoint=f"http://{server.otlp_grpc_address}", insecure=True),
        HttpExporter(endpoint=f"{server.otlp_http_url}/v1/traces"),
    )


def send_ten(exporter: SpanExporter) -> list[str]:
    """Ten traces of two spans; their ids."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer, ids = provider.get_tracer("test"), []
    for number in range(10):
        with tracer.start_as_current_span("checkout") as root, tracer.start_as_current_span("charge card") as span:
            span.set_attribute("order.id", number)
        ids.append(f"{root.get_span_context().trace_id:032x}")
    provider.shutdown()
    return ids


def found(server: RunningServer, query: str = "{}") -> list[str]:
    """The ids of the traces that a search finds, sorted; each must be there by id, too, with both of its spans."""
    with httpx.Client(base_url=server.http_url, timeout=30) as http:
        answer = http.get("/api/search", params={"q": query, "limit": 100}).raise_for_status().json()
        ids = sorted(trace["traceID"].rjust(32, "0") for trace in answer["traces"])
        for trace_id in ids:
            whole = http.get(f"/api/traces/{trace_id}").raise_for_status().json()
            assert sum(len(scope["spans"]) for batch in whole["batches"] for scope in batch["scopeSpans"]) == 2
    return ids


@pytest.mark.crash
def test_what_was_sent_is_found_exactly_at_once_and_after_kills_and_flushes(tmp_path: Path) -> None:
    sent: list[str] = []
    with serve(tmp_path) as server:
        for exporter in exporters(server):
            sent = sorted(sent + send_ten(exporter))
            assert found(server) == sent
        server.kill()
    with serve(tmp_path) as server:
        assert found(server) == sent
        httpx.post(f"{server.http_url}/flush", timeout=60).raise_for_status()
        assert found(server) == sent
        server.kill()
    with serve(tmp_path) as server:
        assert found(server) == sent
        seventh = found(server, "{ span.order.id = 7 }")
        assert len(seventh) == 2
        assert set(seventh) < set(sent)
