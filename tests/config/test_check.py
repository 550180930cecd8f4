"""A configuration file against the table of keys: what is read, and how each fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytempo.config.check import read_file, read_text
from pytempo.config.kinds import SECOND, Endpoint
from pytempo.config.tempo.receivers import GRPC, HTTP
from pytempo.errors import BadConfig


def faults(text: str) -> list[str]:
    """What is said of a file that cannot be used, a line each."""
    with pytest.raises(BadConfig) as caught:
        read_text(text, "tempo.yaml")
    return str(caught.value).splitlines()


def test_an_empty_file_and_empty_sections_are_all_defaults() -> None:
    for text in ("", "# nothing yet\n", "server:\nstorage:\n  trace:\n", "server: {http_listen_port: }"):
        settings = read_text(text, "tempo.yaml")
        assert settings["server.http_listen_port"] == 3200
        assert settings.given == {}


def test_values_are_read_by_the_kind_of_their_key() -> None:
    settings = read_text(
        """
server: {http_listen_port: 80, http_listen_address: 0.0.0.0}
ingester: {max_block_duration: 1h30m, max_block_bytes: "1000", flush_all_on_shutdown: yes}
distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "[::1]:4317"}, http: }}}}
""",
        "tempo.yaml",
    )
    assert settings["server.http_listen_port"] == 80
    assert settings["server.http_listen_address"] == "0.0.0.0"
    assert settings["ingester.max_block_duration"] == 5400 * SECOND
    assert settings["ingester.max_block_bytes"] == 1000
    assert settings["ingester.flush_all_on_shutdown"] is True
    assert settings[f"{GRPC}.endpoint"] == Endpoint("::1", 4317)
    assert HTTP in settings


def test_an_unknown_key_is_told_with_its_place_and_the_nearest_one() -> None:
    assert faults("ingester:\n  max_block_byte: 1\n") == [
        "tempo.yaml:2:3: unknown key ingester.max_block_byte; the nearest known key is ingester.max_block_bytes"
    ]


def test_a_right_key_at_the_wrong_level_is_told_where_it_belongs() -> None:
    assert faults("block_retention: 1h\n") == [
        "tempo.yaml:1:1: unknown key block_retention; the nearest known key is compactor.compaction.block_retention"
    ]


def test_a_key_that_is_there_twice_is_told_with_both_places() -> None:
    assert faults("server:\n  http_listen_port: 1\n  http_listen_port: 2\n") == [
        "tempo.yaml:3:3: key 'http_listen_port' is there twice, before at tempo.yaml:2:3; keep one"
    ]


def test_all_faults_are_told_at_once() -> None:
    said = faults("sever: {}\nserver: {http_listen_port: 70000}\nstorage: {trace: {backend: s3}}\n")
    assert [line.split(":")[1] for line in said] == ["1", "2", "3"]
    assert "whole number from 0 to 65535" in said[1]
    assert "local" in said[2]
    assert "give it a volume" in said[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b\n", "a mapping of sections"),
        ("server: 3200\n", "tempo.yaml:1:1: server is a section"),
        ("server: [\n", "tempo.yaml:2:1: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("server:\n\thttp_listen_port: 1\n", "tempo.yaml:2:1: not valid YAML"),
        ("ingester: {max_block_duration: 5}\n", "units: ns, us, ms, s, m, h, d, w and y"),
        ("ingester: {max_block_duration: -1h}\n", "is negative"),
        ("ingester: {max_block_duration: [1h]}\n", "a list where one value is wanted"),
        ("ingester: {flush_check_period: 0s}\n", "'0s' is too short"),
        ("ingester: {max_block_bytes: 0}\n", "at least 1"),
        ("ingester: {flush_all_on_shutdown: maybe}\n", "neither true nor false"),
        ("server: {log_level: loud}\n", "debug or info or warn or error"),
        ("distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: localhost}}}}}\n", "such as 0.0.0.0:4317"),
        ("distributor: {receivers: {jaeger: {protocols: {thrift_http: }}}}\n", "OpenTelemetry Collector"),
        ("distributor: {receivers: {zipkin: }}\n", "OpenTelemetry Collector"),
        ("distributor: {forwarders: [{name: a}]}\n", "refused"),
        ("target: querier\n", "pytempo is all parts"),
        (
            "ingester: {max_block_bytes: 1}\nlive_store: {max_block_bytes: 2}\n",
            "tempo.yaml:2:14: live_store.max_block_bytes is another name",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_the_reason(text: str, said: str) -> None:
    assert said in "\n".join(faults(text))


def test_a_text_that_grows_by_aliases_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert "look for aliases" in faults(bomb)[0]
    assert "look for aliases" in faults("server: &a\n  <<: *a\n")[0] or "not valid YAML" in faults("server: &a\n  <<: *a\n")[0]


def test_merged_keys_count_and_own_ones_go_before_them() -> None:
    settings = read_text(
        "ingester: &base {max_block_bytes: 7, max_block_duration: 1m}\nlive_store: {<<: *base, max_block_duration: 1m}\n", "tempo.yaml"
    )
    assert settings["ingester.max_block_bytes"] == 7


def test_keys_without_effect_are_noted_and_missing_ones_are_warnings() -> None:
    settings = read_text(
        "server: {http_server_read_timeout: 30s}\nquery_frontend: {mcp_server: {enabled: true}}\nmetrics_generator: {processor: {}}\n",
        "tempo.yaml",
    )
    assert [line.split(" has no effect")[0] for line in settings.notes()] == ["tempo.yaml:1:10: server.http_server_read_timeout"]
    assert [line.split(" is not supported")[0] for line in settings.warnings()] == [
        "tempo.yaml:3:1: metrics_generator",
        "tempo.yaml:2:31: query_frontend.mcp_server.enabled",
    ]


def test_a_missing_key_at_its_default_is_no_warning() -> None:
    assert read_text("query_frontend: {mcp_server: {enabled: false}}", "tempo.yaml").warnings() == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"target: caf\xe9")
    for path, said in (
        (tmp_path / "none.yaml", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "latin.yaml", "not UTF-8 at byte 11"),
    ):
        with pytest.raises(BadConfig, match=str(path)) as caught:
            read_file(path)
        assert said in str(caught.value)


def test_variables_are_replaced_only_where_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "81")
    path = tmp_path / "tempo.yaml"
    path.write_text("server: {http_listen_port: ${PORT}}")
    assert read_file(path, expand_env=True)["server.http_listen_port"] == 81
    with pytest.raises(BadConfig):
        read_file(path)
