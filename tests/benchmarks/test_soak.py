"""The soak in a few seconds, and that its verdict sees what it is there for: loss, copies, halves, growth."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.machine import resident_memory, tree_memory
from benchmarks.plot import nice
from benchmarks.server import running
from benchmarks.soak import Settings, run, verdict
from benchmarks.soak.traffic import EXPORT, SENTINEL_SPANS, Client, Sentinel
from benchmarks.soak.watch import EVENTS

SECOND = 1_795_600_000
WHOLE, LATER, HALF, MISSING = Sentinel(1, SECOND), Sentinel(2, SECOND + 3), Sentinel(3, SECOND + 5), Sentinel(4, SECOND + 9)
ACKNOWLEDGED = Counter({SECOND: SENTINEL_SPANS, SECOND + 3: SENTINEL_SPANS, SECOND + 5: SENTINEL_SPANS - 1})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server that holds two whole sentinels and all but one span of a third."""
    folder = tmp_path_factory.mktemp("soak")
    with running(folder / "data", log=folder / "log") as server, grpc.insecure_channel(server.otlp_grpc) as channel:
        half = ExportTraceServiceRequest.FromString(HALF.request())
        del half.resource_spans[0].scope_spans[0].spans[-1]
        for payload in (WHOLE.request(), LATER.request(), half.SerializeToString()):
            assert channel.unary_unary(EXPORT)(payload, timeout=30, wait_for_ready=True) == b""
        yield Client(server)


def test_a_few_seconds_of_soak_hold_and_leave_a_record_and_a_plot(tmp_path: Path) -> None:
    findings = run(Settings(seconds=1.6, rate=300, sample_period=0.5), tmp_path)
    assert [finding for finding in findings if finding.holds is False] == []
    record = json.loads((tmp_path / "soak.json").read_text())
    assert record["errors"] == []
    assert record["spans"] >= record["sentinels"] * SENTINEL_SPANS > 0
    assert record["samples"][-1]["memory_bytes"] > 2**20
    plot = xml.etree.ElementTree.parse(tmp_path / "soak.svg").getroot()
    assert len(plot.findall("{*}polyline")) == 7


def test_counts_that_are_right_hold(client: Client) -> None:
    assert verdict.counts(client, ACKNOWLEDGED, first=0).holds
    assert verdict.counts(client, ACKNOWLEDGED + Counter({SECOND: 5}), first=SECOND + 1).holds  # what retention has touched is left out


@pytest.mark.parametrize(
    "more", [Counter({SECOND: 1}), Counter({SECOND + 7: 3}), Counter({SECOND: -1}), Counter({SECOND: -1, SECOND + 3: 1})]
)
def test_a_span_too_few_too_many_or_in_another_second_is_seen(client: Client, more: Counter[int]) -> None:
    acknowledged = Counter(ACKNOWLEDGED)
    acknowledged.update(more)
    assert verdict.counts(client, acknowledged, first=0).holds is False


def test_nothing_left_to_count_is_no_success(client: Client) -> None:
    assert verdict.counts(client, ACKNOWLEDGED, first=SECOND + 100).holds is False


def test_sentinels_must_be_whole_and_only_old_ones_may_be_gone(client: Client) -> None:
    assert verdict.sentinels(client, [WHOLE, LATER], first=0).holds
    assert verdict.sentinels(client, [WHOLE, MISSING], first=0).holds is False
    old = Sentinel(5, SECOND - 9)
    assert verdict.sentinels(client, [old, WHOLE], first=SECOND).holds
    assert verdict.sentinels(client, [HALF, WHOLE], first=0).holds is False
    assert verdict.sentinels(client, [HALF, MISSING], first=SECOND + 7).holds is False
    assert verdict.sentinels(client, [WHOLE], first=SECOND + 1).holds is False  # no sentinel that had to be there: nothing was proved


def test_a_question_without_an_answer_is_an_error(client: Client) -> None:
    before = len(client.errors)
    assert client.ask("/api/search", q="{ nonsense") is None
    assert client.errors[before:] != []
    assert verdict.no_errors(client.errors[before:]).holds is False


def test_growth_in_the_last_third_is_seen() -> None:
    rising = [float(2**20 * place) for place in range(90)]
    assert verdict.levels_off("memory", rising, long=True).holds is False
    assert verdict.levels_off("memory", rising[:30] + [rising[30]] * 60, long=True).holds
    assert verdict.levels_off("memory", rising, long=False).holds is None


def test_a_run_in_which_nothing_was_merged_has_proved_nothing() -> None:
    assert verdict.all_took_part({"flushed": 150, "merged": 30, "dropped": 20}, long=True).holds
    assert verdict.all_took_part({"flushed": 150, "merged": 0, "dropped": 20}, long=True).holds is False


def test_retention_has_touched_nothing_after_the_end_of_the_oldest_block() -> None:
    blocks = [{"pytempo": {"endNanos": SECOND * 10**9 + 5}}, {"pytempo": {"endNanos": (SECOND + 60) * 10**9}}]
    assert verdict.oldest_whole_second(blocks, dropped=1) == SECOND + 1
    assert verdict.oldest_whole_second(blocks, dropped=0) == 0


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("2026-11-25 15:10:08,964 INFO pytempo: block a1 of tenant x: 12 spans, 2 traces, 783 bytes, cut in 0.17 s", "flushed"),
        (
            "2026-11-25 15:10:08,964 INFO pytempo: block a1 of tenant x: made of 4 blocks, 2 traces, 783 bytes (they had 9), in 0.17 s",
            "merged",
        ),
        ("2026-11-25 15:10:08,964 INFO pytempo: block a1 of tenant x goes (2 traces, 783 bytes): … 9 bytes (max_bytes_on_disk)", "dropped"),
        ("2026-11-25 15:10:08,964 ERROR pytempo: looking after the blocks failed and is tried again: x", "complaints"),
        ("Traceback (most recent call last):", "complaints"),
    ],
)
def test_lines_of_the_log_are_told_apart(line: str, name: str) -> None:
    assert [kind for kind, pattern in EVENTS.items() if pattern.search(line)] == [name]


def test_memory_of_a_tree_is_that_of_the_process_and_what_it_started(client: Client) -> None:
    own, below = tree_memory(os.getpid())
    assert own > 0
    assert below > 2**20  # the server that the fixture has started
    assert resident_memory(os.getpid()) > 0


def test_scales_end_on_round_numbers() -> None:
    assert [nice(value) for value in (0.03, 0.9, 1, 3, 48, 51, 1234)] == [0.05, 1, 1, 5, 50, 100, 2000]
