"""What wraps every request of the API: errors become refusals, and none of ours is told."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI

from pytempo.errors import BadQuery, Overloaded
from pytempo.server.api.middleware import Guard

LOGGER = logging.getLogger("pytempo.test")


def answer_to(error: Exception) -> httpx.Response:
    """What a client gets from a route that raises `error`."""
    app = FastAPI()

    @app.get("/")
    async def route() -> None:
        raise error

    app.add_middleware(Guard, logger=LOGGER, left_out=lambda: ())

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get("/")

    return asyncio.run(main())


def test_an_error_of_the_caller_is_told_as_bare_text() -> None:
    answer = answer_to(BadQuery("no such thing", 2, 7))
    assert (answer.status_code, answer.text) == (400, "line 2, column 7: no such thing")
    assert answer.headers["content-type"].startswith("text/plain")


def test_an_overloaded_server_says_when_to_ask_again() -> None:
    answer = answer_to(Overloaded("query queue full", retry_after=1.2))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


def test_a_fault_of_ours_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_to(ZeroDivisionError("the secret of line 5"))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "the secret of line 5" in caplog.text
