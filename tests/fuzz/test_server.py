"""A running server that is sent what is nearly right: it never answers 500, never ends, and keeps what was sound.

`PYTEMPO_FUZZ=5000` tries so many inputs in each test.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.building import request, span
from tests.fuzz.mutations import INPUTS, mutated
from tests.fuzz.test_readers import DOCUMENTS, PROTOBUF
from tests.servers import RunningServer, serve

BODIES = [*PROTOBUF, *DOCUMENTS, *map(gzip.compress, PROTOBUF), *map(zlib.compress, PROTOBUF), *map(zstandard.compress, PROTOBUF)]

PATHS = ["search", "traces/", "v2/traces/", "search/tags", "v2/search/tags", "v2/search/tag/", "search/tag/", "metrics/query", "echo", ""]
PATHS += ["metrics/query_range", "status/buildinfo"]
NAMES = ["q", "query", "start", "end", "limit", "spss", "step", "tags", "minDuration", "maxDuration", "scope", "since", "exemplars", "mode"]
QUERIES = ["{}", "{ span.a = 1 }", "{ duration > 1s } | rate() by (name)", "{ .a =~ `x.*` } >> {}", "{} | quantile_over_time(duration, .9)"]
NUMBERS = ["0", "-1", "1760000000", "1e9", "1760000000000000000000", "NaN", "5s", "2025-10-09T08:53:20Z", "all", ""]
broken = mutated([text.encode() for text in QUERIES]).map(lambda data: data.decode(errors="replace"))
odd = st.one_of(st.sampled_from([*QUERIES, *NUMBERS]), st.text(max_size=20), broken)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data: Path = tmp_path_factory.mktemp("data")
    with serve(data, "--log-level=error") as running:
        yield running


@pytest.fixture(scope="module")
def otlp(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.otlp_http_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.http_url, timeout=60) as client:
        client.get("/api/search", params={"q": "{}"}).raise_for_status()
        yield client


fuzzing = settings(max_examples=INPUTS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@fuzzing
@given(
    mutated(BODIES),
    st.sampled_from(["application/x-protobuf", "application/json", "application/json; charset=utf-16", "text/plain", ""]),
    st.sampled_from(["", "gzip", "deflate", "zstd", "gzip, zstd", "br"]),
)
def test_no_body_makes_a_receiver_fail(otlp: httpx.Client, body: bytes, content_type: str, encoding: str) -> None:
    headers = {"content-type": content_type, "content-encoding": encoding}
    answer = otlp.post("/v1/traces", content=body, headers={name: value for name, value in headers.items() if value})
    assert answer.status_code in (200, 400, 413, 415), answer.text


@fuzzing
@given(st.sampled_from(PATHS), st.text(max_size=12), st.dictionaries(st.sampled_from(NAMES), odd, max_size=5))
def test_no_parameter_makes_the_api_fail(http: httpx.Client, path: str, rest: str, given: dict[str, str]) -> None:
    answer = http.get(f"/api/{path}{quote(rest) if path.endswith('/') else ''}", params=given)
    assert answer.status_code < 500, f"{answer.request.url}: {answer.text}"


def test_afterwards_the_server_is_as_it_was(server: RunningServer, otlp: httpx.Client, http: httpx.Client) -> None:
    body = request(span("sound", trace=0xFACE)).SerializeToString()
    assert otlp.post("/v1/traces", content=body, headers={"content-type": "application/x-protobuf"}).status_code == 200
    assert http.post("/flush").is_success
    assert http.get("/api/traces/face").status_code == 200
    assert server.is_running
