"""The life of a server: ports, store, replay, readiness, signals, and an end in the right order.

ports ─► store ─► servers answer (not ready) ─► replay ─► ready ─► signal (not ready) ─► receivers ─► query API ─► store
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable
from typing import TextIO

import grpc
import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector

from pytempo.server.api import api_app
from pytempo.server.api.service import TEMPO_VERSION
from pytempo.server.errors import PortTaken
from pytempo.server.grpc_api import grpc_api_server
from pytempo.server.http_server import HttpServer
from pytempo.server.listeners import check_free, listen, local_address, show_address
from pytempo.server.mux import Relay
from pytempo.server.options import ServeOptions
from pytempo.server.receivers import Intake, otlp_grpc_server, otlp_http_app
from pytempo.server.service import Service
from pytempo.store import Store
from pytempo.telemetry import publish_build_info

SIGNALS = (signal.SIGTERM, signal.SIGINT)

STEPS = 2
"""Ends that follow each other, each with its share of the grace: that of the receivers, and that of the query API."""

QUIET = 0.3
"""Seconds without a call at work after which a gRPC server that takes no more of them is left."""


def serve(options: ServeOptions, *, logger: logging.Logger, clock: Callable[[], int] = time.time_ns, out: TextIO = sys.stdout) -> bool:
    """Serve a data directory until SIGTERM or SIGINT; prints the addresses and `ready` to `out`, one a line.

    Returns whether all work had ended: False means that threads are still at work and would hold up the end of the process.
    Belongs in the main thread, which gets the signals. Raises PortTaken, and BadConfig and DirectoryInUse where the data directory
    cannot be used.
    """
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    return asyncio.run(_serve(options, logger, clock, out))


async def _serve(options: ServeOptions, logger: logging.Logger, clock: Callable[[], int], out: TextIO) -> bool:
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = Ports(options)
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
    finally:
        ended = await server.stop()
    return ended


class Ports:
    """All ports of a server, taken together or not at all."""

    def __init__(self, options: ServeOptions) -> None:
        host = options.host
        self.http = listen(host, options.http_port, "--http-port")
        try:
            self.otlp_http = listen(host, options.otlp_http_port, "--otlp-http-port")
        except BaseException:
            self.http.close()
            raise
        try:
            check_free(host, options.otlp_grpc_port, "--otlp-grpc-port")
            check_free(host, options.grpc_port, "--grpc-port")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the ports back."""
        self.http.close()
        self.otlp_http.close()


class Server:
    """The four servers of one process over one store."""

    def __init__(self, service: Service, ports: Ports) -> None:
        self._service, self._ports, self._grace = service, ports, service.options.shutdown_grace / STEPS
        intake = Intake(service)
        self._relay = Relay(service.logger)
        self._api = HttpServer(api_app(service), ports.http, self._grace, relay=self._relay)
        self._otlp_http = HttpServer(otlp_http_app(service, intake), ports.otlp_http, self._grace)
        self._otlp_grpc, self._grpc_api = otlp_grpc_server(service, intake), grpc_api_server(service)
        publish_build_info(service.registry, TEMPO_VERSION)
        ProcessCollector(registry=service.registry)

    async def start(self, out: TextIO) -> None:
        """Answer on every port, and say where. Until the log is replayed, the answers are that the store is not ready."""
        options = self._service.options
        if self._service.overrides is not None:
            self._service.overrides.start()
        otlp_grpc_port = _bind(self._otlp_grpc, options.host, options.otlp_grpc_port, "--otlp-grpc-port")
        grpc_port = _bind(self._grpc_api, options.host, options.grpc_port, "--grpc-port")
        self._relay.address = local_address(options.host), grpc_port
        await self._grpc_api.start()
        self._api.start()
        self._otlp_http.start()
        self._otlp_grpc.start()
        for name, address in (
            ("http", "http://" + show_address(options.host, self._ports.http.getsockname()[1])),
            ("grpc", show_address(options.host, grpc_port)),
            ("otlp-grpc", show_address(options.host, otlp_grpc_port)),
            ("otlp-http", "http://" + show_address(options.host, self._ports.otlp_http.getsockname()[1])),
        ):
            print(f"{name:<12}{address}", file=out, flush=True)

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

    async def stop(self) -> bool:
        """End everything in order: first what brings spans in, then the answers, then the store. True when all work has ended."""
        service = self._service
        service.stopping()
        if service.overrides is not None:
            service.overrides.stop()
        service.logger.info("stopping: no new requests, %d in work", service.bridge.busy)
        await asyncio.gather(self._otlp_http.stop(), self._stop_otlp_grpc(), self._stop_grpc_api())
        service.store.stop_writes()
        await self._api.stop()
        idle = service.bridge.busy == 0
        if idle:
            await service.bridge.admin.run(service.store.close)
        else:
            service.logger.warning("stopped with %d requests still at work; what was acknowledged is in the log", service.bridge.busy)
        service.bridge.close()
        return idle

    async def _stop_otlp_grpc(self) -> None:
        stopped = self._otlp_grpc.stop(self._grace)
        await _ended(stopped.is_set, lambda: self._service.bridge.exports.busy, self._grace)

    async def _stop_grpc_api(self) -> None:
        stopped = asyncio.create_task(self._grpc_api.stop(self._grace))
        await _ended(stopped.done, lambda: self._service.streams, self._grace)


def _bind(server: grpc.Server | grpc.aio.Server, host: str, port: int, flag: str) -> int:
    """The port that the server took."""
    try:
        return int(server.add_insecure_port(show_address(host, port)))
    except RuntimeError as error:  # somebody was faster, since `Ports` looked
        raise PortTaken(f"cannot listen on {show_address(host, port)} ({flag} {port}): {error}") from error


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
