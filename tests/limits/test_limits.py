"""Limits asked for a tenant: which ones hold, what they refuse, and that tenants do not count for each other."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pytempo.errors import RateLimited
from pytempo.limits import EVERYBODY, LIVE_TRACES, TRACE_TOO_LARGE, LimitMetrics, LimitOptions, Limits, Verdict
from pytempo.limits.limits import LIVE_FOR
from pytempo.model.ids import TraceIds
from tests.clocks import Clock

SECOND = 1_000_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock(5 * SECOND)


def judge(limits: Limits, *spans: int, size: int = 10, tenant: str = "a") -> Verdict | None:
    """Spans of these traces, each of the same size."""
    numbers = sorted(set(spans))
    ids = TraceIds(np.zeros(len(numbers), np.uint64), np.array(numbers, np.uint64))
    trace = np.searchsorted(numbers, spans).astype(np.int32)
    return limits.judge(tenant, ids, trace, lambda: np.full(len(spans), size, np.int64))


def refused(limits: Limits, *spans: int, size: int = 10, tenant: str = "a") -> dict[str, list[bool]]:
    verdict = judge(limits, *spans, size=size, tenant=tenant)
    return {} if verdict is None else {reason: mask.tolist() for reason, mask in verdict.refused.items()}


def test_a_tenant_has_its_own_limits_or_everybodys_or_the_defaults() -> None:
    default, everybody, own = (LimitOptions(max_traces=number) for number in (1, 2, 3))
    limits = Limits(default)
    assert limits.of("a") == default
    limits.replace({"a": own})
    assert (limits.of("a"), limits.of("b")) == (own, default)
    limits.replace({"a": own, EVERYBODY: everybody})
    assert (limits.of("a"), limits.of("b")) == (own, everybody)
    limits.replace({})
    assert limits.of("a") == default


def test_nothing_is_limited_by_default() -> None:
    limits = Limits()
    limits.admit("a", 10**12)
    assert judge(limits, *range(1000), size=10**9) is None


def test_a_rate_is_each_tenants_own(clock: Clock) -> None:
    limits = Limits(LimitOptions(rate_limit_bytes=100, burst_size_bytes=200), clock=clock)
    limits.admit("a", 200)
    limits.admit("b", 200)
    with pytest.raises(RateLimited, match=r"^RATE_LIMITED: tenant a may send 100 bytes a second and 200 at once .* of 50 bytes") as error:
        limits.admit("a", 50)
    assert error.value.retry_after == 0.5
    clock.now += SECOND // 2
    limits.admit("a", 50)


def test_what_is_larger_than_a_burst_is_told_so_and_not_to_come_again(clock: Clock) -> None:
    limits = Limits(LimitOptions(rate_limit_bytes=100), clock=clock)
    with pytest.raises(RateLimited, match="send smaller batches") as error:
        limits.admit("a", 101)
    assert error.value.retry_after is None


def test_a_rate_of_zero_takes_nothing(clock: Clock) -> None:
    limits = Limits(LimitOptions(rate_limit_bytes=0, burst_size_bytes=0), clock=clock)
    with pytest.raises(RateLimited):
        limits.admit("a", 1)


def test_the_hint_can_be_left_out(clock: Clock) -> None:
    limits = Limits(LimitOptions(rate_limit_bytes=100, retry_info=False), clock=clock)
    limits.admit("a", 100)
    with pytest.raises(RateLimited) as error:
        limits.admit("a", 1)
    assert error.value.retry_after is None


def test_another_rate_holds_at_once(clock: Clock) -> None:
    limits = Limits(LimitOptions(rate_limit_bytes=100), clock=clock)
    limits.admit("a", 100)
    limits.replace({"a": LimitOptions(rate_limit_bytes=1000)})
    with pytest.raises(RateLimited) as error:
        limits.admit("a", 1000)
    assert error.value.retry_after == 1
    clock.now += SECOND
    limits.admit("a", 1000)


def test_traces_beyond_the_live_ones_are_refused_by_first_arrival(clock: Clock) -> None:
    limits = Limits(LimitOptions(max_traces=2), clock=clock)
    assert refused(limits, 7, 3, 5, 3, 7) == {LIVE_TRACES: [False, False, True, False, False]}
    assert refused(limits, 5, 7, 4) == {LIVE_TRACES: [True, False, True]}
    assert refused(limits, 5, tenant="b") == {}


def test_a_trace_at_rest_makes_room(clock: Clock) -> None:
    limits = Limits(LimitOptions(max_traces=2), clock=clock)
    refused(limits, 1, 2)
    clock.now += LIVE_FOR - 1
    assert refused(limits, 2, 3) == {LIVE_TRACES: [False, True]}
    clock.now += 1
    assert refused(limits, 3) == {}
    assert refused(limits, 1) == {LIVE_TRACES: [True]}


def test_a_trace_that_grows_too_large_is_closed(clock: Clock) -> None:
    limits = Limits(LimitOptions(max_bytes_per_trace=25), clock=clock)
    assert refused(limits, 1, 2, 1) == {}
    assert refused(limits, 1, 2) == {TRACE_TOO_LARGE: [True, False]}
    assert refused(limits, 1, 3, size=1) == {TRACE_TOO_LARGE: [True, False]}


def test_what_could_not_be_stored_does_not_count(clock: Clock) -> None:
    limits = Limits(LimitOptions(max_bytes_per_trace=25), clock=clock)
    for _ in range(5):
        verdict = judge(limits, 1, 2)
        assert verdict is not None
        assert not verdict.refused
        limits.take_back("a", verdict)
    assert refused(limits, 1, 1) == {}


def test_a_span_is_refused_for_one_reason(clock: Clock) -> None:
    limits = Limits(LimitOptions(max_traces=1, max_bytes_per_trace=15), clock=clock)
    assert refused(limits, 1, 2, 1, 2) == {LIVE_TRACES: [False, True, False, True], TRACE_TOO_LARGE: [False, False, True, False]}


def test_the_limits_are_exported(clock: Clock) -> None:
    registry, limits = CollectorRegistry(), Limits(LimitOptions(max_traces=9), clock=clock)
    LimitMetrics(registry, limits)
    limits.replace({"a": LimitOptions(rate_limit_bytes=7)})
    assert registry.get_sample_value("tempo_limits_defaults", {"limit_name": "max_local_traces_per_user"}) == 9
    assert registry.get_sample_value("tempo_limits_defaults", {"limit_name": "ingestion_rate_limit_bytes"}) == float("inf")
    for name in ("ingestion_rate_limit_bytes", "ingestion_burst_size_bytes"):
        assert registry.get_sample_value("tempo_limits_overrides", {"limit_name": name, "user": "a"}) == 7
