"""OTLP/HTTP: encodings, types, limits and refusals as exporters see them."""

from __future__ import annotations

import gzip
import socket
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import zstandard
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.server.conftest import LIMIT, request
from tests.servers import RunningServer, serve

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(client: httpx.Client, content: bytes, content_type: str | None = PROTOBUF, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/traces", content=content, headers={**({"content-type": content_type} if content_type else {}), **given})


def as_json(trace_id: bytes) -> bytes:
    """A request in OTLP/JSON, whose ids are hex."""
    document = json_format.MessageToDict(request(trace_id))
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["traceId"], span["spanId"] = trace_id.hex(), trace_id[-8:].hex()
    return json_format.json.dumps(document).encode()


def is_stored(http: httpx.Client, trace_id: bytes) -> bool:
    return http.get(f"/api/traces/{trace_id.hex()}").status_code == 200


def test_protobuf_is_answered_in_protobuf(otlp_http: httpx.Client, http: httpx.Client) -> None:
    answer = post(otlp_http, request(b"protobuf in, out").SerializeToString())
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    assert is_stored(http, b"protobuf in, out")


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_answered_in_json(otlp_http: httpx.Client, http: httpx.Client, content_type: str) -> None:
    answer = post(otlp_http, as_json(b"json in and out!"), content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.json() in ({}, {"partialSuccess": {}})
    assert is_stored(http, b"json in and out!")


def test_the_common_name_of_protobuf_is_taken_too(otlp_http: httpx.Client) -> None:
    assert post(otlp_http, request(b"common type name").SerializeToString(), "application/protobuf").status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", None, "application/grpc"])
def test_other_types_are_refused_with_the_right_ones(otlp_http: httpx.Client, content_type: str | None) -> None:
    answer = post(otlp_http, request(b"x" * 16).SerializeToString(), content_type)
    assert answer.status_code == 415
    assert PROTOBUF in answer.text
    assert JSON in answer.text


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress), ("identity", bytes)]
)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_compressed_request_is_stored_as_the_plain_one(
    otlp_http: httpx.Client, http: httpx.Client, encoding: str, compress: type[bytes], content_type: str
) -> None:
    trace_id = f"{encoding}{content_type[-8:]}".ljust(16).encode()[:16]
    body = as_json(trace_id) if content_type == JSON else request(trace_id).SerializeToString()
    assert post(otlp_http, compress(body), content_type, content_encoding=encoding).status_code == 200
    assert is_stored(http, trace_id)


def test_a_broken_body_is_told_in_its_own_encoding(otlp_http: httpx.Client) -> None:
    answer = post(otlp_http, b"\xff\xff\xff")
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROTOBUF)
    status = Status.FromString(answer.content)
    assert status.code == 3
    assert status.message
    answer = post(otlp_http, b"{not json", JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, JSON)
    assert answer.json()["code"] == 3


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "snappy"])
def test_a_body_that_is_not_compressed_as_it_says_is_refused(otlp_http: httpx.Client, encoding: str) -> None:
    answer = post(otlp_http, b"plain", content_encoding=encoding)
    assert answer.status_code == 400
    assert Status.FromString(answer.content).message


def test_a_bad_span_costs_only_itself(otlp_http: httpx.Client, http: httpx.Client) -> None:
    answer = post(otlp_http, request(b"a good trace id!", b"a short id", bytes(16)).SerializeToString())
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 2
    assert partial.error_message
    assert is_stored(http, b"a good trace id!")


def test_rejected_spans_are_told_in_json_as_a_string(otlp_http: httpx.Client) -> None:
    document = as_json(bytes(16))
    assert post(otlp_http, document, JSON).json()["partialSuccess"]["rejectedSpans"] == "1"


def test_a_request_beyond_the_limit_is_refused_with_both_sizes_and_the_setting(otlp_http: httpx.Client) -> None:
    body = request(b"x" * 16, filler=LIMIT).SerializeToString()
    answer = post(otlp_http, body)
    assert answer.status_code == 413
    message = Status.FromString(answer.content).message
    assert str(len(body)) in message
    assert str(LIMIT) in message
    assert "--otlp-max-request-bytes" in message
    assert "retry-after" not in answer.headers


