"""A server's process keeps little of what it does not need, unless its environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from pytempo.server import memory
from pytempo.server.bridge import Lane


def pool_after(environment: dict[str, str]) -> str:
    code = "from pytempo.server.memory import keep_little; import pyarrow; keep_little(); print(pyarrow.default_memory_pool().backend_name)"
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(("environment", "pool"), [({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")])
def test_arrow_takes_its_memory_from_the_system(environment: dict[str, str], pool: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARROW_", "MALLOC_"))}
    assert pool_after(kept | environment) == pool


def test_what_is_free_is_given_back_once_it_is_much_more_than_was_left_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    much, done, given = memory.FREE, threading.Event(), list[int]()
    looks = iter([5, 5 + much, 3, 3 + much + 1, 20, 20 + much, 20 + much + 1, 20])  # what is left is looked at after each giving back

    def look() -> int:
        seen.append(next(looks, 20))
        if len(seen) > 9:
            done.set()
        return seen[-1]

    seen = list[int]()
    monkeypatch.setattr(memory, "LOOKS", 0)
    monkeypatch.setattr(memory, "_glibc", lambda: (look, lambda left: given.append(seen[-1])))
    giving_back = memory.GivingBack(Lane("query", threads=1, waiting=0))
    giving_back.start()
    assert done.wait(30)
    giving_back.stop()
    assert given == [3 + much + 1, 20 + much + 1]


@pytest.mark.parametrize("looks", [memory.UNUSED - 1, memory.UNUSED])
def test_what_a_question_leaves_stays_for_the_next_one(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the first look is over, a question is at work, and memory free at so many looks before one at which it is in use again."""
    much, done, given = 2 * memory.FREE, threading.Event(), list[int]()
    free = iter([0, *[much] * looks, 0])
    lane, answer = Lane("query", threads=1, waiting=0), threading.Event()
    lane.submit(answer.wait)

    def look() -> int:
        seen.append(next(free, 0))
        if len(seen) > looks + 3:
            done.set()
        return seen[-1]

    seen = list[int]()
    monkeypatch.setattr(memory, "LOOKS", 0)
    monkeypatch.setattr(memory, "_glibc", lambda: (look, lambda left: given.append(seen[-1])))
    giving_back = memory.GivingBack(lane)
    giving_back.start()
    assert done.wait(30)
    giving_back.stop()
    answer.set()
    lane.close()
    assert given == [much] * (looks == memory.UNUSED)


def test_this_system_tells_what_is_idle_and_takes_it_back() -> None:
    idle, trim = memory._glibc()
    if trim is None:
        pytest.skip("no glibc")
    assert idle() > 0
    trim(0)
