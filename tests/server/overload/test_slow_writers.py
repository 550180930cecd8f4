"""Clients that never finish what they began: their connections end, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pytempo.server.http_server import HttpServer
from pytempo.server.mux import Relay
from pytempo.server.options import ServeOptions
from pytempo.server.receivers import Intake, otlp_http_app
from pytempo.server.service import Service
from pytempo.store import Store
from tests.server.conftest import request

WITHIN = 0.2
LOGGER = logging.getLogger("tests.overload")


@asynccontextmanager
async def receiver(data: Path, *, with_grpc: bool = False) -> AsyncIterator[tuple[str, int]]:
    """OTLP/HTTP that waits no longer than WITHIN for heads; where it listens."""
    options = ServeOptions(data=data)
    with Store(data) as store, socket.create_server(("127.0.0.1", 0)) as listener:
        store.replay()
        service = Service(options, store, LOGGER, time.time_ns)
        relay = Relay(LOGGER) if with_grpc else None
        server = HttpServer(otlp_http_app(service, Intake(service)), listener, 5, relay=relay, head_within=WITHIN)
        server.start()
        try:
            yield listener.getsockname()
        finally:
            await server.stop()
            service.bridge.close()


PARTS_OF_HEADS = (b"POST /v1/tr", b"POST /v1/traces HTTP/1.1\r\nHost: x\r\n")


@pytest.mark.parametrize(
    ("sent", "with_grpc"),
    [(b"", False), *((part, with_grpc) for part in PARTS_OF_HEADS for with_grpc in (False, True))],  # b"" with gRPC: test_mux.py
)
def test_a_head_that_does_not_end_ends_the_connection(tmp_path: Path, sent: bytes, with_grpc: bool) -> None:
    async def conversation() -> None:
        async with receiver(tmp_path, with_grpc=with_grpc) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(sent)
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()

    asyncio.run(conversation())


def test_a_second_head_that_does_not_end_ends_the_connection(tmp_path: Path) -> None:
    async def conversation() -> None:
        async with receiver(tmp_path) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 405 ")
            await reader.readuntil(b"POST /v1/traces\n")
            writer.write(b"GET /")
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()

    asyncio.run(conversation())


def test_a_whole_request_gets_through_beside_many_that_never_end(tmp_path: Path) -> None:
    async def conversation() -> None:
        async with receiver(tmp_path) as (host, port), httpx.AsyncClient(timeout=30) as client:
            slow = [await asyncio.open_connection(host, port) for _ in range(100)]
            body = request(b"one whole reques").SerializeToString()
            headers = {"content-type": "application/x-protobuf"}
            sent = await client.post(f"http://{host}:{port}/v1/traces", content=body, headers=headers)
            assert sent.status_code == 200
            for reader, writer in slow:
                assert await asyncio.wait_for(reader.read(), 30) == b""
                writer.close()

    asyncio.run(conversation())
