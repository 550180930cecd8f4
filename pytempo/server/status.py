"""The one table from errors to HTTP and gRPC statuses. No handler decides a status itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from grpc import StatusCode

from pytempo.errors import (
    BadConfig,
    BadInput,
    Damaged,
    DirectoryInUse,
    NoTenant,
    NotFound,
    Overloaded,
    PytempoError,
    QueryStopped,
    RateLimited,
    RequestTooLarge,
    TraceTooLarge,
    Unavailable,
)
from pytempo.server.errors import RequestTooSlow, WrongContentType

RETRY_AFTER = 1.0
"""Seconds after which an overloaded server may be asked again, where the error names no time."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a caller is told instead of an answer. `retry_after` is in seconds, None where asking again has no set time."""

    http: int
    grpc: StatusCode
    text: str
    retry_after: float | None = None


TABLE: dict[type[BaseException], tuple[int, StatusCode]] = {
    WrongContentType: (415, StatusCode.INVALID_ARGUMENT),
    RequestTooLarge: (413, StatusCode.RESOURCE_EXHAUSTED),  # without RetryInfo: OTLP clients must not send it again
    TraceTooLarge: (422, StatusCode.FAILED_PRECONDITION),
    NoTenant: (401, StatusCode.UNAUTHENTICATED),
    BadConfig: (500, StatusCode.INTERNAL),
    BadInput: (400, StatusCode.INVALID_ARGUMENT),
    Overloaded: (429, StatusCode.RESOURCE_EXHAUSTED),
    RequestTooSlow: (503, StatusCode.UNAVAILABLE),  # not 408, after which OTLP clients drop what they have
    Unavailable: (503, StatusCode.UNAVAILABLE),
    NotFound: (404, StatusCode.NOT_FOUND),
    Damaged: (500, StatusCode.INTERNAL),
    DirectoryInUse: (500, StatusCode.INTERNAL),
    BaseException: (500, StatusCode.INTERNAL),
}
"""By class; what a class does not say, its base says. `QueryStopped` alone depends on its cause."""

STOPPED = {"deadline": (504, StatusCode.DEADLINE_EXCEEDED), "client": (499, StatusCode.CANCELLED)}
"""`QueryStopped.cause`."""

OWN_FAULT = "internal error; the log of the server has the details"


def status_of(error: BaseException) -> tuple[int, StatusCode]:
    """The HTTP and the gRPC status of an error."""
    if isinstance(error, QueryStopped):
        return STOPPED[error.cause]
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def refusal_of(error: BaseException, logger: logging.Logger, request: str) -> Refusal:
    """What to tell the caller. Damaged data and faults of ours go into the log, the latter with a stack that the caller does not see.

    `request` says in the log what was asked.
    """
    http, grpc = status_of(error)
    if not isinstance(error, PytempoError):
        logger.error("%s: internal error", request, exc_info=error)
        return Refusal(http, grpc, OWN_FAULT)
    if http == 500:
        logger.error("%s: %s", request, error)
    retry_after = error.retry_after if isinstance(error, Overloaded) else None
    if isinstance(error, Overloaded) and not isinstance(error, RateLimited):
        retry_after = retry_after or RETRY_AFTER
    return Refusal(http, grpc, str(error), retry_after)
