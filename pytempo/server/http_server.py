"""uvicorn as one part of a process that has several servers and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pytempo.server.impatience import impatient
from pytempo.server.mux import Relay, multiplexed

KEEP_ALIVE = 120
"""Seconds that an idle connection stays open, as with Tempo. Clients pool connections; one that closes under them fails a request."""

HEAD_WITHIN = 30.0
"""Seconds that the head of a request may take from its first byte, and a new connection to begin with one."""

LONGEST_HEAD = 512 * 1024
"""Bytes of a request's line and headers: the longest query that is answered, each of its bytes percent-encoded, and then some."""


class HttpServer:
    """Serves one application on one listening socket. Lives in the event loop that runs `start`."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        grace: float,
        *,
        relay: Relay | None = None,
        tls: ssl.SSLContext | None = None,
        head_within: float = HEAD_WITHIN,
    ) -> None:
        """Requests in flight have `grace` seconds to end when the server is stopped. The head of a request may take `head_within` seconds.

        With a relay it is a server of questions: connections that speak gRPC go there, and URLs may be up to LONGEST_HEAD.
        """
        self._listener = listener
        # httptools is faster, and takes URLs up to 64 KiB
        protocol = impatient(HttpToolsProtocol if relay is None else H11Protocol, head_within)
        config = uvicorn.Config(
            app,
            http=protocol if relay is None else multiplexed(protocol, relay),
            h11_max_incomplete_event_size=LONGEST_HEAD,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
        config.load()
        config.ssl = tls
        self._server = _WithoutSignals(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """Connections that are open, those that speak gRPC among them."""
        return len(self._server.server_state.connections)

    def start(self) -> asyncio.Task[None]:
        """The task that ends when the server has."""
        self._task = asyncio.create_task(self._server.serve([self._listener]))
        return self._task

    async def stop(self) -> None:
        """Take no more connections, close the idle ones, and let requests in flight end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _WithoutSignals(uvicorn.Server):
    """The process has several servers: its signals are handled in one place, serve.py."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
