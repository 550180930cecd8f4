"""Trace and span ids: short, broken, alike, reversed."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from pytempo import BadRequest
from tests.building import request, span
from tests.sending import JSON, post
from tests.servers import RunningServer
from tests.states import Stores, matched, matched_ids, names_of, search_all
from tests.tricky.conftest import Hold

SHORT = "000000000000000000000000000000ab"

ALIKE = ["0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d"]
REVERSED = ALIKE[0][::-1]


@pytest.mark.parametrize("identifier", ["ab", "00ab", SHORT, "AB", SHORT.upper()])
def test_a_trace_is_found_by_every_form_of_its_id(hold: Hold, identifier: str) -> None:
    """S14: zeros left out, odd lengths, upper case."""
    store = hold(request(span("here", trace=0xAB), span("there", trace=0xAB), span("other", trace=0xAB0)))
    found = store.trace(identifier)
    assert found is not None
    assert found.trace_id == SHORT
    assert names_of(store, identifier) == ["here", "there"]


@pytest.mark.parametrize("identifier", ["ab", "00ab", SHORT, "AB"])
@pytest.mark.parametrize("query", ['{{ trace:id = "{}" }}', '{{ "{}" = trace:id }}', '{{ trace:id = "{}" && true }}'])
def test_a_query_takes_every_form_of_an_id(hold: Hold, query: str, identifier: str) -> None:
    """S14: and answers with one form."""
    store = hold(request(span("here", trace=0xAB), span("other", trace=0xAB0)))
    assert [found.trace_id for found in search_all(store, query.format(identifier))] == [SHORT]


def test_spans_with_broken_trace_ids_are_counted_and_the_others_stored(hold: Hold) -> None:
    """S15: 15 bytes, all zero, empty: never padded, cut, or merged under an id of zeros."""
    good = [span("good", trace=1), span("good too", trace=2)]
    bad = [span("bad", trace=identifier) for identifier in (b"\x01" * 15, bytes(16), b"")]
    mixed = request(good[0], *bad, good[1])
    store = hold(mixed)
    exported = store.export(mixed.SerializeToString())
    assert (exported.accepted, exported.rejected, exported.reasons) == (2, 3, (("invalid_trace_id", 3),))
    assert "16 bytes" in exported.message
    assert matched(store) == ["good", "good too"]
    assert store.trace("0") is None
    assert dict(store.tags().scopes)["resource"] == ("service.name",)


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("xyz", "'x' at position 1"),
        ("0" * 33, "33 hex digits"),
        (" ", "' ' at position 1"),
        ("ab-cd", "'-' at position 3"),
        ("", "missing"),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(stores: Stores, identifier: str, reason: str) -> None:
    """S16: never an error of ours."""
    with pytest.raises(BadRequest, match=reason):
        stores.store.trace(identifier)


@pytest.mark.parametrize("version", ["/api/traces/", "/api/v2/traces/"])
@pytest.mark.parametrize(
    ("path", "status"), [("xyz", 400), ("0" * 33, 400), ("%20", 400), ("ab%2Fcd", 404), ("../x", 404), ("..%2Fx", 404), ("", 404)]
)
def test_over_http_what_is_no_id_is_never_a_500(server: RunningServer, version: str, path: str, status: int) -> None:
    """S16: 400 that says what is wrong, or 404 for a path that means no trace."""
    with closing(HTTPConnection(urlsplit(server.http_url).netloc)) as connection:  # which leaves the path as it is
        connection.request("GET", version + path)
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.read()


def test_an_absent_trace_is_404_in_v1_and_empty_in_v2(server: RunningServer) -> None:
    """S16: as Tempo."""
    v1, v2 = (httpx.get(f"{server.http_url}/api{version}/traces/{'ab' * 16}") for version in ("", "/v2"))
    assert (v1.status_code, v1.text) == (404, "")
    assert (v2.status_code, v2.json()["trace"]) == (200, {})


@pytest.mark.parametrize("identifier", ["0HoSbpJCGzTc5oc9oFdigQ==", "0x" + "ab" * 15, "abc", "AB" * 17])
def test_a_json_id_that_is_no_hex_costs_its_span_and_stores_it_nowhere(server: RunningServer, identifier: str) -> None:
    """S17: base64, as plain protobuf JSON has it, is not OTLP's."""
    body = {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [{"traceId": identifier, "spanId": "00000000000000aa", "name": "in base64"}]}]},
        ]
    }
    answer = post(server.otlp_http_url, json.dumps(body).encode(), JSON)
    partial = answer.json()["partialSuccess"]
    assert answer.status_code == 200
    assert partial["rejectedSpans"] == "1"
    assert "hex" in partial["errorMessage"]
    assert httpx.get(f"{server.http_url}/api/search", params={"q": '{ name = "in base64" }'}).json()["traces"] == []


def test_over_http_the_good_spans_are_stored_and_the_bad_ones_counted(server: RunningServer) -> None:
    """S15: 200 with partial success."""
    body = request(span("kept", trace=0x15), *(span("lost", trace=identifier) for identifier in (b"\x01" * 15, bytes(16), b"")))
    answer = post(server.otlp_http_url, body.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 3)
    assert partial.error_message
    assert httpx.get(f"{server.http_url}/api/traces/15").status_code == 200


def test_ids_that_are_almost_the_same_are_told_apart(hold_anyhow: Hold) -> None:
    """S18: a shared beginning of 31 digits, and an id that is the other's reversed."""
    ids = [*ALIKE, REVERSED]
    store = hold_anyhow(*(request(*(span(f"{identifier} {number}", trace=identifier) for number in range(3))) for identifier in ids))
    for identifier in ids:
        found = store.trace(identifier)
        assert found is not None
        assert [found.batch.trace_ids().hex(row) for row in range(len(found.batch.trace_ids()))] == [identifier]
        assert names_of(store, identifier) == [f"{identifier} {number}" for number in range(3)]
        assert matched(store, f'{{ trace:id = "{identifier}" }}') == names_of(store, identifier)


@pytest.mark.parametrize("identifier", [b"", bytes(8), b"\x01" * 7, b"\x01" * 9])
def test_spans_with_broken_span_ids_are_counted_and_the_others_stored(hold: Hold, identifier: bytes) -> None:
    """S15, for span ids."""
    mixed = request(span("good", id=7), span("bad", id=identifier))
    store = hold(mixed)
    assert store.export(mixed.SerializeToString()).reasons == (("invalid_span_id", 1),)
    assert matched_ids(store) == ["0000000000000007"]
