"""The network faces of a store: OTLP receivers and Tempo's query API. The only asynchronous part."""

from __future__ import annotations

from pytempo.server.options import ServeOptions
from pytempo.server.serve import serve

__all__ = ["ServeOptions", "serve"]
