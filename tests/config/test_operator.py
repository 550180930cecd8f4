"""What the Tempo Operator starts for a TempoMonolithic: its file, in each of its forms, and its arguments, as they come.

Only ports and folders are set aside, by flags, since the ones of the file may be taken or be somebody's.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
import yaml

from pytempo.config.check import read_text
from pytempo.server.configured import serve_options
from pytempo.server.options import ServeOptions
from tests.server.conftest import EXPORT, request
from tests.server.test_tls import Files, client_context, credentials, make_files
from tests.servers import RunningServer, running

ARGUMENTS = ("-mem-ballast-size-mbs=1024", "-log.level=info", "-config.expand-env=true")
"""Beside `-config.file`, in every form."""

PLAIN = """
distributor:
    receivers:
        otlp:
            protocols:
                grpc:
                    endpoint: 0.0.0.0:4317
                http:
                    endpoint: 0.0.0.0:4318
internal_server:
    enable: true
    http_listen_address: 0.0.0.0
server:
    http_listen_port: 3200
    http_server_read_timeout: 45s
    http_server_write_timeout: 45s
storage:
    trace:
        backend: local
        local:
            path: /var/tempo/blocks
        wal:
            path: /var/tempo/wal
usage_report:
    reporting_enabled: false
"""
"""Storage in memory and on a volume give the same."""

TLS = "{cert_file: CERT, key_file: KEY, min_version: '1.3'}"
MUTUAL_TLS = (
    "{cert_file: CERT, key_file: KEY, client_ca_file: CA, min_version: '1.2', cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}"
)


def merged(tree: dict[str, object], more: dict[str, object]) -> dict[str, object]:
    """As the Operator lays extraConfig over its own."""
    out = dict(tree)
    for name, value in more.items():
        below = out.get(name)
        out[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return out


def rendered(more: str = "", *, receivers: str | None = None) -> str:
    """The file with keys laid over it; `receivers` are the protocols, where they differ."""
    tree = yaml.safe_load(PLAIN)
    if receivers is not None:
        tree["distributor"]["receivers"] = yaml.safe_load(receivers)
    return yaml.safe_dump(merged(tree, yaml.safe_load(more) or {}), indent=4)


FORMS = {
    "plain": rendered(),
    "MCP server": rendered("query_frontend: {mcp_server: {enabled: true}}"),
    "receivers with TLS": rendered(
        receivers=f"otlp: {{protocols: {{grpc: {{endpoint: '0.0.0.0:4317', tls: {TLS}}}, http: {{endpoint: '0.0.0.0:4318', tls: {TLS}}}}}}}"
    ),
    "receivers with mutual TLS": rendered(
        receivers=f"otlp: {{protocols: {{grpc: {{endpoint: '0.0.0.0:4317', tls: {MUTUAL_TLS}}}, http: {{endpoint: '0.0.0.0:4318'}}}}}}"
    ),
    "one protocol": rendered(receivers="otlp: {protocols: {http: {endpoint: '0.0.0.0:4318'}}}"),
    "no protocol": rendered(receivers="{}"),
    "several tenants": rendered("multitenancy_enabled: true"),
    "gateway": rendered(
        """
multitenancy_enabled: true
server:
    http_listen_address: 0.0.0.0
    grpc_listen_address: localhost
    tls_min_version: VersionTLS12
    tls_cipher_suites: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    http_tls_config: {cert_file: CERT, key_file: KEY, client_ca_file: CA, client_auth_type: RequireAndVerifyClientCert}
""",
        receivers=f"otlp: {{protocols: {{grpc: {{tls: {MUTUAL_TLS}}}, http: {{endpoint: 'localhost:4318', tls: {MUTUAL_TLS}}}}}}}",
    ),
    "extra configuration": rendered(
        """
