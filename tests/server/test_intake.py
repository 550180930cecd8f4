"""From the receivers into the store: refusals are counted, too."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytempo.errors import BadRequest, Overloaded, RequestTooLarge, Unavailable
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.server.options import ServeOptions
from pytempo.server.receivers import Intake
from pytempo.server.receivers.otlp_http import Room
from pytempo.server.service import Service
from pytempo.store import Store, StoreOptions
from pytempo.telemetry import expose
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


def test_room_for_bodies_is_bounded_and_given_back() -> None:
    room = Room(10)
    room.take(6)
    with pytest.raises(Overloaded, match="6 bytes of export requests are being received"):
        room.take(5)
    room.leave(6)
    room.take(10)
