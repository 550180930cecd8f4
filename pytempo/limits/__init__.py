"""What each tenant may send and ask: rates, live traces, bytes a trace. Knows no wire format and no disk."""

from __future__ import annotations

from pytempo.limits.limits import EVERYBODY, LIVE_TRACES, TRACE_TOO_LARGE, Limits, Verdict
from pytempo.limits.metrics import LimitMetrics, ReloadMetrics
from pytempo.limits.options import LimitOptions
from pytempo.limits.reload import Reloader

__all__ = ["EVERYBODY", "LIVE_TRACES", "TRACE_TOO_LARGE", "LimitMetrics", "LimitOptions", "Limits", "ReloadMetrics", "Reloader", "Verdict"]
