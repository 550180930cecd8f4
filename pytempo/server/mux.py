"""HTTP/1 and gRPC on one port: the first bytes of a connection tell which it speaks.

HTTP/2 opens with a fixed text that no HTTP/1 request begins with (RFC 9113, 3.4), and the only HTTP/2 served here is gRPC. Such a
connection is relayed, byte by byte, to the gRPC port of the same process; any other stays with the HTTP server, whose protocol takes
over its transport.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

FIRST_BYTES_WITHIN = 120.0
"""Seconds that a connection may stay open without telling what it speaks; as long as one that is idle between two requests."""

FLUSHED_WITHIN = 1.0
"""Seconds that a client has to take what was already sent to it, when the server stops."""

MakeProtocol = Callable[[], asyncio.Protocol]


class Connection(Protocol):
    """What uvicorn asks of the connections that it waits for at its end."""

    def shutdown(self) -> None: ...


Connections = set[Connection]
"""All open connections of a server."""


def multiplexed(http: type[asyncio.Protocol], relay: Relay, *, within: float = FIRST_BYTES_WITHIN) -> type[asyncio.Protocol]:
    """A protocol for uvicorn, made and called as `http` is: it becomes `http` for connections that speak HTTP/1.

    One that has not told what it speaks `within` that many seconds is closed.
    """

    def make(**arguments: Any) -> asyncio.Protocol:
        return FirstBytes(lambda: http(**arguments), relay, arguments["server_state"].connections, within)

    return cast(type[asyncio.Protocol], make)


class FirstBytes(asyncio.Protocol):
    """A connection that has not told yet what it speaks."""

    def __init__(self, make_http: MakeProtocol, relay: Relay, connections: Connections, within: float) -> None:
        self._make_http, self._relay, self._connections, self._within = make_http, relay, connections, within
        self._bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._within, transport.close)

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        if self._bytes.startswith(PREFACE):
            self._leave()
            self._relay.take(self._transport, self._bytes, self._connections)
        elif not PREFACE.startswith(self._bytes):
            self._leave()
            self._become_http()

    def _become_http(self) -> None:
        protocol = self._make_http()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(self._bytes)

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def shutdown(self) -> None:
        """The server stops; nothing was asked yet."""
        self._transport.close()

    def _leave(self) -> None:
        self._timer.cancel()
        self._connections.discard(self)


class Relay:
    """Carries connections to the gRPC server, whose `address` is set once it is known and before the first comes."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self.address: tuple[str, int] | Path = "", 0
        """A host with its port, or the path of a socket."""
        self._connecting: set[asyncio.Task[None]] = set()

    def take(self, transport: asyncio.Transport, sent: bytes, connections: Connections) -> None:
        """Relay a connection on which `sent` has come in."""
        client = End(connections)
        transport.set_protocol(client)
        client.connection_made(transport)
        transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._connect(client, sent))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: End, sent: bytes) -> None:
        try:
            server = await self._reach(lambda: End(client.connections))
        except OSError as error:
            self._logger.warning("a gRPC connection is refused, the gRPC server at %s cannot be reached: %s", self.address, error)
            client.transport.close()
            return
        client.other, server.other = server, client
        if client.transport.is_closing():
            server.transport.close()
            return
        server.transport.write(sent)
        client.transport.resume_reading()

    async def _reach(self, make: Callable[[], End]) -> End:
        loop = asyncio.get_running_loop()
        if isinstance(self.address, Path):
            return (await loop.create_unix_connection(make, str(self.address)))[1]
        return (await loop.create_connection(make, *self.address))[1]


class End(asyncio.Protocol):
    """One end of a relayed connection: what comes in here goes out at the other, no faster than that end takes it."""

    transport: asyncio.Transport

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.other: End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.discard(self)
        if self.other is not None:
            self.other.transport.close()  # what was written to it still goes out

    def shutdown(self) -> None:
        """The server stops; calls have ended, and what they answered may still be on its way."""
        self.transport.close()
        asyncio.get_running_loop().call_later(FLUSHED_WITHIN, self.transport.abort)
