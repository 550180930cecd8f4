"""The commands, on a running server and on a data directory alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import pytempo
from pytempo.cli.app import app
from pytempo.errors import BadConfig, BadInput, BadQuery, NotFound, Unavailable
from tests import building
from tests.servers import RunningServer, serve

SEED = "5"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[RunningServer]:
    """A server that ten made-up traces were sent to."""
    with serve(data) as running:
        run("generate", "--endpoint", running.otlp_grpc_address, "--seed", SEED)
        yield running


@pytest.fixture(params=["--url", "--data"])
def source(request: pytest.FixtureRequest, server: RunningServer, data: Path) -> list[str]:
    """The options that choose where answers come from."""
    return ["--url", server.http_url] if request.param == "--url" else ["--data", str(data)]


def run(*args: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def ask(*args: str) -> Any:
    """The document that a command prints."""
    return json.loads(run(*args, "--json"))


def command(*args: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "pytempo", *args], capture_output=True, text=True, timeout=60, check=False)


def test_a_search_finds_the_traces_newest_first(source: list[str]) -> None:
    found = ask("search", *source)["traces"]
    assert len(found) == 10
    starts = [int(trace["startTimeUnixNano"]) for trace in found]
    assert starts == sorted(starts, reverse=True)


def test_a_search_is_shown_as_a_table(source: list[str]) -> None:
    lines = run("search", "{ resource.service.name = `frontend` }", "--limit", "3", *source).splitlines()
    assert lines[0].split() == ["trace", "start", "duration", "matched", "service", "name"]
    assert len(lines) == 4


def test_a_search_may_be_bounded(source: list[str]) -> None:
    assert ask("search", "--since", "1h", *source)["traces"]
    assert not ask("search", "--start", "1", "--end", "2", *source)["traces"]
    assert len(ask("search", "--limit", "2", "--spss", "1", *source)["traces"][0]["spanSets"][0]["spans"]) == 1


def test_a_trace_is_shown_as_a_tree(source: list[str]) -> None:
    trace_id = ask("search", "--limit", "1", *source)["traces"][0]["traceID"]
    lines = run("trace", trace_id, *source).splitlines()
    assert lines[0].startswith("8 spans from 20")
    assert len(lines) == 9
    assert "frontend" in lines[1]


def test_a_trace_is_given_as_tempo_gives_it(source: list[str]) -> None:
    trace_id = ask("search", "--limit", "1", *source)["traces"][0]["traceID"]
    spans = [
        span
        for part in ask("trace", trace_id, *source)["trace"]["resourceSpans"]
        for scope in part["scopeSpans"]
        for span in scope["spans"]
    ]
    assert len(spans) == 8


def test_a_trace_that_is_not_there_is_an_error(source: list[str]) -> None:
    result = CliRunner().invoke(app, ["trace", "1234", *source])
    assert isinstance(result.exception, NotFound)
    assert "1234" in str(result.exception)


def test_tags_and_their_values_are_listed(source: list[str]) -> None:
    assert "resource   service.name" in run("tags", *source)
    assert "frontend" in run("tags", "resource.service.name", *source)
    filtered = ask("tags", "resource.service.name", "-q", '{ resource.service.name = "frontend" }', *source)
    assert filtered["tagValues"] == [{"type": "string", "value": "frontend"}]


def test_a_query_that_is_wrong_is_an_error_with_its_place(source: list[str]) -> None:
    result = CliRunner().invoke(app, ["search", "{ nope", *source])
    assert isinstance(result.exception, BadInput)
    assert "line 1, column" in str(result.exception)


def test_blocks_are_listed_and_shown(tmp_path: Path) -> None:
    with serve(tmp_path, "--flush-on-shutdown") as server:
        run("generate", "--protocol", "http", "--endpoint", server.otlp_http_url, "--traces", "3")
        assert ask("blocks", "list", "--url", server.http_url) == []
        assert server.stop() == 0
    (block,) = ask("blocks", "list", "--data", str(tmp_path))
    assert block["totalObjects"] == 3
    assert block["blockID"] in run("blocks", "list", "--data", str(tmp_path))
    assert ask("blocks", "show", block["blockID"][:8], "--data", str(tmp_path)) == block
    assert "vParquet4" in run("blocks", "show", block["blockID"], "--data", str(tmp_path))
    missing = CliRunner().invoke(app, ["blocks", "show", "ffffffff-0000", "--data", str(tmp_path)])
    assert isinstance(missing.exception, NotFound)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_generated_traces_arrive(server: RunningServer, protocol: str) -> None:
    endpoint = server.otlp_grpc_address if protocol == "grpc" else server.otlp_http_url
    args = ("--protocol", protocol, "--endpoint", endpoint)
    sent = ask("generate", *args, "--traces", "70", "--spans", "11")
    assert (sent["traces"], sent["spans"]) == (70, 770)
    for trace_id in (sent["traceIDs"][0], sent["traceIDs"][-1]):
        assert run("trace", trace_id, "--url", server.http_url).startswith("11 spans")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_generating_without_a_server_is_an_error_that_says_what_to_do(protocol: str) -> None:
    endpoint = "127.0.0.1:1" if protocol == "grpc" else "http://127.0.0.1:1"
    result = CliRunner().invoke(app, ["generate", "--protocol", protocol, "--endpoint", endpoint])
    assert isinstance(result.exception, Unavailable)
    assert "--endpoint" in str(result.exception)


def test_asking_without_a_server_is_an_error_that_says_what_to_do() -> None:
    result = CliRunner().invoke(app, ["search", "--url", "http://127.0.0.1:1"])
    assert isinstance(result.exception, Unavailable)
    assert "pytempo serve" in str(result.exception)


def test_a_data_directory_that_is_not_there_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["search", "--data", str(tmp_path / "nowhere")])
    assert isinstance(result.exception, BadConfig)
    assert not (tmp_path / "nowhere").exists()


def test_a_server_and_a_directory_exclude_each_other(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["search", "--data", str(tmp_path), "--url", "http://127.0.0.1:1"])
    assert isinstance(result.exception, BadConfig)


def test_errors_end_a_command_with_one_line_and_status_1(tmp_path: Path) -> None:
    ended = command("search", "--data", str(tmp_path / "nowhere"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("pytempo: data directory")
    assert ended.stderr.count("\n") == 1


def test_a_wrong_option_ends_a_command_with_status_2() -> None:
    ended = command("search", "--nope")
    assert ended.returncode == 2
    assert "--nope" in ended.stderr


def test_the_version_is_printed() -> None:
    ended = command("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("pytempo ")


def test_a_bad_query_has_its_own_class_on_a_data_directory(data: Path, server: RunningServer) -> None:
    assert isinstance(CliRunner().invoke(app, ["search", "{ nope", "--data", str(data)]).exception, BadQuery)


def test_a_plan_is_explained_without_any_data() -> None:
    assert ask("explain", "{ span.x = 1 && duration > 1s }")["conditions"] == ["span.x = 1", "span:duration > 1000000000"]
    assert run("explain", "{ span.x = 1 }").splitlines()[-1] == "conditions  span.x = 1   (every one must hold)"


def test_a_plan_over_a_data_directory_tells_what_is_read_of_each_source(server: RunningServer, data: Path) -> None:
    run("search", "--url", server.http_url)  # the server has taken all spans
    found = ask("explain", "{ }", "--data", str(data))
    assert sum(part["traces"] for source in found["sources"] for part in source["parts"]) >= 10
    assert "in all" in run("explain", "{ }", "--data", str(data))


def test_a_plan_of_what_is_no_query_is_refused() -> None:
    with pytest.raises(BadQuery, match="line 1"):
        run("explain", "{ .a = }")


def test_blocks_are_merged_on_demand(tmp_path: Path) -> None:
    with pytempo.open(tmp_path) as store:
        for name in ("one", "two"):
            store.export(building.request(building.span(name, trace=7)).SerializeToString())
            store.flush()
    (merged,) = ask("blocks", "compact", "--data", str(tmp_path))
    assert merged["totalObjects"] == 1
    assert [block["blockID"] for block in ask("blocks", "list", "--data", str(tmp_path))] == [merged["blockID"]]
    assert ask("blocks", "compact", "--data", str(tmp_path)) == []


def test_each_tenant_has_its_own_answers(tmp_path: Path) -> None:
    with serve(tmp_path, "--multitenancy") as server:
        run("generate", "--endpoint", server.otlp_grpc_address, "--tenant", "one", "--traces", "3")
        run("generate", "--protocol", "http", "--endpoint", server.otlp_http_url, "--tenant", "two", "--traces", "2")
        for where in (["--url", server.http_url], ["--data", str(tmp_path)]):
            found = {tenant: len(ask("search", *where, "--tenant", tenant)["traces"]) for tenant in ("one", "two", "one|two", "three")}
            assert found == {"one": 3, "two": 2, "one|two": 5, "three": 0}
