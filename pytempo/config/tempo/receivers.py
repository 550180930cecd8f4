"""Keys of `distributor`: the receivers, in the syntax of the OpenTelemetry Collector, and what happens to spans on their way in.

A receiver, and of OTLP a protocol, that is not listed is not opened. Without any, there is OTLP over gRPC on localhost, as with Tempo.
"""

from __future__ import annotations

from pytempo.config.keys import Key, missing, no_effect, refused, used, whole_sections
from pytempo.config.kinds import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    DURATION,
    ENDPOINT,
    MEBIBYTES,
    POSITIVE_SECONDS,
    SIZE,
    TEXT,
    TEXTS,
    Endpoint,
    choice,
)

OTLP = "distributor.receivers.otlp.protocols"
GRPC, HTTP = f"{OTLP}.grpc", f"{OTLP}.http"

_COLLECTOR = "receive it with an OpenTelemetry Collector, and let that send OTLP to port 4317"
_CONNECTIONS = "Connections have fixed settings."
_LIMIT = "One limit, the larger of this and the other protocol's, holds for both, decompressed (default 16 MiB)."

_VERSION = choice("", "1.2", "1.3", otherwise="older versions are not served (RFC 8996)")


def _tls(protocol: str) -> tuple[Key, ...]:
    """TLS of one protocol; without a certificate it is plain."""
    return (
        used(f"{protocol}.tls.cert_file", TEXT, "", "The certificate and its chain, PEM. It is read again when it changes."),
        used(f"{protocol}.tls.key_file", TEXT, "", "Its key."),
        used(f"{protocol}.tls.client_ca_file", TEXT, "", "Clients need a certificate that this one has signed."),
        used(f"{protocol}.tls.min_version", _VERSION, "", "The least version of TLS; left out, 1.2."),
        used(f"{protocol}.tls.cipher_suites", TEXTS, (), "Suites of TLS 1.2 by their IANA names; none is every good one."),
        *no_effect(f"{protocol}.tls", "Files are looked at for every connection.", reload_interval=DURATION),
        *no_effect(f"{protocol}.tls", "Files are looked at for every connection.", client_ca_file_reload=BOOLEAN),
        *no_effect(f"{protocol}.tls", "TLS 1.3 is always served.", max_version=TEXT),
        *no_effect(f"{protocol}.tls", "It concerns clients, not receivers.", ca_file=TEXT, include_system_ca_certs_pool=BOOLEAN),
        *(
            refused(f"{protocol}.tls.{name}", TEXT, "", "Certificates are read from files; give their paths.")
            for name in ("cert_pem", "key_pem", "client_ca_pem")
        ),
    )


KEYS: tuple[Key, ...] = (
    used(f"{GRPC}.endpoint", ENDPOINT, Endpoint("localhost", 4317), "Address and port of OTLP over gRPC."),
    used(f"{GRPC}.max_recv_msg_size_mib", MEBIBYTES, 16, _LIMIT),
    used(f"{HTTP}.endpoint", ENDPOINT, Endpoint("localhost", 4318), "Address and port of OTLP over HTTP."),
    used(f"{HTTP}.max_request_body_size", SIZE, 16 * 1024 * 1024, _LIMIT),
    used(f"{HTTP}.read_timeout", POSITIVE_SECONDS, 60.0, "How long an export request may take to come in.", option="receive_timeout"),
    used(
        f"{HTTP}.cors.allowed_origins",
        TEXTS,
        (),
        "Origins of web pages that may send spans, such as http://localhost:4200; a `*` stands for anything.",
        option="otlp_http_cors_allowed_origins",
    ),
    used(
        f"{HTTP}.cors.allowed_headers",
        TEXTS,
        ("*",),
        "Headers that such a page may send, `*` for any.",
        option="otlp_http_cors_allowed_headers",
    ),
    used(
        f"{HTTP}.cors.max_age",
        COUNT,
        600,
        "Seconds that a browser may keep the answer to its preflight.",
        option="otlp_http_cors_max_age",
    ),
    used(
        f"{HTTP}.traces_url_path",
        choice("/v1/traces", otherwise="it is the path that OTLP names, and the only one here"),
        "/v1/traces",
        "The path of traces.",
    ),
    used(f"{GRPC}.transport", choice("tcp", otherwise="receivers listen on TCP ports"), "tcp", "The kind of listener."),
    *whole_sections(_CONNECTIONS, f"{GRPC}.keepalive"),
    *no_effect(GRPC, _CONNECTIONS, read_buffer_size=SIZE, write_buffer_size=SIZE, max_concurrent_streams=COUNT, include_metadata=BOOLEAN),
    *no_effect(HTTP, _CONNECTIONS, include_metadata=BOOLEAN, response_headers=ANYTHING, compression_algorithms=TEXTS),
    *no_effect(HTTP, _CONNECTIONS, read_header_timeout=DURATION, write_timeout=DURATION, idle_timeout=DURATION),
    *no_effect(HTTP, "There are no metrics and logs here.", metrics_url_path=TEXT, logs_url_path=TEXT),
    refused(f"{GRPC}.auth", ANYTHING, None, "Receivers ask for no credentials but certificates; put a proxy before them.", whole=True),
    refused(f"{HTTP}.auth", ANYTHING, None, "Receivers ask for no credentials but certificates; put a proxy before them.", whole=True),
    refused("distributor.receivers.jaeger", ANYTHING, None, f"Jaeger's protocols are not read; {_COLLECTOR}.", whole=True),
    refused("distributor.receivers.zipkin", ANYTHING, None, f"Zipkin's format is not read; {_COLLECTOR}.", whole=True),
    refused("distributor.receivers.opencensus", ANYTHING, None, f"OpenCensus is not read; {_COLLECTOR}.", whole=True),
    refused("distributor.receivers.kafka", ANYTHING, None, f"Kafka is not read; {_COLLECTOR}.", whole=True),
    *no_effect(
        "distributor",
        "Who is beyond its rate is told the time at which it is not, unless `retry_info_enabled` is off.",
        retry_after_on_resource_exhausted=DURATION,
    ),
    *_tls(GRPC),
    *_tls(HTTP),
    missing("distributor.log_received_spans", ANYTHING, None, "Spans are not logged; search for them.", whole=True),
    missing("distributor.log_discarded_spans", ANYTHING, None, "Spans are not logged; they are counted by reason.", whole=True),
    missing("distributor.metric_received_spans", ANYTHING, None, "Received spans are counted by tenant only.", whole=True),
    missing("distributor.usage", ANYTHING, None, "Bytes are counted by tenant only.", whole=True),
    refused("distributor.forwarders", ANYTHING, [], "Spans are forwarded to nobody; let a Collector send them to both."),
    missing("distributor.artificial_delay", DURATION, 0, "Answers are sent when spans are durable, and no later."),
    *no_effect(
        "distributor",
        "Spans go straight into the log of this process.",
        extend_writes=BOOLEAN,
        ingester_write_path_enabled=BOOLEAN,
        kafka_write_path_enabled=BOOLEAN,
        override_ring_key=TEXT,
    ),
    *whole_sections("One process has no ring.", "distributor.ring"),
    *whole_sections("Spans go straight into the log of this process.", "distributor.kafka_config"),
)
