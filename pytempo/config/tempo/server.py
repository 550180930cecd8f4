"""Keys of `server` and of `internal_server`, which has the same ones."""

from __future__ import annotations

from dataclasses import replace

from pytempo.config.keys import Fate, Key, no_effect, used, whole_sections
from pytempo.config.kinds import ANYTHING, BOOLEAN, COUNT, DURATION, PORT, SECONDS, SIZE, TEXT, TEXTS, choice

LOG_LEVELS = ("debug", "info", "warn", "error")
LOG_FORMATS = ("logfmt", "json")

_TCP = choice("tcp", "tcp4", "tcp6", otherwise="servers listen on TCP ports")
_HTTP_TIMES = "A request is bounded by `querier.search.query_timeout`, and by the size of its body."
_GRPC = "The gRPC servers have fixed bounds: messages of 16 MiB, pings every 10 s."
_LOGS = "Requests are counted in metrics, not logged one by one."
_TRACES = "pytempo sends no traces about itself."

_VERSION = choice("", "VersionTLS12", "VersionTLS13", "1.2", "1.3", otherwise="older versions are not served (RFC 8996)")
_CLIENT_AUTH = choice(
    "",
    "NoClientCert",
    "RequestClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
    otherwise="a certificate that nobody has signed protects nothing",
)


def _tls(section: str) -> tuple[Key, ...]:
    """TLS of one port; without a certificate it is plain."""
    return (
        used(f"{section}.cert_file", TEXT, "", "The certificate and its chain, PEM. It is read again when it changes."),
        used(f"{section}.key_file", TEXT, "", "Its key."),
        used(f"{section}.client_ca_file", TEXT, "", "Who signs the certificates of clients, PEM."),
        used(f"{section}.client_auth_type", _CLIENT_AUTH, "", "Whether clients need a certificate; left out, they need none."),
        *(
            Key(f"{section}.{name}", Fate.REFUSED, "Certificates are read from files; give their paths.", TEXT, "")
            for name in ("cert", "key", "client_ca")
        ),
    )


KEYS: tuple[Key, ...] = (
    used("server.http_listen_address", TEXT, "", "Address of Tempo's HTTP API; empty is every interface.", option="http_host"),
    used("server.http_listen_port", PORT, 3200, "Port of Tempo's HTTP API; here and below, 0 takes a free one.", option="http_port"),
    used("server.grpc_listen_address", TEXT, "", "Address of Tempo's gRPC API; empty is every interface.", option="grpc_host"),
    used("server.grpc_listen_port", PORT, 9095, "Port of Tempo's gRPC API.", option="grpc_port"),
    used("server.http_listen_network", _TCP, "tcp", "The kind of listener."),
    used("server.grpc_listen_network", _TCP, "tcp", "The kind of listener."),
    used("server.http_path_prefix", TEXT, "", "What stands before every path of the HTTP API.", option="http_path_prefix"),
    used(
        "server.graceful_shutdown_timeout",
        SECONDS,
        20.0,
        "Time that requests in flight have to end after a signal (Tempo: 30s; Kubernetes kills after 30 s).",
        option="shutdown_grace",
    ),
    used("server.log_level", choice(*LOG_LEVELS), "info", "What is logged.", flag="log.level"),
    used("server.log_format", choice(*LOG_FORMATS), "logfmt", "How it is logged.", flag="log.format"),
    used("server.tls_min_version", _VERSION, "", "The least version of TLS on both ports; left out, 1.2."),
    used("server.tls_cipher_suites", TEXTS, (), "Suites of TLS 1.2 by their IANA names, with commas between; none is every good one."),
    *_tls("server.http_tls_config"),
    *_tls("server.grpc_tls_config"),
    *no_effect("server", "Connections are not counted; the system's limit on open files holds.", http_listen_conn_limit=COUNT),
    *no_effect("server", "Connections are not counted; the system's limit on open files holds.", grpc_listen_conn_limit=COUNT),
    *no_effect(
        "server",
        _HTTP_TIMES,
        http_server_read_timeout=DURATION,
        http_server_read_header_timeout=DURATION,
        http_server_write_timeout=DURATION,
    ),
    *no_effect("server", "Idle connections stay open for 2m.", http_server_idle_timeout=DURATION),
    *no_effect("server", "`/metrics` is always there; profiles of a Go process are not.", register_instrumentation=BOOLEAN),
    *no_effect(
        "server",
        _GRPC,
        grpc_collect_max_streams_by_conn=BOOLEAN,
        grpc_server_max_recv_msg_size=SIZE,
        grpc_server_max_send_msg_size=SIZE,
        grpc_server_max_concurrent_streams=COUNT,
        grpc_server_max_connection_idle=DURATION,
        grpc_server_max_connection_age=DURATION,
        grpc_server_max_connection_age_grace=DURATION,
        grpc_server_keepalive_time=DURATION,
        grpc_server_keepalive_timeout=DURATION,
        grpc_server_min_time_between_pings=DURATION,
        grpc_server_ping_without_stream_allowed=BOOLEAN,
        grpc_server_num_workers=COUNT,
        grpc_server_stats_tracking_enabled=BOOLEAN,
        grpc_server_recv_buffer_pools_enabled=BOOLEAN,
        grpc_server_read_buffer_size=SIZE,
        grpc_server_write_buffer_size=SIZE,
    ),
    *no_effect("server", "Metrics have Tempo's labels.", report_grpc_codes_in_instrumentation_label_enabled=BOOLEAN),
    *no_effect(
        "server",
        _LOGS,
        log_source_ips_enabled=BOOLEAN,
        log_source_ips_full=BOOLEAN,
        log_source_ips_header=TEXT,
        log_source_ips_regex=TEXT,
        log_request_headers=BOOLEAN,
        log_request_at_info_level_enabled=BOOLEAN,
        log_request_exclude_headers_list=TEXT,
        http_log_closed_connections_without_response_enabled=BOOLEAN,
    ),
    *no_effect("server", _TRACES, trace_request_headers=BOOLEAN, trace_request_exclude_headers_list=TEXT, create_new_traces=BOOLEAN),
    *whole_sections("There is one process, and so no other cluster's to be mistaken for.", "server.cluster_validation"),
    Key(
        "server.proxy_protocol_enabled",
        Fate.REFUSED,
        "The PROXY protocol is not read; let the balancer speak plain TCP or HTTP.",
        BOOLEAN,
        False,
    ),
)


def _internal(key: Key) -> Key:
    """The key of `internal_server` of the same name: its server answers `/ready` in plain HTTP, and nothing else."""
    path = key.path.replace("server.", "internal_server.", 1)
    if key.fate is Fate.REFUSED:
        return replace(key, path=path)
    why = "The internal server answers `/ready` in plain HTTP and has no settings but its address."
    return Key(path, Fate.NO_EFFECT, why, ANYTHING, whole=key.whole)


_INTERNAL_USED = (
    used("internal_server.enable", BOOLEAN, False, "Whether `/ready` is answered on a port of its own, in plain HTTP, for probes."),
    used("internal_server.http_listen_address", TEXT, "", "Its address; empty is every interface.", option="internal_host"),
    used("internal_server.http_listen_port", PORT, 3101, "Its port."),
)

INTERNAL_KEYS: tuple[Key, ...] = _INTERNAL_USED + tuple(
    key for key in map(_internal, KEYS) if key.path not in {used.path for used in _INTERNAL_USED}
)