def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(otlp_http: httpx.Client) -> None:
    answer = otlp_http.post("/v1/traces", content=iter([bytes(LIMIT // 2)] * 3), headers={"content-type": PROTOBUF})
    assert answer.status_code == 413
    assert str(LIMIT) in Status.FromString(answer.content).message


def test_the_limit_itself_is_taken(otlp_http: httpx.Client) -> None:
    body = request(b"just fits in its", filler=LIMIT - 200).SerializeToString()
    body = request(b"just fits in its", filler=LIMIT - 200 + LIMIT - len(body)).SerializeToString()
    assert len(body) == LIMIT
    assert post(otlp_http, body).status_code == 200


def resident(pid: int) -> int:
    """Bytes of memory that a process holds, and the most it ever held."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_a_bomb_is_refused_before_it_grows(otlp_http: httpx.Client, server: RunningServer) -> None:
    compressor = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(compressor.compress(bytes(1024 * 1024)) for _ in range(256)), compressor.flush()])
    assert len(bomb) < LIMIT
    before = resident(server.pid)
    for _ in range(5):
        assert post(otlp_http, bomb, content_encoding="gzip").status_code == 413
    assert resident(server.pid) - before < 8 * LIMIT
    assert post(otlp_http, request(b"after the bomb..").SerializeToString()).status_code == 200


def test_a_wrong_path_is_told_the_right_one(otlp_http: httpx.Client) -> None:
    for path in ("/", "/v1/trace", "/v1/traces/", "/opentelemetry"):
        answer = otlp_http.post(path, content=b"")
        assert answer.status_code == 404
        assert "POST /v1/traces" in answer.text


def test_a_wrong_method_is_refused(otlp_http: httpx.Client) -> None:
    answer = otlp_http.get("/v1/traces")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_other_signals_are_refused_in_one_line(otlp_http: httpx.Client, signal: str) -> None:
    answer = otlp_http.post(f"/v1/{signal}", content=b"", headers={"content-type": PROTOBUF})
    assert answer.status_code == 404
    assert answer.text.strip().count("\n") == 0
    assert signal in answer.text


def test_a_client_that_leaves_midway_harms_nobody(server: RunningServer, otlp_http: httpx.Client) -> None:
    address = urlsplit(server.otlp_http_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 999\r\n\r\nhalf"
        )
    assert post(otlp_http, request(b"one that stayed.").SerializeToString()).status_code == 200


def test_without_an_allowed_origin_no_page_may_send(otlp_http: httpx.Client) -> None:
    origin = {"origin": "http://localhost:4200"}
    preflight = otlp_http.options("/v1/traces", headers={**origin, "access-control-request-method": "POST"})
    answer = post(otlp_http, request(b"from a web page.").SerializeToString(), **origin)
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_origin_may_send(tmp_path: Path) -> None:
    origin = {"origin": "http://localhost:4200"}
    with (
        serve(tmp_path / "data", "--otlp-http-cors-allowed-origin=http://localhost:4200") as running,
        httpx.Client(base_url=running.otlp_http_url) as client,
    ):
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        preflight = client.options("/v1/traces", headers={**origin, **asked})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == origin["origin"]
        assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
        answer = post(client, request(b"from a web page.").SerializeToString(), **origin)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin["origin"]
        stranger = post(client, request(b"from a web page.").SerializeToString(), origin="http://elsewhere.example")
        assert "access-control-allow-origin" not in stranger.headers


def test_origins_have_wildcards_and_the_preflight_says_which_headers_and_how_long(tmp_path: Path) -> None:
    options = ("allowed-origin=https://*.example.com", "allowed-origin=http://localhost:*", "allowed-header=x-shop", "max-age=60")
    with (
        serve(tmp_path / "data", *(f"--otlp-http-cors-{option}" for option in options)) as running,
        httpx.Client(base_url=running.otlp_http_url) as client,
    ):

        def preflight(origin: str, header: str = "content-type") -> httpx.Response:
            asked = {"access-control-request-method": "POST", "access-control-request-headers": header}
            return client.options("/v1/traces", headers={"origin": origin, **asked})

        for origin in ("https://shop.example.com", "http://localhost:8080"):
            assert preflight(origin).headers["access-control-allow-origin"] == origin
            assert preflight(origin).headers["access-control-max-age"] == "60"
            assert preflight(origin, "x-shop").status_code == 200
            assert preflight(origin, "x-other").status_code == 400
        for origin in (
            "https://example.com",
            "https://shop.example.com.evil.example",
            "http://shop.example.com",
            "https://shop,example,com",
        ):
            assert "access-control-allow-origin" not in preflight(origin).headers


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with serve(tmp_path / "data", "--otlp-receive-timeout=500ms") as running:
        host, port = running.otlp_http_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
            connection.sendall(head)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))  # the server ends the connection
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"has not come in within 0.5s" in answer
