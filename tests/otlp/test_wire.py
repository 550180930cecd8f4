"""What is no protobuf is refused, whichever parser meets it and however that says so; what stands beside it is read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pytempo.errors import BadRequest
from pytempo.otlp import wire
from tests.building import request, span

SOUND = request(span("sound")).SerializeToString()
MALFORMED = {
    "a length beyond the end": b"\x0a\x05ab",
    "a length of 2^64 - 1": b"\x0a" + 9 * b"\xff" + b"\x01",  # at which ptars 0.0.25 panics, with what is no Exception
    "a length of 2^64 - 1 further in": b"\x0a\x0c\x12" + 9 * b"\xff" + b"\x01\x0a",
    "field number 0": b"\x02\x00",
    "an unknown wire type": b"\x0f",
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused_and_the_next_one_is_read(payload: bytes) -> None:
    with pytest.raises(BadRequest, match="not a valid protobuf Request"):
        wire.read("Request", [SOUND, payload])
    assert wire.read("Request", [SOUND]) == wire.read_plain("Request", [SOUND])


def test_of_several_the_malformed_ones_are_marked() -> None:
    payloads = [SOUND, *MALFORMED.values(), SOUND]
    read, bad = wire.read_each("Request", pa.array(payloads, pa.binary()))
    assert bad.tolist() == [False, *[True] * len(MALFORMED), False]
    assert read == wire.read("Request", [SOUND, *[b""] * len(MALFORMED), SOUND])


def test_what_ends_the_process_is_no_malformed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parser:
        def list_to_record_batch(self, payloads: list[bytes]) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(wire, "_handler", lambda name: Parser())
    with pytest.raises(KeyboardInterrupt):
        wire.read_fast("Request", [SOUND])
