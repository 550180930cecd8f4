"""The ports of a server: taken all before anything else starts, so that a taken one is told at once and by its flag."""

from __future__ import annotations

import errno
import os
import socket

from pytempo.server.errors import PortTaken

BACKLOG = 1024


def listen(host: str, port: int, flag: str) -> socket.socket:
    """A listening TCP socket; connections wait in it until somebody accepts them. Raises PortTaken, naming the flag."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host or every_interface(), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # named TCP, or asyncio would leave Nagle's algorithm on: an answer in two writes then waits 40 ms for an acknowledgement
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise PortTaken(f"cannot listen on host {host}: {error.strerror or error}; choose another with --host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(complaint(host, port, flag, error)) from error
    listener.setblocking(False)
    return listener


def check_free(host: str, port: int, flag: str) -> None:
    """Raises PortTaken where `listen` would; for servers that open their own socket and say less."""
    listen(host, port, flag).close()


def complaint(host: str, port: int, flag: str, error: OSError) -> str:
    """Why a port cannot be had, and what to do about it."""
    where = f"cannot listen on {show_address(host, port)} ({flag} {port})"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: the port is in use by another process; stop it, or choose another port ({flag} 0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"{where}: uid {os.getuid()} may not use ports below 1024; choose a higher one"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: this machine does not have that address; choose another with --host"
    return f"{where}: {error.strerror}"


def every_interface() -> str:
    """The address that means all of this machine's: of IPv6 and with it IPv4, where there is IPv6."""
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"


def local_address(host: str) -> str:
    """Where this machine reaches what listens on `host`: loopback where that is every interface."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def show_address(host: str, port: int) -> str:
    """host:port, with brackets around an IPv6 address; no host is every interface."""
    host = host or every_interface()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
