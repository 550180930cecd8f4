"""Small requests are acknowledged before they are decoded, and nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytempo import Store, StoreOptions
from pytempo.limits import LimitOptions
from pytempo.live import pending
from pytempo.model.batch import MemoryBatch
from pytempo.otlp import Exported
from tests.store.conftest import OpenStore, found, metric, named

NAMES = [f"{number:02d}" for number in range(20)]


def decodings(store: Store) -> list[int]:
    """Gets the number of requests in each decoding of what was acknowledged undecoded."""
    seen: list[int] = []
    decode = store._live._decode

    def noted(tenant: str, payloads: Sequence[bytes]) -> MemoryBatch:
        seen.append(len(payloads))
        return decode(tenant, payloads)

    store._live._decode = noted
    return seen


def exported(store: Store, names: Sequence[str]) -> None:
    for name in names:
        assert store.export(named(name)) == Exported(1)


def test_requests_are_decoded_together_when_somebody_asks(open_store: OpenStore) -> None:
    store = open_store()
    seen = decodings(store)
    exported(store, NAMES[:15])
    assert seen == []
    assert found(store) == NAMES[:15]
    exported(store, NAMES[15:])
    assert found(store) == found(store) == NAMES
    assert seen == [15, 5]


def test_requests_are_decoded_together_for_their_block(open_store: OpenStore) -> None:
    store = open_store()
    seen = decodings(store)
    exported(store, NAMES)
    store.flush()
    assert seen == [20]
    assert found(store) == NAMES


def test_requests_are_decoded_when_there_are_enough(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "FULL", 4 * len(named("00")))
    store = open_store()
    seen = decodings(store)
    exported(store, NAMES)
    assert seen == [4] * 5
    assert found(store) == NAMES


def test_what_is_not_decoded_yet_is_counted(open_store: OpenStore) -> None:
    store = open_store()
    exported(store, NAMES)
    assert metric(store, "tempo_ingester_live_trace_bytes", tenant="single-tenant") == sum(len(named(name)) for name in NAMES)
    waiting = metric(store, "tempo_ingester_live_traces", tenant="single-tenant")
    found(store)
    assert metric(store, "tempo_ingester_live_traces", tenant="single-tenant") == waiting == len(NAMES)


@pytest.mark.parametrize(
    "limits", [LimitOptions(max_attribute_bytes=2048), LimitOptions(max_traces=100), LimitOptions(max_bytes_per_trace=9999)]
)
def test_what_limits_concern_is_decoded_at_once(open_store: OpenStore, limits: LimitOptions) -> None:
    store = open_store(options=StoreOptions(limits=limits))
    seen = decodings(store)
    exported(store, NAMES)
    assert found(store) == NAMES
    assert seen == []
