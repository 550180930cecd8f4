"""Many who ask for the metrics at once share a text, and none of them gets one that is older than its question."""

from __future__ import annotations

import asyncio

import pytest

from pytempo.server.exposition import Exposition


class Made:
    """Texts that are numbered, and made when told."""

    def __init__(self) -> None:
        self.begun, self.may_end = 0, asyncio.Event()

    async def __call__(self) -> bytes:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        return b"%d" % number


async def asking(exposition: Exposition, count: int) -> list[asyncio.Task[bytes]]:
    tasks = [asyncio.create_task(exposition.text()) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def test_who_asks_while_one_is_made_gets_the_next_with_all_others() -> None:
    async def conversation() -> None:
        exposition = Exposition(made := Made())
        first = await asking(exposition, 3)
        assert made.begun == 1
        later = await asking(exposition, 100)
        assert made.begun == 1
        made.may_end.set()
        assert await asyncio.gather(*first) == [b"1"] * 3
        assert await asyncio.gather(*later) == [b"2"] * 100
        assert await exposition.text() == b"3"

    asyncio.run(conversation())


def test_who_leaves_takes_nothing_from_the_others() -> None:
    async def conversation() -> None:
        exposition = Exposition(made := Made())
        gone, stays = await asking(exposition, 2)
        gone.cancel()
        made.may_end.set()
        assert await stays == b"1"

    asyncio.run(conversation())


def test_one_that_cannot_be_made_does_not_keep_the_next_from_being_made() -> None:
    async def conversation() -> None:
        answers = [OSError("no"), b"yes"]

        async def make() -> bytes:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        exposition = Exposition(make)
        with pytest.raises(OSError, match="no"):
            await exposition.text()
        assert await exposition.text() == b"yes"

    asyncio.run(conversation())
