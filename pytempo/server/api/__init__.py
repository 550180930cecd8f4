"""Tempo's HTTP API: one router a group of routes, and the shapes of its answers."""

from __future__ import annotations

from pytempo.server.api.app import api_app

__all__ = ["api_app"]
