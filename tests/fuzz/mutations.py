"""Bytes that are nearly right: what a sound input becomes when bits flip, pieces go, come twice, or are put in from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import strategies as st

INPUTS = int(os.environ.get("PYTEMPO_FUZZ", "60"))
"""Inputs that each test of this package tries; the long form tries thousands."""

PIECES = [
    b"\x00",
    b"\xff" * 9,
    b"\x80" * 10,
    b"{",
    b"]",
    b'"',
    b"null",
    b"1e999",
    b"-1",
    b"\\ud800",
    b"\xf5WR\xfa",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
]
"""What readers of varints, JSON, logs and compressed bodies stumble over."""


@st.composite
def mutated(draw: st.DrawFn, sound: Sequence[bytes]) -> bytes:
    """One of the sound inputs, or two of them, with a few changes."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "cut", "drop", "repeat", "insert", "splice"])):
            case "flip" if place < len(data):
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[place:]
            case "drop":
                del data[place : place + draw(st.integers(1, 40))]
            case "repeat":
                data[place:place] = data[place : place + draw(st.integers(1, 40))]
            case "splice":
                other = draw(st.sampled_from(sound))
                data[place:] = other[draw(st.integers(0, len(other))) :]
            case _:
                data[place:place] = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
    return bytes(data)
