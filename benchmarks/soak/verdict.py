"""What has to hold at the end of a soak. Each finding says in words what was seen, so that nobody has to run it again to understand it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchmarks.soak.traffic import SECOND, SENTINEL_SPANS, Client, Sentinel
from benchmarks.soak.watch import Sample

GROWTH = 1.10
"""How much more the last third of a run may take than the middle third, on average."""

LONG = 600
"""Seconds from which a run is long enough for the first third to be a warm-up and for retention to have come around."""


@dataclass(frozen=True)
class Finding:
    """Something that holds or does not; None where a run was too short to tell."""

    claim: str
    seen: str
    holds: bool | None


def oldest_whole_second(blocks: Sequence[Mapping[str, object]], dropped: int) -> int:
    """The first unix second of which retention has dropped nothing; 0 if it dropped none.

    The block whose newest span is oldest goes first. So whatever starts after the end of the oldest block that is left was never in a
    block that went.
    """
    if not dropped:
        return 0
    ends = [block["pytempo"]["endNanos"] for block in blocks]  # type: ignore[index]
    return min(ends, default=0) // SECOND + 1


def counts(client: Client, acknowledged: Counter[int], first: int) -> Finding:
    """Whether as many spans are there as were acknowledged, from second `first` on, in all and second by second."""
    seconds = [second for second in acknowledged if second >= first]
    if not seconds:
        return Finding("counts are those that were acknowledged", "retention has left no whole second", False)
    start, end = min(seconds), max(seconds) + 1
    sent = sum(acknowledged[second] for second in seconds)
    answer = client.ask("/api/metrics/query", q="{} | count_over_time()", start=start * SECOND, end=end * SECOND) or {}
    found = sum(series.get("value", 0) for series in answer.get("series", []))
    by_step = _by_second(client, start, end)
    wrong = [
        f"{second}: {by_step[second]} of {acknowledged[second]}" for second in range(start, end) if by_step[second] != acknowledged[second]
    ]
    words = f"{found:,.0f} of {sent:,} spans in {end - start} s, {len(wrong)} seconds with another number {', '.join(wrong[:5])}"
    return Finding("counts are those that were acknowledged", words.strip(), found == sent and not wrong and not answer.get("status"))


def _by_second(client: Client, start: int, end: int) -> Counter[int]:
    """The spans that start in each second."""
    parameters = {"q": "{} | count_over_time()", "start": start * SECOND, "end": end * SECOND, "step": "1s"}
    answer = client.ask("/api/metrics/query_range", **parameters) or {}
    points = [point for series in answer.get("series", []) for point in series.get("samples", [])]
    return Counter({int(point["timestampMs"]) // 1000 - 1: point.get("value", 0) for point in points})


def sentinels(client: Client, left: Sequence[Sentinel], first: int) -> Finding:
    """Whether each one from second `first` on is found once and whole, and of older ones either nothing or all."""
    wrong: list[str] = []
    kept = 0
    for sentinel in left:
        by_search, by_id = client.spans_by_search(sentinel), client.spans_by_id(sentinel.trace_id)
        whole, gone = (by_search, by_id) == ([SENTINEL_SPANS], SENTINEL_SPANS), (by_search, by_id) == ([], 0)
        kept += whole
        if not (whole or (gone and sentinel.second < first)):
            wrong.append(f"{sentinel.number} (second {sentinel.second}): by search {by_search}, by id {by_id}")
    must = sum(sentinel.second >= first for sentinel in left)
    words = f"{kept} whole of {must} that must be and {len(left) - must} that may be gone; {len(wrong)} wrong {'; '.join(wrong[:5])}"
    return Finding("every sentinel is there exactly once", words.strip(), not wrong and must > 0)


def levels_off(name: str, values: Sequence[float], long: bool) -> Finding:
    """Whether the last third takes no more than the middle third and a little."""
    third = len(values) // 3
    middle, last = mean(values[third : 2 * third] or [0]), mean(values[2 * third :] or [0])
    words = f"{middle / 2**20:.1f} MiB in the middle third, {last / 2**20:.1f} MiB in the last"
    return Finding(f"{name} levels off", words, last <= middle * GROWTH if long else None)


def no_errors(errors: Sequence[str]) -> Finding:
    """Whether nothing went wrong, for a client or in the server's log."""
    return Finding("zero errors", f"{len(errors)} {'; '.join(errors[:3])}".strip(), not errors)


def stays_under(samples: Sequence[Sample], limit: int, being_written: int) -> Finding:
    """Whether the disk use was under the limit and what is being written, at every sample."""
    most = max((sample.disk_bytes for sample in samples), default=0)
    words = f"{most / 2**20:.1f} MiB at most; {limit / 2**20:.1f} MiB may be, and {being_written / 2**20:.1f} MiB being written"
    return Finding("disk use stays under its limit", words, most <= limit + being_written)


def all_took_part(happened: Mapping[str, int], long: bool) -> Finding:
    """Whether blocks were cut, merged and dropped at all, or the run has proved nothing."""
    words = ", ".join(f"{happened[name]} {name}" for name in ("flushed", "merged", "dropped"))
    return Finding("flush, compaction and retention took part", f"blocks: {words}", min(happened.values()) > 0 if long else None)
