"""What `serve` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pytempo.config.settings import Settings
from pytempo.server.tls import TlsOptions
from pytempo.store import StoreOptions

REQUEST_LIMIT = "max_request_bytes (--otlp-max-request-bytes)"
"""The name of the one size setting, as refusals say it: a field of `StoreOptions`, and the flag that sets it."""


class Address(NamedTuple):
    """A host, a port (None: not opened) and the flag that sets the port."""

    host: str
    port: int | None
    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Where to listen and what to serve. A port of 0 lets the system choose a free one."""

    data: Path
    """The data directory; made where it is missing."""

    host: str = "127.0.0.1"
    """The address of all ports; 0.0.0.0 or an empty one listens on every interface."""

    http_port: int = 3200
    grpc_port: int = 9095
    otlp_grpc_port: int | None = 4317
    otlp_http_port: int | None = 4318
    """Of OTLP, either port is None where it is not to be opened."""

    internal_port: int | None = None
    """The port of a server that knows `/ready` and nothing else, for probes (Tempo: `internal_server`, 3101); None where there is none."""

    http_host: str | None = None
    grpc_host: str | None = None
    otlp_grpc_host: str | None = None
    otlp_http_host: str | None = None
    internal_host: str | None = None
    """Addresses of single ports, None for that of all."""

    http_path_prefix: str = ""
    """What stands before every path of the HTTP port, such as /tempo."""
    http_api_prefix: str = ""
    """What stands before `/api`, after the former (Tempo: `http_api_prefix`)."""

    http_tls: TlsOptions | None = None
    """TLS on `http_port` (Tempo: `server.http_tls_config`); None is plain, as on the ports below."""

    grpc_tls: TlsOptions | None = None
    """Tempo: `server.grpc_tls_config`."""

    otlp_grpc_tls: TlsOptions | None = None
    otlp_http_tls: TlsOptions | None = None
    """Tempo: `tls` of the receiver's protocol."""

    otlp_http_cors_allowed_origins: tuple[str, ...] = ()
    """Origins of web pages that may send spans, such as http://localhost:4200; a `*` stands for anything (Tempo, as the next two:
    `cors` of the receiver's HTTP protocol)."""

    otlp_http_cors_allowed_headers: tuple[str, ...] = ("*",)
    """Headers that such a page may send beyond those that every page may, `*` for any."""

    otlp_http_cors_max_age: int = 600
    """Seconds that a browser may keep the answer to its question whether it may send."""

    receive_timeout: float = 60.0
    """Seconds that an export request may take to come in."""

    multitenancy_enabled: bool = False
    """Whether every request names its tenant in `X-Scope-OrgID`; otherwise there is one, and the header is ignored."""

    multi_tenant_queries_enabled: bool = True
    """Whether a question may be asked of several tenants, `a|b` (Tempo: `query_frontend.multi_tenant_queries_enabled`)."""

    overrides: Path | None = None
    """A file with limits of tenants, read again every `overrides_period` (Tempo: `per_tenant_override_config`)."""

    overrides_period: float = 10.0
    """Seconds."""

    overrides_expand_env: bool = False
    """Whether ${VARIABLES} in that file are replaced, as in the configuration."""

    max_concurrent_queries: int = 8
    """Queries that are worked on at a time; others wait in the order in which they came."""

    max_queued_queries: int = 2000
    """Queries that may wait; more are refused with status 429 (Tempo: `query_frontend.max_outstanding_per_tenant`)."""

    shutdown_delay: float = 0.0
    """Seconds after a signal in which the server is not ready and still does everything, so that balancers notice."""

    shutdown_grace: float = 20.0
    """Seconds that requests in flight have to end after a signal."""

    store: StoreOptions = field(default_factory=StoreOptions)

    settings: Settings = field(default_factory=Settings)
    """What a configuration file and flags have set, where the server was started with them; for the page of the configuration."""

    def address(self, name: str) -> Address:
        """Where a port is to be: of http, grpc, otlp_grpc, otlp_http or internal."""
        host: str | None = getattr(self, f"{name}_host")
        port: int | None = getattr(self, f"{name}_port")
        return Address(self.host if host is None else host, port, f"--{name.replace('_', '-')}-port")
