"""The truth about readiness: before the log is replayed, after a shutdown was asked for, and while signals are handled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytempo.errors import Unavailable
from pytempo.server.api import api_app
from pytempo.server.internal import internal_app
from pytempo.server.options import ServeOptions
from pytempo.server.service import Service
from pytempo.store import Store
from tests.server.conftest import request

Conversation = Callable[[httpx.AsyncClient, Service], Coroutine[Any, Any, None]]


def talk(data: Path, conversation: Conversation) -> None:
    """Talk to the API over a store that has not replayed its log yet."""
    store = Store(data, clock=time.time_ns)
    service = Service(ServeOptions(data=data), store, logging.getLogger("pytempo.test"), time.time_ns)

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api_app(service)), base_url="http://test") as client:
            await conversation(client, service)

    try:
        asyncio.run(main())
    finally:
        service.bridge.close()
        store.close()


def test_until_the_log_is_replayed_questions_are_refused(tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, service: Service) -> None:
        ready = await client.get("/ready")
        assert ready.status_code == 503
        assert "replayed" in ready.text
        for path in ("/api/search?q={}", "/api/traces/ab", "/api/v2/search/tags", "/api/search/tag/name/values"):
            answer = await client.get(path)
            assert answer.status_code == 503, path
            assert "replayed" in answer.text
        assert (await client.get("/api/echo")).status_code == 200
        service.store.replay()
        assert (await client.get("/ready")).status_code == 200
        assert (await client.get("/api/search?q={}")).json() == {"traces": [], "metrics": {}}

    talk(tmp_path, conversation)


def test_until_the_log_is_replayed_exports_are_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(Unavailable):
        store.export(request(b"x" * 16).SerializeToString())


def test_a_stopping_server_is_not_ready_and_still_answers(tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, service: Service) -> None:
        service.store.replay()
        service.stopping()
        ready = await client.get("/ready")
        assert (ready.status_code, ready.text) == (503, "Application is stopping\n")
        assert (await client.get("/api/search?q={}")).status_code == 200

    talk(tmp_path, conversation)


def test_the_port_for_probes_tells_the_same_and_nothing_else(tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, service: Service) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(internal_app(service)), base_url="http://test") as probe:
            unready = await probe.get("/ready")
            assert (unready.status_code, unready.text) == (503, (await client.get("/ready")).text)
            service.store.replay()
            ready = await probe.get("/ready")
            assert (ready.status_code, ready.text) == (200, "ready\n")
            assert (await probe.get("/metrics")).status_code == 404
            assert (await probe.post("/ready")).status_code == 405

    talk(tmp_path, conversation)


def test_a_shutdown_over_http_flushes_and_takes_no_more_spans(tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, service: Service) -> None:
        service.store.replay()
        service.store.export(request(b"before the end..").SerializeToString())
        answer = await client.get("/shutdown")
        assert (answer.status_code, answer.text) == (200, "shutdown job acknowledged\n")
        assert (await client.get("/ready")).status_code == 503
        with pytest.raises(Unavailable):
            service.store.export(request(b"x" * 16).SerializeToString())
        await service.bridge.admin.run(service.store.flush)  # returns after the one that was asked for
        assert len(service.store.blocks()) == 1

    talk(tmp_path, conversation)
