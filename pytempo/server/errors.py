"""Errors that only a server has: about the form of an HTTP request, before the store ever sees it.

BadRequest
├── WrongContentType     a body of a type that is not read here
RequestTooLarge
└── BodyTooLarge         a body that was cut off at the limit, so that its size is not known
BadConfig
└── PortTaken            a port that cannot be listened on
Refused
└── RequestTooSlow       a request that has not come in in time
"""

from __future__ import annotations

from pytempo.errors import BadConfig, BadRequest, Refused, RequestTooLarge


class WrongContentType(BadRequest):
    """The text names the types that are read."""


class BodyTooLarge(RequestTooLarge):
    """`size` is what had been read when reading stopped."""

    def __init__(self, size: int, limit: int, setting: str, how: str) -> None:
        super().__init__(size, limit, setting)
        self.args = (f"request of more than {limit} bytes {how} (stopped at {size}); raise {setting} or send smaller batches",)


class RequestTooSlow(Refused):
    """The text names the time and its setting."""


class PortTaken(BadConfig):
    """The text names the port and the flag that chooses another."""
