"""A question ends when its answer is there, when its time is over, or when the server waits no longer."""

from __future__ import annotations

import asyncio

import pytest

from pytempo.errors import Unavailable
from pytempo.query.budget import Budget
from pytempo.server.service import Asking


def test_a_server_that_stops_waits_for_no_question_beyond_its_grace() -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        given_up: asyncio.Future[None] = loop.create_future()
        with Asking[str](Budget(), loop.create_future(), given_up) as asking:
            loop.call_soon(given_up.set_result, None)
            with pytest.raises(Unavailable, match="ask again"):
                await asking.result()
            assert await asking.ends_within(60)

    asyncio.run(ask())


def test_an_answer_that_is_there_is_given_also_while_the_server_stops() -> None:
    async def ask() -> str:
        loop = asyncio.get_running_loop()
        work: asyncio.Future[str] = loop.create_future()
        given_up: asyncio.Future[None] = loop.create_future()
        given_up.set_result(None)
        work.set_result("the answer")
        return await Asking(Budget(), work, given_up).result()

    assert asyncio.run(ask()) == "the answer"
