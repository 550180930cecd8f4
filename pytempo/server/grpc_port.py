"""A port of a gRPC server: its own where it is plain, and one in front of it where it speaks TLS.

gRPC for Python knows neither the least version of TLS nor clients' certificates that may be missing, so TLS ends here, by the same code
on all ports. Behind it the server listens on a socket in a folder that only this user may enter.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from pathlib import Path
from typing import cast

import grpc

from pytempo.server.errors import PortTaken
from pytempo.server.listeners import check_free, listen, local_address, show_address
from pytempo.server.mux import Connections, Relay
from pytempo.server.tls import ReloadingContext

LONGEST_PATH = 100
"""Bytes of a path that every system takes for a socket."""


class GrpcPort:
    """Taken when made, given back by `close`. Lives in the event loop that runs `start`."""

    def __init__(self, host: str, port: int, flag: str, tls: ReloadingContext | None, relay: Relay, data: Path) -> None:
        """Raises PortTaken. `relay` carries what comes in over TLS; `data` is a folder of this user."""
        self._host, self._port, self._flag = host, port, flag
        self._tls, self._relay, self._data = tls, relay, data
        self._listener: socket.socket | None = None
        self._front: asyncio.Server | None = None
        self._folder: Path | None = None
        self._connections: Connections = set()
        if tls is None:
            check_free(host, port, flag)
        else:
            self._listener = listen(host, port, flag)

    def bind(self, server: grpc.Server | grpc.aio.Server) -> int:
        """Give the server its place; the number of the port that clients use. Raises PortTaken."""
        if self._listener is None:
            number = self._add(server, show_address(self._host, self._port))
            self._relay.address = local_address(self._host), number
            return number
        self._folder = _short_folder(self._data)
        address = self._folder / "grpc"
        self._add(server, f"unix:{address}")
        self._relay.address = address
        return cast(int, self._listener.getsockname()[1])

    def _add(self, server: grpc.Server | grpc.aio.Server, address: str) -> int:
        try:
            return int(server.add_insecure_port(address))
        except RuntimeError as error:  # somebody was faster, since the port was looked at
            raise PortTaken(f"cannot listen on {address} ({self._flag} {self._port}): {error}") from error

    async def start(self) -> None:
        """Take connections; the server behind must have been started."""
        if self._listener is not None:
            make = asyncio.get_running_loop().create_server
            self._front = await make(lambda: _Accepted(self._relay, self._connections), sock=self._listener, ssl=self._tls)

    def refuse(self) -> None:
        """Take no more connections; those that are there go on."""
        if self._front is not None:
            self._front.close()
        elif self._listener is not None:
            self._listener.close()

    def close(self) -> None:
        """End everything; what was answered may still go out."""
        self.refuse()
        for connection in list(self._connections):
            connection.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class _Accepted(asyncio.Protocol):
    """A connection whose TLS has been agreed on."""

    def __init__(self, relay: Relay, connections: Connections) -> None:
        self._relay, self._connections = relay, connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._relay.take(cast(asyncio.Transport, transport), b"", self._connections)


def _short_folder(data: Path) -> Path:
    """A new folder for this user alone, in the data directory, unless paths there are too long for sockets."""
    place = data.absolute()
    return Path(tempfile.mkdtemp(prefix="sockets-", dir=place if len(bytes(place)) < LONGEST_PATH - 30 else None))
