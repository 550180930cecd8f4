"""Two protocols on one port: the first bytes decide, and no connection that is slow or silent stands in another's way."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from pytempo.server.mux import PREFACE, Relay, multiplexed
from tests.server.stream.client import ask
from tests.servers import serve

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LOGGER = logging.getLogger("pytempo.test.mux")

SIZE = 4 * 1024 * 1024
"""Bytes; more than sockets and buffers on the way hold together."""


class State:
    """As much of uvicorn's as a connection sees."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()


class Shouting(asyncio.Protocol):
    """Stands where the HTTP protocol does: answers in capital letters."""

    def __init__(self, *, server_state: State, app_state: str) -> None:
        self._connections = server_state.connections

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data.upper())

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)

    def shutdown(self) -> None:
        self._transport.close()


class Ports:
    """A port that speaks both, in front of an echo in the place of gRPC."""

    def __init__(self, port: int, echo: asyncio.Server, state: State) -> None:
        self.port, self.echo, self.state = port, echo, state

    async def connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
        if data.endswith(b"bye"):
            break
    writer.close()


@asynccontextmanager
async def ports(within: float = 60) -> AsyncIterator[Ports]:
    state, relay = State(), Relay(LOGGER)
    make: Callable[..., asyncio.Protocol] = multiplexed(Shouting, relay, within=within)
    behind = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay.address = behind.sockets[0].getsockname()
    front = await asyncio.get_running_loop().create_server(lambda: make(server_state=state, app_state=""), "127.0.0.1", 0)
    try:
        yield Ports(front.sockets[0].getsockname()[1], behind, state)
    finally:
        front.close()
        behind.close()
        for connection in list(state.connections):
            connection.shutdown()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


async def send_in_pieces(writer: asyncio.StreamWriter, data: bytes, size: int) -> None:
    for first in range(0, len(data), size):
        writer.write(data[first : first + size])
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("sent", [b"get / http/1.1\r\n\r\n", b"pri", b"PRIce * HTTP/2.0", PREFACE[:-1] + b"x"])
def test_what_is_no_preface_goes_to_http_whole(sent: bytes, size: int) -> None:
    async def test() -> None:
        async with ports() as opened:
            reader, writer = await opened.connect()
            await send_in_pieces(writer, sent, size)
            assert await reader.readexactly(len(sent)) == sent.upper()
            writer.close()

    run(test)


@pytest.mark.parametrize("size", [1, 23, 1000])
def test_a_preface_and_what_follows_goes_to_grpc_whole(size: int) -> None:
    async def test() -> None:
        async with ports() as opened:
            reader, writer = await opened.connect()
            await send_in_pieces(writer, PREFACE + b"frames", size)
            assert await reader.readexactly(len(PREFACE) + 6) == PREFACE + b"frames"
            writer.close()

    run(test)


def test_a_client_that_reads_late_gets_everything() -> None:
    async def test() -> None:
        async with ports() as opened:
            reader, writer = await opened.connect()
            writer.write(PREFACE)
            assert await reader.readexactly(len(PREFACE)) == PREFACE
            sent = bytes(range(256)) * (SIZE // 256)
            writer.write(sent)
            drained = asyncio.ensure_future(writer.drain())
            assert await reader.readexactly(SIZE) == sent
            await drained
            writer.close()

    run(test)


def test_an_end_of_either_side_is_an_end_of_both() -> None:
    async def test() -> None:
        async with ports() as opened:
            reader, writer = await opened.connect()
            writer.write(PREFACE + b"bye")
            assert await reader.read() == PREFACE + b"bye"
            writer.close()
            _, writer = await opened.connect()
            writer.write(PREFACE)
            writer.close()
            while opened.state.connections:
                await asyncio.sleep(0.001)

    run(test)


def test_without_grpc_behind_it_the_connection_ends_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with ports() as opened:
            port = opened.echo.sockets[0].getsockname()[1]
            opened.echo.close()
            await opened.echo.wait_closed()
            reader, writer = await opened.connect()
            writer.write(PREFACE)
            assert await reader.read() == b""
            assert f"{port}) cannot be reached" in caplog.text
            writer.close()

    run(test)


def test_a_connection_that_stays_silent_is_closed_and_one_that_spoke_is_not() -> None:
    async def test() -> None:
        async with ports(within=0.05) as opened:
            spoken, silent, halfway = await opened.connect(), await opened.connect(), await opened.connect()
            spoken[1].write(b"a")
            assert await spoken[0].readexactly(1) == b"A"
            halfway[1].write(PREFACE[:5])
            assert await silent[0].read() == b""
            assert await halfway[0].read() == b""
            spoken[1].write(b"b")
            assert await spoken[0].readexactly(1) == b"B"
            for _, writer in (spoken, silent, halfway):
                writer.close()

    run(test)


def test_a_stop_ends_every_kind_of_connection() -> None:
    async def test() -> None:
        async with ports() as opened:
            opening: dict[bytes, bytes] = {b"a": b"A", b"": b"", PREFACE[:9]: b"", PREFACE: PREFACE}
            connections = [await opened.connect() for _ in opening]
            for (reader, writer), (sent, answer) in zip(connections, opening.items(), strict=True):
                writer.write(sent)
                assert await reader.readexactly(len(answer)) == answer
            while len(opened.state.connections) < len(opening) + 1:  # a relayed one has two ends
                await asyncio.sleep(0.001)
            for connection in list(opened.state.connections):
                connection.shutdown()
            for reader, writer in connections:
                assert await reader.read() == b""
                writer.close()

    run(test)


def halfway(stack: ExitStack, url: str, each: int) -> Iterator[socket.socket]:
    """Connections that say nothing, or stop somewhere in what they say."""
    parts = urlsplit(url)
    for sent in (b"", b"P", PREFACE[:-1], PREFACE, b"GET /ready HTTP/1.1\r\nHost"):
        for _ in range(each):
            connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=60))
            connection.sendall(sent)
            yield connection


def test_connections_that_stop_halfway_hold_up_neither_others_nor_the_end(tmp_path: Path) -> None:
    with serve(tmp_path) as server, ExitStack() as stack:
        opened = list(halfway(stack, server.http_url, each=50))
        assert httpx.get(f"{server.http_url}/ready", timeout=60).text == "ready\n"
        channel = stack.enter_context(grpc.insecure_channel(urlsplit(server.http_url).netloc))
        assert not ask(channel, "Search", Query="{}").traces
        assert server.stop() == 0
        assert len(opened) == 250


def test_a_request_that_comes_byte_by_byte_is_answered(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        parts = urlsplit(server.http_url)
        with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"PUT /ready HTTP/1.1\r\nHost: x\r\n\r\n":
                connection.sendall(bytes([byte]))
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