stream_over_http_enabled: true
ingester: {max_block_duration: 10m, max_block_bytes: 20000000, trace_idle_period: 3s}
compactor: {compaction: {block_retention: 7d, compaction_window: 2h}}
querier: {search: {query_timeout: 3m}}
query_frontend: {max_retries: 3, search: {max_duration: 0s, default_result_limit: 50}}
overrides: {defaults: {ingestion: {max_traces_per_user: 5000}}}
memberlist: {join_members: [a, b], abort_if_cluster_join_fails: false}
storage: {trace: {block: {version: vParquet4}, pool: {max_workers: 50}}}
"""
    ),
}


def options(form: str) -> ServeOptions:
    return serve_options(read_text(FORMS[form], "tempo.yaml"))


def test_the_ports_and_folders_are_those_of_the_operator() -> None:
    found = options("plain")
    assert [found.address(name)[:2] for name in ("http", "grpc", "otlp_grpc", "otlp_http", "internal")] == [
        ("", 3200),
        ("", 9095),
        ("0.0.0.0", 4317),
        ("0.0.0.0", 4318),
        ("0.0.0.0", 3101),
    ]
    assert found.data == Path("/var/tempo")


def test_behind_a_gateway_only_the_http_port_is_open_to_others() -> None:
    found = options("gateway")
    assert [found.address(name)[:2] for name in ("http", "grpc", "otlp_grpc", "otlp_http")] == [
        ("0.0.0.0", 3200),
        ("localhost", 9095),
        ("localhost", 4317),
        ("localhost", 4318),
    ]
    assert found.multitenancy_enabled
    assert found.http_tls is not None
    assert found.http_tls.client_auth_type == "RequireAndVerifyClientCert"


def test_extra_configuration_reaches_the_parts_that_it_is_for() -> None:
    found = options("extra configuration")
    assert found.store.flush.max_block_bytes == 20_000_000
    assert found.store.retention.block_retention == 7 * 24 * 3600 * 10**9
    assert found.store.query.timeout == 180 * 10**9
    assert found.store.search.default_limit == 50
    assert found.store.limits.max_traces == 5000


@dataclass(frozen=True)
class Monolith:
    """A server that was started as the Operator does it."""

    server: RunningServer
    files: Files
    data: Path


@contextmanager
def started(form: str, folder: Path) -> Iterator[Monolith]:
    """The server of one form; certificates are real ones."""
    files = make_files(folder)
    text = FORMS[form]
    for name, path in (("CERT", files.cert), ("KEY", files.key), ("CA", files.ca)):
        text = text.replace(f" {name}\n", f" {path}\n")
    (folder / "tempo.yaml").write_text(text)
    aside = [
        *(f"-{name}=0" for name in ("server.http-listen-port", "server.grpc-listen-port", "internal-server.http-listen-port")),
        *(f"-distributor.receivers.otlp.protocols.{name}.endpoint=localhost:0" for name in ("grpc", "http")),
        f"-storage.trace.local.path={folder / 'tempo' / 'blocks'}",
        f"-storage.trace.wal.path={folder / 'tempo' / 'wal'}",
    ]
    with running([sys.executable, "-m", "pytempo", f"-config.file={folder / 'tempo.yaml'}", *ARGUMENTS, *aside]) as server:
        yield Monolith(server, files, folder / "tempo")


def ready(server: RunningServer) -> tuple[int, str]:
    """What the readiness probe gets."""
    answer = httpx.get(f"http://localhost:{server.addresses['internal'].rpartition(':')[2]}/ready", timeout=30)
    return answer.status_code, answer.text


def send(monolith: Monolith, given: grpc.ChannelCredentials | None, metadata: tuple[tuple[str, str], ...] = ()) -> None:
    """One trace, over OTLP/gRPC."""
    address = f"localhost:{monolith.server.otlp_grpc_address.rpartition(':')[2]}"
    channel = grpc.insecure_channel(address) if given is None else grpc.secure_channel(address, given)
    with channel:
        export = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        export(request(b"0123456789abcdef").SerializeToString(), timeout=30, metadata=metadata)


def found(monolith: Monolith, context: ssl.SSLContext | None = None, headers: dict[str, str] | None = None) -> int:
    """How many traces the plainest question finds."""
    scheme, port = "http" if context is None else "https", monolith.server.http_url.rpartition(":")[2]
    url = f"{scheme}://localhost:{port}/api/search"
    verify = True if context is None else context
    return len(httpx.get(url, params={"q": "{}"}, headers=headers, verify=verify, timeout=30).json()["traces"])


PORTS = {
    "plain": {"http", "grpc", "otlp-grpc", "otlp-http", "internal"},
    "one protocol": {"http", "grpc", "otlp-http", "internal"},
    "no protocol": {"http", "grpc", "otlp-grpc", "internal"},
}


MONITORED = """
tempo_build_info tempo_request_duration_seconds_bucket tempo_request_duration_seconds_count tempo_receiver_accepted_spans
tempo_distributor_spans_received_total tempo_distributor_bytes_received_total tempo_distributor_ingress_bytes_total
tempo_distributor_traces_per_batch_count tempo_distributor_push_duration_seconds_bucket tempo_distributor_ingester_appends_total
tempo_ingester_traces_created_total tempo_ingester_live_traces tempo_ingester_live_trace_bytes tempo_ingester_bytes_received_total
tempo_ingester_blocks_flushed_total tempo_ingester_failed_flushes_total tempo_ingester_flush_duration_seconds_bucket
tempo_ingester_flush_size_bytes_bucket tempo_ingester_flush_retries_total tempo_ingester_flush_failed_retries_total
tempo_ingester_flush_queue_length tempo_query_frontend_queries_total tempo_query_frontend_bytes_inspected_total
tempo_query_frontend_queue_length tempo_querier_worker_request_executed_total tempo_limits_defaults tempo_ring_members
tempodb_blocklist_length tempodb_backend_objects_total tempodb_backend_bytes_total tempodb_compaction_errors_total
tempodb_retention_duration_seconds_bucket tempodb_retention_errors_total tempodb_retention_deleted_total
"""
"""Series that dashboards, alerts and the Operator's own tests ask for, and that one trace, one question and one flush make."""


