"""What `serve` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pytempo.server.tls import TlsOptions
from pytempo.store import StoreOptions

REQUEST_LIMIT = "max_request_bytes (--otlp-max-request-bytes)"
"""The name of the one size setting, as refusals say it: a field of `StoreOptions`, and the flag that sets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Where to listen and what to serve. A port of 0 lets the system choose a free one."""

    data: Path
    """The data directory; made where it is missing."""

    host: str = "127.0.0.1"
    """The address of all ports; 0.0.0.0 listens on every interface."""

    http_port: int = 3200
    grpc_port: int = 9095
    otlp_grpc_port: int = 4317
    otlp_http_port: int = 4318

    http_tls: TlsOptions | None = None
    """TLS on `http_port` (Tempo: `server.http_tls_config`); None is plain, as on the ports below."""

    grpc_tls: TlsOptions | None = None
    """Tempo: `server.grpc_tls_config`."""

    otlp_grpc_tls: TlsOptions | None = None
    otlp_http_tls: TlsOptions | None = None
    """Tempo: `tls` of the receiver's protocol."""

    otlp_http_cors_allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may send spans, such as http://localhost:4200; `*` for any."""

    multitenancy_enabled: bool = False
    """Whether every request names its tenant in `X-Scope-OrgID`; otherwise there is one, and the header is ignored."""

    multi_tenant_queries_enabled: bool = True
    """Whether a question may be asked of several tenants, `a|b` (Tempo: `query_frontend.multi_tenant_queries_enabled`)."""

    overrides: Path | None = None
    """A file with limits of tenants, read again every `overrides_period` (Tempo: `per_tenant_override_config`)."""

    overrides_period: float = 10.0
    """Seconds."""

    max_concurrent_queries: int = 8
    """Queries that are worked on at a time; others wait in the order in which they came."""

    max_queued_queries: int = 2000
    """Queries that may wait; more are refused with status 429 (Tempo: `query_frontend.max_outstanding_per_tenant`)."""

    shutdown_grace: float = 20.0
    """Seconds that requests in flight have to end after a signal."""

    store: StoreOptions = field(default_factory=StoreOptions)
