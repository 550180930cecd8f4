"""From the receivers into the store: refusals are counted, too."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import Mock

import grpc
import pytest

from pytempo.errors import BadRequest, Overloaded, RequestTooLarge, Unavailable
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.server.options import ServeOptions
from pytempo.server.receivers import Intake, otlp_grpc_server
from pytempo.server.receivers import intake as intake_module
from pytempo.server.receivers.room import EXPECTED, MESSAGES, SOON, Arriving, Bodies
from pytempo.server.service import Service
from pytempo.server.status import refusal_of
from pytempo.store import Store, StoreOptions
from pytempo.telemetry import expose
from tests.sending import exporter
from tests.server.conftest import request

LIMIT = 4000


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    options = StoreOptions(max_request_bytes=LIMIT)
    with Store(tmp_path, options=options) as store:
        service = Service(ServeOptions(data=tmp_path, store=options), store, logging.getLogger("pytempo.test"), time.time_ns)
        yield service
        service.bridge.close()


def discarded(service: Service) -> dict[str, float]:
    """Spans not stored, by reason."""
    lines = [line for line in expose(service.registry).decode().splitlines() if line.startswith("tempo_discarded_spans_total{")]
    return {line.split('reason="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_spans_of_a_request_that_is_not_taken_are_counted(service: Service) -> None:
    intake = Intake(service)
    with pytest.raises(Unavailable):  # the log is not replayed yet
        intake.take(request(b"a" * 16, b"b" * 16).SerializeToString(), "grpc", DEFAULT_TENANT)
    assert discarded(service) == {"refused": 2}


def test_spans_of_a_request_that_is_too_large_are_counted(service: Service) -> None:
    service.store.replay()
    with pytest.raises(RequestTooLarge, match="--otlp-max-request-bytes"):
        Intake(service).take(request(b"a" * 16, filler=LIMIT).SerializeToString(), "grpc", DEFAULT_TENANT)
    assert discarded(service) == {"invalid_request": 1}


def test_bytes_that_are_no_request_count_no_spans(service: Service) -> None:
    service.store.replay()
    with pytest.raises(BadRequest):
        Intake(service).take(b"\xff\xff", "http", DEFAULT_TENANT)
    assert discarded(service) == {"invalid_request": 0}


def crowded_out(service: Service, transport: str) -> float | None:
    return service.registry.get_sample_value("pytempo_receiver_crowded_out_requests_total", {"transport": transport})


def test_spans_of_a_large_request_that_is_refused_are_counted_piece_by_piece(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    large = b"".join(request(bytes([number]) * 16).SerializeToString() for number in range(1, 20))
    monkeypatch.setattr(intake_module, "PIECE", 200)
    assert intake_module.count_spans(large) == 19


async def put(bodies: Bodies, *sizes: tuple[str, int]) -> None:
    for body, size in sizes:
        await bodies.take(body, size)


def test_bodies_wait_for_room_and_are_refused_when_none_comes() -> None:
    async def conversation() -> None:
        bodies = Bodies(10, patience=0)
        await put(bodies, ("a", 6), ("b", 4))
        with pytest.raises(Overloaded, match="requests of 10 bytes are on their way") as refused:
            await bodies.take("b", 1)
        assert refusal_of(refused.value, logging.getLogger(), "x").retry_after
        bodies.leave("b")
        await put(bodies, ("c", 4))

    asyncio.run(conversation())


def test_a_body_goes_on_as_soon_as_there_is_room() -> None:
    async def conversation() -> None:
        bodies = Bodies(10, patience=60)
        await put(bodies, ("a", 6))
        waiting = asyncio.create_task(bodies.take("b", 5))
        await asyncio.sleep(0)
        assert not waiting.done()
        bodies.leave("a")
        await asyncio.wait_for(waiting, 30)

    asyncio.run(conversation())


def test_the_body_that_began_first_is_always_read_on() -> None:
    async def conversation() -> None:
        bodies = Bodies(10, patience=0)
        await put(bodies, ("a", 5), ("b", 5), ("a", 5))
        bodies.leave("a")
        await put(bodies, ("b", 8))

    asyncio.run(conversation())


class Clock:
    """Seconds that go on when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def asked(calls: Arriving, count: int) -> Iterator[None]:
    """So many calls that wait for their messages."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(calls.waits(Mock()))
        yield


def test_as_many_messages_are_read_as_there_is_room_for() -> None:
    calls = Arriving(60, 10, patience=0, clock=(clock := Clock()))
    with asked(calls, MESSAGES * EXPECTED):
        clock.now += SOON / 2
        with pytest.raises(Overloaded, match="requests of 80 bytes are on their way"), asked(calls, 1):
            pass
    with asked(calls, MESSAGES * EXPECTED):
        pass


def test_clients_that_send_nothing_take_no_room_for_long() -> None:
    calls = Arriving(60, 10, patience=0, clock=(clock := Clock()))
    with asked(calls, MESSAGES * EXPECTED):
        clock.now += 2 * SOON
        with asked(calls, 1):
            pass


def test_messages_that_wait_to_be_stored_keep_others_from_being_read() -> None:
    calls = Arriving(60, 10, patience=0, clock=Clock())
    with calls.holds(10 * MESSAGES), pytest.raises(Overloaded), asked(calls, 1):
        pass
    with asked(calls, 1):
        pass


def test_a_call_that_finds_no_room_is_told_when_to_come_again_and_counted(service: Service) -> None:
    service.store.replay()
    intake = Intake(service)
    intake.arriving = Arriving(60, LIMIT, patience=0)
    server = otlp_grpc_server(service, intake)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        with intake.arriving.holds(LIMIT * MESSAGES), pytest.raises(grpc.RpcError) as refused:
            exporter(channel)(request(b"a" * 16).SerializeToString(), timeout=30)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "grpc-status-details-bin" in dict(refused.value.trailing_metadata())
        assert crowded_out(service, "grpc") == 1
        exporter(channel)(request(b"a" * 16).SerializeToString(), timeout=30)
    server.stop(None).wait()