def test_what_is_monitored_is_there(tmp_path: Path) -> None:
    with started("plain", tmp_path) as monolith:
        url = f"http://localhost:{monolith.server.http_url.rpartition(':')[2]}"
        send(monolith, None)
        before = httpx.get(f"{url}/metrics", timeout=30).text
        assert found(monolith) == 1
        assert httpx.get(f"{url}/flush", timeout=30).status_code == 204
        after = httpx.get(f"{url}/metrics", timeout=30).text
    names = {line.partition("{")[0].partition(" ")[0] for line in (before + after).splitlines() if not line.startswith("#")}
    assert [name for name in MONITORED.split() if name not in names] == []
    assert 'tempo_ingester_live_traces{tenant="single-tenant"} 1.0' in before
    assert 'tempo_query_frontend_queries_total{op="search",result="completed",tenant="single-tenant"} 1.0' in after
    assert 'tempodb_blocklist_length{tenant="single-tenant"} 1.0' in after
    assert 'tempo_ring_members{name="ingester",state="ACTIVE"} 1.0' in after


@pytest.mark.parametrize("form", ["no protocol", "extra configuration"])
def test_it_starts_and_what_is_sent_is_found(form: str, tmp_path: Path) -> None:
    with started(form, tmp_path) as monolith:
        assert ready(monolith.server) == (200, "ready\n")
        assert set(monolith.server.addresses) == PORTS.get(form, PORTS["plain"])
        send(monolith, None)
        assert found(monolith) == 1
        assert list((monolith.data / "wal").iterdir())


def test_behind_a_gateway_everything_wants_a_certificate_but_the_probe(tmp_path: Path) -> None:
    with started("gateway", tmp_path) as monolith:
        assert ready(monolith.server) == (200, "ready\n")
        send(monolith, credentials(monolith.files, certificate=True), (("x-scope-orgid", "dev"),))
        context = client_context(monolith.files, certificate=True)
        assert found(monolith, context, {"X-Scope-OrgID": "dev"}) == 1
        assert found(monolith, context, {"X-Scope-OrgID": "other"}) == 0
        with pytest.raises(httpx.HTTPError):
            found(monolith, client_context(monolith.files), {"X-Scope-OrgID": "dev"})


@pytest.mark.parametrize(("form", "certificate"), [("receivers with TLS", False), ("receivers with mutual TLS", True)])
def test_receivers_speak_tls_where_they_are_told_to(form: str, certificate: bool, tmp_path: Path) -> None:
    with started(form, tmp_path) as monolith:
        send(monolith, credentials(monolith.files, certificate=certificate))
        assert found(monolith) == 1
        if certificate:
            with pytest.raises(grpc.RpcError):
                send(monolith, credentials(monolith.files))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_accepted_as_it_comes(form: str, tmp_path: Path) -> None:
    settings = read_text(FORMS[form], "tempo.yaml")
    serve_options(settings)
    missed = [line.split(" is not supported")[0].split(": ")[1] for line in settings.warnings()]
    assert missed == (["query_frontend.mcp_server.enabled"] if form == "MCP server" else [])
