"""Every error that pytempo raises on purpose; whatever else escapes is a bug of ours.

PytempoError
├── BadInput                 the caller must change what it sends; asking again is no use
│   ├── BadQuery             TraceQL or a query parameter (line and column, or the parameter's name)
│   ├── BadRequest           an OTLP request, a body, an id, a tenant
│   │   └── NoTenant         names no tenant where it must
│   ├── RequestTooLarge      beyond a size limit; names the setting and both sizes
│   ├── TraceTooLarge        a trace that may not be answered with whole
│   └── BadConfig            a setting, a flag, a data directory
├── Refused                  nothing wrong with the request; ask again later
│   ├── Unavailable          starting, stopping, or the disk takes no writes
│   └── Overloaded           a queue or memory limit is reached
│       └── RateLimited      a tenant sends more than it may
├── QueryStopped             the deadline passed, or the client left
├── NotFound                 no such trace, tenant or block
├── Damaged                  a file does not hold what it should: path, offset, cause
└── DirectoryInUse           another process holds the data directory
"""

from __future__ import annotations

__all__ = [
    "BadConfig",
    "BadInput",
    "BadQuery",
    "BadRequest",
    "Damaged",
    "DirectoryInUse",
    "NoTenant",
    "NotFound",
    "Overloaded",
    "PytempoError",
    "QueryStopped",
    "RateLimited",
    "Refused",
    "RequestTooLarge",
    "TraceTooLarge",
    "Unavailable",
]


class PytempoError(Exception):
    """The root of the tree; its text is meant for the person who reads it."""


class BadInput(PytempoError):
    """What was sent cannot be accepted, now or later."""


class BadQuery(BadInput):
    """A query that cannot be read or answered exactly.

    `line` and `column` count from 1 and are None where the fault is not in a query text.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.line, self.column = line, column
        super().__init__(message if line is None else f"line {line}, column {column}: {message}")


class BadRequest(BadInput):
    """A request whose bytes, ids, headers or tenant are wrong."""


class TraceTooLarge(BadInput):
    """A trace larger than the limit, where the answer has no way to say that it is partial."""


class NoTenant(BadRequest):
    """A request that names no tenant, while there are several. Its text is Tempo's."""

    def __init__(self) -> None:
        super().__init__("no org id")


class RequestTooLarge(BadInput):
    """A request beyond a size limit; `size` and `limit` are in bytes, `setting` is the name to raise."""

    def __init__(self, size: int, limit: int, setting: str) -> None:
        self.size, self.limit, self.setting = size, limit, setting
        super().__init__(f"request of {size} bytes is larger than the limit of {limit} bytes; raise {setting} or send smaller batches")


class BadConfig(BadInput):
    """A setting, a flag or a directory that cannot be used; the text names it and the remedy."""


class Refused(PytempoError):
    """A sound request that cannot be taken at the moment; nothing of it was kept."""


class Unavailable(Refused):
    """The store is starting, stopping, or its disk takes no writes."""


class Overloaded(Refused):
    """A rate, queue or memory limit is reached; `retry_after` is in seconds, None where unknown."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class RateLimited(Overloaded):
    """A tenant sends more than it may; `retry_after` is None also where no hint is to be given."""


class QueryStopped(PytempoError):
    """A query that did not come to its end: `cause` is 'deadline' or 'client'."""

    def __init__(self, message: str, cause: str) -> None:
        self.cause = cause
        super().__init__(message)


class NotFound(PytempoError):
    """No such trace, tenant or block."""


class Damaged(PytempoError):
    """A file that does not hold what it should.

    `path` is the file, `offset` the byte where the damage was seen (None for the file as a whole).
    """

    def __init__(self, path: str, cause: str, offset: int | None = None) -> None:
        self.path, self.cause, self.offset = path, cause, offset
        where = path if offset is None else f"{path} at byte {offset}"
        super().__init__(f"{where}: {cause}")


class DirectoryInUse(PytempoError):
    """Another process (or another store in this one) holds the data directory."""
