"""Flags as Go programs take them."""

from __future__ import annotations

import pytest

from pytempo.config.flags import BadFlag, read_flags
from pytempo.config.kinds import SECOND
from pytempo.errors import BadConfig

OPERATOR = ("-config.file=/conf/tempo.yaml", "-mem-ballast-size-mbs=1024", "-log.level=info", "-config.expand-env=true")


def test_the_operators_arguments_are_taken() -> None:
    line = read_flags(OPERATOR)
    assert line["config.file"] == "/conf/tempo.yaml"
    assert line["config.expand-env"] is True
    assert line.settings["server.log_level"] == "info"


@pytest.mark.parametrize(
    "arguments",
    [
        ("-server.http-listen-port=81",),
        ("-server.http-listen-port", "81"),
        ("--server.http-listen-port=81",),
        ("--server.http_listen_port", "81"),
    ],
)
def test_every_way_to_write_a_flag_is_one(arguments: tuple[str, ...]) -> None:
    settings = read_flags(arguments).settings
    assert settings["server.http_listen_port"] == 81
    assert str(settings.place("server.http_listen_port")) == arguments[0].partition("=")[0]


@pytest.mark.parametrize(("word", "value"), [("-config.verify", True), ("-config.verify=true", True), ("--config.verify=false", False)])
def test_what_is_true_or_false_needs_no_value(word: str, value: bool) -> None:
    assert read_flags((word,))["config.verify"] is value


def test_the_last_of_a_flag_that_comes_twice_holds() -> None:
    assert read_flags(("-log.level=warn", "-log.level=debug")).settings["server.log_level"] == "debug"


@pytest.mark.parametrize(
    ("flag", "path", "value"),
    [
        ("-target=all", "target", "all"),
        ("-http-api-prefix=/x", "http_api_prefix", "/x"),
        ("-shutdown-delay=2s", "shutdown_delay", 2.0),
        ("-server.grpc-listen-port=1", "server.grpc_listen_port", 1),
        ("-storage.trace.backend=local", "storage.trace.backend", "local"),
        ("-storage.trace.wal.path=/x/wal", "storage.trace.wal.path", "/x/wal"),
        ("-storage.trace.local.path=/x/blocks", "storage.trace.local.path", "/x/blocks"),
        ("-ingester.trace-idle-period=3s", "ingester.trace_idle_period", 3 * SECOND),
        ("-ingester.max-block-bytes=7", "ingester.max_block_bytes", 7),
        ("-compactor.compaction.block-retention=1h", "compactor.compaction.block_retention", 3600 * SECOND),
    ],
)
def test_flags_set_keys(flag: str, path: str, value: object) -> None:
    assert read_flags((flag,)).settings[path] == value


@pytest.mark.parametrize(
    "flag",
    [
        "-mutex-profile-fraction=1",
        "-block-profile-threshold=1",
        "-enable-go-runtime-metrics",
        "-storage.trace.blocklist_poll=5m",
        "-storage.trace.pool.max-workers=4",
        "-storage.trace.pool.queue-depth=4",
        "--storage.trace.s3.secret_key=hush",
        "-ingester.complete-block-timeout=15m",
        "-query-frontend.mcp-server.enabled",
        "-reporting.enabled=false",
        "-memberlist.bind-port=7946",
        "-memberlist.host-port=a",
    ],
)
def test_flags_without_effect_are_accepted(flag: str) -> None:
    read_flags((flag,))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-config.flie=x",), "no flag -config.flie; the nearest one is -config.file"),
        (("-config.verify", "true"), "-config.verify=true"),
        (("tempo.yaml",), "'tempo.yaml' is no flag"),
        (("-config.file",), "needs a value"),
        (("-config.verify=maybe",), "neither true nor false"),
        (("-",), "no flag"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadFlag, match=said):
        read_flags(arguments)


def test_a_wrong_value_of_a_key_is_told_by_its_flag() -> None:
    with pytest.raises(BadConfig, match=r"-server\.http-listen-port: server.http_listen_port: 'many' is not a whole number"):
        read_flags(("-server.http-listen-port=many",))


def test_flags_go_before_the_file() -> None:
    flags, file = read_flags(("-log.level=warn",)).settings, read_flags(("-log.level=debug", "-server.http-listen-port=1")).settings
    both = flags.over(file)
    assert (both["server.log_level"], both["server.http_listen_port"]) == ("warn", 1)
