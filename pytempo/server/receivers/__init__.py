"""OTLP receivers: requests from the network into the store, over gRPC and HTTP."""

from __future__ import annotations

from pytempo.server.receivers.intake import Intake
from pytempo.server.receivers.otlp_grpc import otlp_grpc_server
from pytempo.server.receivers.otlp_http import otlp_http_app

__all__ = ["Intake", "otlp_grpc_server", "otlp_http_app"]
