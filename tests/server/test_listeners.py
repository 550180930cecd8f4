"""Ports are taken, or refused by their flag."""

from __future__ import annotations

import socket

import pytest

from pytempo.server.errors import PortTaken
from pytempo.server.listeners import check_free, listen, show_address


def test_port_zero_takes_a_free_one_that_accepts_at_once() -> None:
    with listen("127.0.0.1", 0, "--http-port") as listener, socket.create_connection(listener.getsockname(), timeout=5):
        assert listener.getsockname()[1] > 0


def test_a_port_in_use_is_refused_by_its_number_and_flag() -> None:
    with listen("127.0.0.1", 0, "--http-port") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port} \(--http-port {port}\): the port is in use"):
            check_free("127.0.0.1", port, "--http-port")


def test_a_host_that_is_not_ours_is_refused_by_its_flag() -> None:
    with pytest.raises(PortTaken, match="choose another with --host"):
        check_free("192.0.2.1", 0, "--http-port")


def test_a_host_that_does_not_exist_is_refused_by_its_flag() -> None:
    with pytest.raises(PortTaken, match="choose another with --host"):
        check_free("no.such.host.invalid", 0, "--http-port")


def test_ipv6_addresses_are_shown_in_brackets() -> None:
    assert show_address("::1", 3200) == "[::1]:3200"
    assert show_address("127.0.0.1", 3200) == "127.0.0.1:3200"
