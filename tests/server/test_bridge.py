"""Lanes of threads: bounded, and apart from each other."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pytempo.errors import Overloaded
from pytempo.server.bridge import Bridge, Lane


def test_a_call_answers_from_a_thread() -> None:
    async def main() -> str:
        lane = Lane("query", threads=1, waiting=0)
        try:
            return await lane.run(lambda: threading.current_thread().name)
        finally:
            lane.close()

    assert asyncio.run(main()).startswith("pytempo-query")


def test_an_error_of_a_call_comes_back() -> None:
    async def main() -> None:
        lane = Lane("query", threads=1, waiting=0)
        try:
            await lane.run(lambda: [][0])
        finally:
            lane.close()

    with pytest.raises(IndexError):
        asyncio.run(main())


def test_a_full_lane_refuses_at_once_and_takes_calls_again_later() -> None:
    async def main() -> None:
        lane, go = Lane("query", threads=1, waiting=1), threading.Event()
        running, waiting = (asyncio.ensure_future(lane.run(go.wait)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="job queue full: 2 query jobs"):
            await lane.run(go.wait)
        go.set()
        await asyncio.gather(running, waiting)
        assert await lane.run(lambda: 5) == 5
        assert lane.busy == 0
        lane.close()

    asyncio.run(main())


def test_a_caller_that_leaves_gives_its_place_back() -> None:
    async def main() -> None:
        lane, go = Lane("query", threads=1, waiting=1), threading.Event()
        running, waiting = (asyncio.ensure_future(lane.run(go.wait)) for _ in range(2))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert lane.busy == 1
        go.set()
        await running
        lane.close()

    asyncio.run(main())


def test_exports_run_while_queries_fill_their_lane() -> None:
    async def main() -> int:
        bridge, go = Bridge(query_threads=1), threading.Event()
        query = asyncio.ensure_future(bridge.queries.run(go.wait))
        await asyncio.sleep(0)
        answer = await bridge.exports.run(lambda: 5)
        go.set()
        await query
        bridge.close()
        return answer

    assert asyncio.run(main()) == 5


def test_calls_are_made_in_the_order_in_which_they_came() -> None:
    async def main() -> list[int]:
        lane, go, made = Lane("query", threads=1, waiting=100), threading.Event(), list[int]()
        first = asyncio.ensure_future(lane.run(go.wait))
        waiting = [asyncio.ensure_future(lane.run(lambda number=number: made.append(number))) for number in range(50)]  # type: ignore[misc]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *waiting)
        lane.close()
        return made

    assert asyncio.run(main()) == list(range(50))
