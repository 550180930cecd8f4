"""What metrics queries answer with: time series, or one number a series for an instant query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.query.results import AttributeValue, Inspected

Each = TypeVar("Each")

Labels: TypeAlias = tuple[tuple[str, AttributeValue], ...]
"""What a series is called. A span without a value is in the series whose label is the text `nil`; durations are text (`1.5s`)."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One of the spans behind a series; `labels` hold its `trace:id` and `span:id`, `time` is its start in unix milliseconds."""

    labels: Labels
    value: float
    time: int


@dataclass(frozen=True, slots=True, eq=False)
class TimeSeries:
    """One series. Only times with a point are there: `times` [n] are unix milliseconds, ascending, `values` [n] float64."""

    labels: Labels
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    exemplars: tuple[Exemplar, ...] = ()

    @property
    def samples(self) -> list[tuple[int, float]]:
        """The points as pairs of time and value."""
        return list(zip(self.times.tolist(), self.values.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _Result(Sequence[Each]):
    """Series sorted by their labels. `message` says why some are missing; None when none is."""

    series: tuple[Each, ...]
    message: str | None = None
    inspected: Inspected = field(default_factory=Inspected)

    @property
    def partial(self) -> bool:
        """Whether series are missing."""
        return self.message is not None

    def __len__(self) -> int:
        return len(self.series)

    def __getitem__(self, place: Any) -> Any:
        return self.series[place]


@dataclass(frozen=True, slots=True)
class SeriesResult(_Result[TimeSeries]):
    """The series of a range query."""

    def to_arrow(self) -> pa.Table:
        """One row a point: labels (a map of texts), time and value."""
        counts = [len(each.times) for each in self.series]
        times = np.concatenate([each.times for each in self.series]) if counts else np.empty(0, np.int64)
        values = np.concatenate([each.values for each in self.series]) if counts else np.empty(0, np.float64)
        labels = _label_column([each.labels for each in self.series]).take(pa.array(np.repeat(np.arange(len(counts)), counts)))
        return pa.table({"labels": labels, "time": pa.array(times, pa.timestamp("ms", "UTC")), "value": values})


@dataclass(frozen=True, slots=True)
class InstantSeries:
    """One series of an instant query."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class InstantResult(_Result[InstantSeries]):
    """The numbers of an instant query."""

    def to_arrow(self) -> pa.Table:
        """One row a series: labels (a map of texts) and value."""
        values = pa.array([each.value for each in self.series], pa.float64())
        return pa.table({"labels": _label_column([each.labels for each in self.series]), "value": values})


def _label_column(labels: Sequence[Labels]) -> pa.MapArray:
    texts = [[(name, value if isinstance(value, str) else str(value)) for name, value in each] for each in labels]
    return pa.array(texts, pa.map_(pa.string(), pa.string()))
