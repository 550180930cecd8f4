"""A client that sends the same wrong thing again and again fills no log."""

from __future__ import annotations

import logging

import pytest

from pytempo.server.receivers.notices import INTERVAL, REMEMBERED, Notices
from tests.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000 * INTERVAL)


@pytest.fixture
def notices(clock: Clock) -> Notices:
    return Notices(logging.getLogger("pytempo.test"), clock)


def test_a_client_has_one_line_a_minute(notices: Notices, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        notices.say("10.0.0.1", "no metrics")
    clock.now += INTERVAL - 1
    notices.say("10.0.0.1", "no metrics")
    assert len(caplog.records) == 1
    clock.now += 1
    notices.say("10.0.0.1", "no metrics")
    assert len(caplog.records) == 2


def test_each_client_has_its_own(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    notices.say("10.0.0.1", "no metrics")
    notices.say("10.0.0.2", "no metrics")
    assert [record.getMessage() for record in caplog.records] == ["10.0.0.1: no metrics", "10.0.0.2: no metrics"]


def test_only_so_many_clients_are_remembered(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(REMEMBERED + 1):
        notices.say(str(number), "no metrics")
    caplog.clear()
    notices.say(str(REMEMBERED), "no metrics")
    assert not caplog.records
    notices.say("0", "no metrics")
    assert caplog.records
