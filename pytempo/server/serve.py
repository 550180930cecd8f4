"""The life of a server: ports, store, replay, readiness, signals, and an end in the right order.

ports ─► store ─► servers answer (not ready) ─► replay ─► ready ─► signal (not ready) ─► receivers ─► query API ─► store
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TextIO

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.types import ASGIApp

from pytempo.server.api import api_app
from pytempo.server.api.service import TEMPO_VERSION
from pytempo.server.grpc_api import grpc_api_server
from pytempo.server.grpc_port import GrpcPort
from pytempo.server.http_server import HttpServer
from pytempo.server.internal import internal_app
from pytempo.server.listeners import listen, show_address
from pytempo.server.memory import GivingBack, keep_little
from pytempo.server.mux import Relay
from pytempo.server.options import ServeOptions
from pytempo.server.receivers import Intake, otlp_grpc_server, otlp_http_app
from pytempo.server.service import Service
from pytempo.server.tls import HTTP_1, HTTP_2, ReloadingContext, TlsOptions
from pytempo.store import Store
from pytempo.telemetry import publish_build_info, publish_connections, publish_ring

SIGNALS = (signal.SIGTERM, signal.SIGINT)

STEPS = 2
"""Ends that follow each other, each with its share of the grace: that of the receivers, and that of the query API."""

ANSWERED_WITHIN = 3.0
"""Seconds after the signal in which questions may still be answered; whoever restarts a server does not want to wait for a search."""

QUIET = 0.3
"""Seconds without a call at work after which a gRPC server that takes no more of them is left."""


def serve(options: ServeOptions, *, logger: logging.Logger, clock: Callable[[], int] = time.time_ns, out: TextIO = sys.stdout) -> bool:
    """Serve a data directory until SIGTERM or SIGINT; prints the addresses and `ready` to `out`, one a line.

    Returns whether all work had ended: False means that threads are still at work and would hold up the end of the process.
    Belongs in the main thread, which gets the signals. Raises PortTaken, and BadConfig and DirectoryInUse where the data directory
    cannot be used.
    """
    keep_little()
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    return asyncio.run(_serve(options, logger, clock, out))


async def _serve(options: ServeOptions, logger: logging.Logger, clock: Callable[[], int], out: TextIO) -> bool:
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = Ports(options, logger)
    try:
        store = Store(options.data, options=options.store, logger=logger, clock=clock, registry=CollectorRegistry())
    except BaseException:
        ports.close()
        raise
    try:
        service = Service(options, store, logger, clock)
    except BaseException:
        store.close()
        ports.close()
        raise
    server = Server(service, ports)
    try:
        await server.start(out)
        await server.replay(stop)
        if not stop.is_set():
            print("ready", file=out, flush=True)
        await stop.wait()
        await server.leave(options.shutdown_delay)
    finally:
        ended = await server.stop()
    return ended


class Ports:
    """All ports of a server, taken together or not at all; one that is not to be opened is None."""

    def __init__(self, options: ServeOptions, logger: logging.Logger) -> None:
        """Raises PortTaken, and BadConfig for TLS that cannot be used."""

        def tls(chosen: TlsOptions | None, *protocols: str) -> ReloadingContext | None:
            return None if chosen is None else ReloadingContext(chosen, protocols, logger)

        # clients that speak both are to speak HTTP/1 there: the only HTTP/2 behind that port is gRPC, whose clients offer nothing else
        self.http_tls, self.otlp_http_tls = tls(options.http_tls, HTTP_1, HTTP_2), tls(options.otlp_http_tls, HTTP_1)
        otlp_grpc_tls, grpc_tls = tls(options.otlp_grpc_tls, HTTP_2), tls(options.grpc_tls, HTTP_2)
        self.relay = Relay(logger)
        """Carries connections to the gRPC API."""
        with ExitStack() as stack:

            def take(name: str) -> socket.socket | None:
                address = options.address(name)
                if address.port is None:
                    return None
                return stack.enter_context(closing(listen(address.host, address.port, address.flag)))

            def take_grpc(name: str, tls: ReloadingContext | None, relay: Relay) -> GrpcPort | None:
                address = options.address(name)
                if address.port is None:
                    return None
                return stack.enter_context(closing(GrpcPort(address.host, address.port, address.flag, tls, relay, options.data)))

            self.http, self.otlp_http, self.internal = take("http"), take("otlp_http"), take("internal")
            self.otlp_grpc, self.grpc = take_grpc("otlp_grpc", otlp_grpc_tls, Relay(logger)), take_grpc("grpc", grpc_tls, self.relay)
            self._taken = stack.pop_all()

    def close(self) -> None:
        """Give the ports back."""
        self._taken.close()


class Server:
    """The servers of one process over one store."""

    def __init__(self, service: Service, ports: Ports) -> None:
        self._service, self._ports, self._grace = service, ports, service.options.shutdown_grace / STEPS
        intake = self._intake = Intake(service)
        self._api = self._http_server(api_app(service), ports.http, relay=ports.relay, tls=ports.http_tls)
        self._otlp_http = self._http_server(otlp_http_app(service, intake), ports.otlp_http, tls=ports.otlp_http_tls)
        self._internal = self._http_server(internal_app(service), ports.internal)
        self._otlp_grpc, self._grpc_api = otlp_grpc_server(service, intake), grpc_api_server(service)
        self._watching: asyncio.Task[None] | None = None
        self._giving_back = GivingBack(service.bridge.queries)
        publish_build_info(service.registry, TEMPO_VERSION)
        publish_ring(service.registry)
        publish_connections(service.registry, lambda: sum(each.connections for each in (self._api, self._otlp_http) if each is not None))
        ProcessCollector(registry=service.registry)

    def _http_server(
        self, app: ASGIApp, listener: socket.socket | None, *, relay: Relay | None = None, tls: ReloadingContext | None = None
    ) -> HttpServer | None:
        return None if listener is None else HttpServer(app, listener, self._grace, relay=relay, tls=tls)

    async def start(self, out: TextIO) -> None:
        """Answer on every port, and say where. Until the log is replayed, the answers are that the store is not ready."""
        if self._service.overrides is not None:
            self._service.overrides.start()
        ports, numbers = self._ports, dict[str, int]()
        for name, port, server in (("grpc", ports.grpc, self._grpc_api), ("otlp_grpc", ports.otlp_grpc, self._otlp_grpc)):
            if port is not None:
                numbers[name] = port.bind(server)
        await self._grpc_api.start()
        for http_server in (self._internal, self._api, self._otlp_http):
            if http_server is not None:
                http_server.start()
        self._otlp_grpc.start()
        self._watching = asyncio.create_task(self._intake.arriving.watch())
        self._giving_back.start()
        for port in (ports.grpc, ports.otlp_grpc):
            if port is not None:
                await port.start()
        for name, listener in (("http", ports.http), ("otlp_http", ports.otlp_http), ("internal", ports.internal)):
            if listener is not None:
                numbers[name] = listener.getsockname()[1]
        self._say(numbers, out)

    def _say(self, numbers: dict[str, int], out: TextIO) -> None:
        """Print the addresses, one a line."""
        schemes = {"http": _scheme(self._ports.http_tls), "otlp_http": _scheme(self._ports.otlp_http_tls), "internal": _scheme(None)}
        for name in ("http", "grpc", "otlp_grpc", "otlp_http", "internal"):
            if name in numbers:
                where = show_address(self._service.options.address(name).host, numbers[name])
                print(f"{name.replace('_', '-'):<12}{schemes.get(name, '')}{where}", file=out, flush=True)

    async def replay(self, stop: asyncio.Event) -> None:
        """Make the log searchable; ends early when `stop` is set, for what is acknowledged stays in the log."""
        replayed, stopped = (
            asyncio.ensure_future(self._service.bridge.admin.run(self._service.store.replay)),
            asyncio.create_task(stop.wait()),
        )
        await asyncio.wait((replayed, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if replayed.done():
            replayed.result()

    async def leave(self, delay: float) -> None:
        """Be not ready for so many seconds, and still do everything."""
        if delay > 0:
            self._service.stopping()
            self._service.logger.info("stopping in %g s (shutdown_delay)", delay)
            await asyncio.sleep(delay)

    async def stop(self) -> bool:
        """End everything in order: first what brings spans in, then the answers, then the store. True when all work has ended."""
        service = self._service
        service.stopping()
        if service.overrides is not None:
            service.overrides.stop()
        service.logger.info("stopping: no new requests, %d in work", service.bridge.busy)
        giving_up = asyncio.get_running_loop().call_later(min(ANSWERED_WITHIN, self._grace), service.give_up)
        await asyncio.gather(_end(self._otlp_http), self._stop_otlp_grpc(), self._stop_grpc_api())
        service.store.stop_writes()
        await _end(self._api)
        await _end(self._internal)
        giving_up.cancel()
        if self._watching is not None:
            self._watching.cancel()
        self._giving_back.stop()
        self._ports.close()
        idle = service.bridge.busy == 0
        if idle:
            await service.bridge.admin.run(service.store.close)
        else:
            service.logger.warning("stopped with %d requests still at work; what was acknowledged is in the log", service.bridge.busy)
        service.bridge.close()
        return idle

    async def _stop_otlp_grpc(self) -> None:
        if self._ports.otlp_grpc is not None:
            self._ports.otlp_grpc.refuse()
        stopped = self._otlp_grpc.stop(self._grace)
        await _ended(stopped.is_set, lambda: self._service.bridge.exports.busy, self._grace)

    async def _stop_grpc_api(self) -> None:
        if self._ports.grpc is not None:
            self._ports.grpc.refuse()
        stopped = asyncio.create_task(self._grpc_api.stop(self._grace))
        await _ended(stopped.done, lambda: self._service.streams, self._grace)


async def _end(server: HttpServer | None) -> None:
    if server is not None:
        await server.stop()


def _scheme(tls: ReloadingContext | None) -> str:
    return "http://" if tls is None else "https://"


async def _ended(stopped: Callable[[], bool], busy: Callable[[], int], grace: float) -> None:
    """Return when a gRPC server that takes no more calls has stopped, or has nothing left to answer.

    It itself would wait for connections, too, that were opened and never said anything.
    """
    latest = time.monotonic()
    deadline = latest + grace + 1
    while not stopped() and time.monotonic() < min(deadline, latest + QUIET):
        if busy():
            latest = time.monotonic()
        await asyncio.sleep(0.01)
