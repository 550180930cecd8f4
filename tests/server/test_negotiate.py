"""The form of an answer follows the request's headers."""

from __future__ import annotations

import gzip

import pytest
from fastapi import Request

from pytempo.server.api.negotiate import Form


def form_of(**headers: str) -> Form:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Form.of(Request({"type": "http", "headers": raw}))


@pytest.mark.parametrize(
    ("accept", "protobuf"),
    [
        ("application/protobuf", True),
        ("text/html, application/protobuf;q=0.5, application/json", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_protobuf_is_sent_to_whom_asks_for_it(accept: str, protobuf: bool) -> None:
    assert form_of(accept=accept).protobuf is protobuf


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("", False),
    ],
)
def test_gzip_is_used_where_it_is_accepted(accepted: str, compressed: bool) -> None:
    assert form_of(accept_encoding=accepted).gzip is compressed


def test_a_large_answer_is_compressed_and_a_small_one_is_not() -> None:
    form = Form(protobuf=False, gzip=True)
    large = form.send(b"x" * 5000, "application/json")
    assert large.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(large.body)) == b"x" * 5000
    assert "content-encoding" not in form.send(b"x" * 100, "application/json").headers


def test_text_is_not_escaped_beyond_need() -> None:
    answer = Form(protobuf=False, gzip=False).answer({"tagValues": ["名前", "a\0b"]}, "SearchTagValuesResponse")
    assert bytes(answer.body) == '{"tagValues":["名前","a\\u0000b"]}'.encode()
