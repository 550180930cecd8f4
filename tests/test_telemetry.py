"""Our own metrics carry Tempo's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from pytempo.telemetry import ReceiverMetrics, RequestMetrics, expose, publish_build_info


def lines(registry: CollectorRegistry) -> list[str]:
    return expose(registry).decode().splitlines()


def test_receiver_counters_have_no_suffix_and_are_typed_as_counters() -> None:
    registry = CollectorRegistry()
    ReceiverMetrics(registry).accepted("grpc", "single-tenant", 3, 99)
    exposed = lines(registry)
    assert "# TYPE tempo_receiver_accepted_spans counter" in exposed
    assert 'tempo_receiver_accepted_spans{receiver="otlp/otlp_receiver",transport="grpc"} 3.0' in exposed
    assert 'tempo_distributor_spans_received_total{tenant="single-tenant"} 3.0' in exposed
    assert 'tempo_distributor_bytes_received_total{tenant="single-tenant"} 99.0' in exposed


def test_refused_spans_are_counted_by_reason() -> None:
    registry = CollectorRegistry()
    metrics = ReceiverMetrics(registry)
    metrics.refused("http", "single-tenant", 1, "invalid_trace_id")
    metrics.refused("http", "single-tenant", 2, "invalid_span_id")
    exposed = lines(registry)
    assert 'tempo_receiver_refused_spans{receiver="otlp/otlp_receiver",transport="http"} 3.0' in exposed
    assert 'tempo_discarded_spans_total{reason="invalid_trace_id",tenant="single-tenant"} 1.0' in exposed


def test_requests_are_timed_by_route() -> None:
    registry = CollectorRegistry()
    RequestMetrics(registry).observe("GET", "api_search", 200, 0.02)
    labels = 'method="GET",route="api_search",status_code="200",ws="false"'
    assert f"tempo_request_duration_seconds_count{{{labels}}} 1.0" in lines(registry)


def test_the_build_says_which_tempo_it_follows() -> None:
    registry = CollectorRegistry()
    publish_build_info(registry, "2.10.8")
    (line,) = [line for line in lines(registry) if line.startswith("tempo_build_info{")]
    assert 'version="2.10.8"' in line


def test_two_registries_in_one_process_count_apart() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    ReceiverMetrics(one).accepted("grpc", "single-tenant", 1, 1)
    ReceiverMetrics(other)
    assert not [line for line in lines(other) if line.startswith("tempo_receiver_accepted_spans{")]


def test_requests_in_flight_are_named_as_they_are_known_at_the_scrape() -> None:
    registry, route = CollectorRegistry(), "other"
    metrics = RequestMetrics(registry)

    def in_flight() -> dict[str, float]:
        (family,) = (each for each in registry.collect() if each.name == "tempo_inflight_requests")
        return {sample.labels["route"]: sample.value for sample in family.samples}

    with metrics.in_flight(lambda: ("GET", route)), metrics.in_flight(lambda: ("GET", "ready")):
        assert in_flight() == {"other": 1, "ready": 1}
        route = "api_search"
        assert in_flight() == {"api_search": 1, "ready": 1}
    assert in_flight() == {}
