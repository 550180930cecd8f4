"""Tempo's streaming queries over gRPC: the service `tempopb.StreamingQuerier`, whose messages tempo.proto shows."""

from __future__ import annotations

from pytempo.server.stream.service import METHODS, STREAMING, streaming_handler

__all__ = ["METHODS", "STREAMING", "streaming_handler"]
