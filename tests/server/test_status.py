"""One table decides how every error is told over HTTP and gRPC."""

from __future__ import annotations

import logging

import pytest
from grpc import StatusCode

from pytempo import errors
from pytempo.server.errors import BodyTooLarge, WrongContentType
from pytempo.server.status import OWN_FAULT, RETRY_AFTER, Refusal, refusal_of, status_of

LOGGER = logging.getLogger("pytempo.test")


@pytest.mark.parametrize(
    ("error", "http", "grpc"),
    [
        (errors.BadQuery("no", 1, 2), 400, StatusCode.INVALID_ARGUMENT),
        (errors.BadRequest("no"), 400, StatusCode.INVALID_ARGUMENT),
        (errors.BadInput("no"), 400, StatusCode.INVALID_ARGUMENT),
        (WrongContentType("no"), 415, StatusCode.INVALID_ARGUMENT),
        (errors.RequestTooLarge(2, 1, "max"), 413, StatusCode.RESOURCE_EXHAUSTED),
        (BodyTooLarge(2, 1, "max", "as sent"), 413, StatusCode.RESOURCE_EXHAUSTED),
        (errors.Overloaded("later"), 429, StatusCode.RESOURCE_EXHAUSTED),
        (errors.Unavailable("later"), 503, StatusCode.UNAVAILABLE),
        (errors.NotFound("no"), 404, StatusCode.NOT_FOUND),
        (errors.QueryStopped("slow", "deadline"), 504, StatusCode.DEADLINE_EXCEEDED),
        (errors.QueryStopped("gone", "client"), 499, StatusCode.CANCELLED),
        (errors.Damaged("/data/x", "torn", 5), 500, StatusCode.INTERNAL),
        (errors.PytempoError("odd"), 500, StatusCode.INTERNAL),
        (ZeroDivisionError("ours"), 500, StatusCode.INTERNAL),
    ],
)
def test_an_error_has_its_statuses(error: Exception, http: int, grpc: StatusCode) -> None:
    assert status_of(error) == (http, grpc)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_of_ours_has_a_status(name: str) -> None:
    kind = getattr(errors, name)
    error = kind.__new__(kind)
    error.cause = "client"
    assert 400 <= status_of(error)[0] < 600


def test_the_text_is_the_errors_own() -> None:
    assert refusal_of(errors.BadQuery("no such thing", 1, 5), LOGGER, "q") == Refusal(
        400, StatusCode.INVALID_ARGUMENT, "line 1, column 5: no such thing"
    )


def test_only_an_overloaded_server_says_when_to_come_again() -> None:
    assert refusal_of(errors.Overloaded("later", 2.5), LOGGER, "q").retry_after == 2.5
    assert refusal_of(errors.Overloaded("later"), LOGGER, "q").retry_after == RETRY_AFTER
    assert refusal_of(errors.RequestTooLarge(2, 1, "max"), LOGGER, "q").retry_after is None


def test_a_fault_of_ours_is_logged_with_its_stack_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("secret")
    except KeyError as error:
        refusal = refusal_of(error, LOGGER, "GET /api/search")
    assert refusal.text == OWN_FAULT
    assert "GET /api/search" in caplog.text
    assert "Traceback" in caplog.text


def test_damage_is_told_and_logged_by_its_place(caplog: pytest.LogCaptureFixture) -> None:
    refusal = refusal_of(errors.Damaged("/data/blocks/x/data.parquet", "no footer", 7), LOGGER, "GET /api/search")
    assert "/data/blocks/x/data.parquet at byte 7" in refusal.text
    assert "/data/blocks/x/data.parquet at byte 7" in caplog.text


def test_refusals_of_bad_input_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    refusal_of(errors.BadQuery("no"), LOGGER, "GET /api/search")
    assert not caplog.text
