"""The buckets of histograms: the power of two at or above a whole number or duration, as Tempo has them.

Values below 2 (nanoseconds, for durations) and fractions have no bucket.
"""

from __future__ import annotations

import numpy as np

from pytempo.model.arrays import Bools
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.grouping import Groups, Label
from pytempo.traceql.types import Type

SMALLEST = 2
"""The smallest value that has a bucket."""


def has_bucket(numbers: Numbers) -> Bools:
    """Which rows lie in a bucket."""
    return numbers.valid & numbers.integer & (numbers.ints >= SMALLEST)


def bucket_groups(numbers: Numbers, unit: int) -> Groups:
    """The bucket of every row as its group; all rows must lie in one. Labels are the upper bounds divided by `unit`."""
    below = numbers.ints - 1
    exponents = np.frexp(below.astype(np.float64))[1].astype(np.int64)
    exponents -= (below >> np.maximum(exponents - 1, 0)) == 0  # a float of more than 53 bits may have been rounded up
    used, codes = np.unique(exponents, return_inverse=True)
    return Groups(codes, tuple(Label(Type.FLOAT, 2**exponent / unit) for exponent in used.tolist()))
