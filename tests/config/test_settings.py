"""From settings to the options of a server: every key that is said to be used is, and defaults are those of the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pytempo.config.apply import data_directory, field_at
from pytempo.config.check import read_text
from pytempo.config.effective import effective_yaml
from pytempo.config.keys import Fate, Key
from pytempo.config.kinds import BOOLEAN, ENDPOINT, TEXTS
from pytempo.config.tempo import KEYS
from pytempo.errors import BadConfig
from pytempo.server import ServeOptions
from pytempo.server.configured import serve_options
from pytempo.server.tls import TlsOptions

USED = [key for key in KEYS if key.fate is Fate.USED]

OTHER_DEFAULTS = {
    "server.http_listen_address": "a server of Tempo's listens everywhere, pytempo serve on loopback",
    "server.grpc_listen_address": "as above",
    "internal_server.http_listen_address": "as above",
    "compactor.compaction.block_retention": "pytempo serve says 336h, too; a store in a program keeps all",
}
"""Keys whose default is not that of the options, and why."""

NOWHERE_ELSE = {
    "target": "one value only",
    "server.http_listen_network": "one kind of listener",
    "server.grpc_listen_network": "one kind of listener",
    "distributor.receivers.otlp.protocols.grpc.transport": "one kind of listener",
    "distributor.receivers.otlp.protocols.http.traces_url_path": "one value only",
    "storage.trace.backend": "one value only",
    "storage.trace.wal.path": "with the blocks it makes the data directory, of which a test follows",
    "storage.trace.local.path": "as above",
    **dict.fromkeys((key.path for key in USED if ".tls" in key.path or "_tls_" in key.path), "TLS has tests of its own"),
    "server.log_level": "the log is set up before the options are made",
    "server.log_format": "as above",
}
"""Keys that are used and set no option, and why."""


def options(text: str) -> ServeOptions:
    return serve_options(read_text(text, "tempo.yaml"))


def another(key: Key) -> str:
    """A value of a key that is not its default, as a file has it."""
    if key.kind is ENDPOINT:
        return "192.0.2.1:99"
    if key.kind is BOOLEAN:
        return "false" if key.default else "true"
    if key.kind is TEXTS:
        return "[http://a]"
    for text in ("0.5", "17m", "17", "/x"):
        try:
            if key.kind.read(text) != key.default:
                return text
        except ValueError:
            continue
    raise AssertionError(f"no other value is known for {key.path}")


def in_a_file(path: str, value: str) -> str:
    """A file that sets one key; whoever it is, OTLP is received both ways."""
    tree: dict[str, Any] = {"distributor": {"receivers": {"otlp": {"protocols": {"grpc": None, "http": None}}}}}
    if path.startswith("internal_server."):
        tree["internal_server"] = {"enable": True}
    *sections, name = path.split(".")
    place = tree
    for section in sections:
        place[section] = {**(place.get(section) or {})}
        place = place[section]
    place[name] = yaml.safe_load(value)
    return yaml.safe_dump(tree)


@pytest.mark.parametrize("key", [key for key in USED if key.path not in NOWHERE_ELSE], ids=lambda key: key.path)
def test_a_key_that_is_used_changes_the_options(key: Key) -> None:
    empty, changed = options(in_a_file(key.path, "null")), options(in_a_file(key.path, another(key)))
    assert _without_settings(empty) != _without_settings(changed)


def _without_settings(options: ServeOptions) -> str:
    return repr(options).split(", settings=")[0]


@pytest.mark.parametrize("key", [key for key in USED if key.option and not key.same_as], ids=lambda key: key.path)
def test_the_default_of_a_key_is_that_of_the_option(key: Key) -> None:
    default = field_at(ServeOptions(data=Path()), key.option)
    if key.path in OTHER_DEFAULTS:
        assert default != key.default
    else:
        assert default == key.default


def test_a_protocol_that_is_not_listed_is_not_opened() -> None:
    receivers = "distributor: {{receivers: {{otlp: {{protocols: {{{}}}}}}}}}".format
    assert [
        (o.otlp_grpc_port, o.otlp_http_port) for o in map(options, (receivers("grpc: "), receivers("http: "), receivers("grpc: , http: ")))
    ] == [
        (4317, None),
        (None, 4318),
        (4317, 4318),
    ]


@pytest.mark.parametrize("text", ["", "distributor: {receivers: {}}", "distributor: {receivers: {otlp: {protocols: {}}}}"])
def test_without_a_receiver_there_is_otlp_over_grpc_on_localhost(text: str) -> None:
    found = options(text)
    assert (found.otlp_grpc_host, found.otlp_grpc_port, found.otlp_http_port) == ("localhost", 4317, None)


def test_the_larger_limit_on_requests_holds_for_both_protocols() -> None:
    both = "distributor: {receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: 4}, http: {max_request_body_size: 5}}}}}"
    assert options(both).store.max_request_bytes == 4 * 1024 * 1024
    assert options("").store.max_request_bytes == ServeOptions(data=Path()).store.max_request_bytes


def test_the_data_directory_is_that_of_log_and_blocks() -> None:
    paths = "storage: {{trace: {{wal: {{path: {}}}, local: {{path: {}}}}}}}".format
    assert data_directory(read_text(paths("/var/tempo/wal", "/var/tempo/blocks"), "tempo.yaml")) == Path("/var/tempo")
    assert data_directory(read_text(paths("/var/tempo/wal", "/var/tempo/traces"), "tempo.yaml")) == Path("/var/tempo")
    assert data_directory(read_text("", "tempo.yaml")) == Path("/var/tempo")
    with pytest.raises(BadConfig, match=r"tempo\.yaml:1:\d+: storage.trace.local.path /b/blocks .* two folders of one directory"):
        data_directory(read_text(paths("/a/wal", "/b/blocks"), "tempo.yaml"))


def test_a_configuration_that_was_printed_is_read_as_the_same() -> None:
    given = "server: {http_listen_port: 7}\ndistributor: {receivers: {otlp: {protocols: {http: }}}}\n"
    first = options(given + "ingester: {max_block_duration: 90m}\ncompactor: {compaction: {block_retention: 3d}}\n")
    assert _without_settings(options(effective_yaml(first, first.settings))) == _without_settings(first)


def test_a_difference_is_what_is_not_the_default() -> None:
    found = options("server: {http_listen_port: 7, log_level: info, http_server_read_timeout: 30s}\n")
    printed = effective_yaml(found, found.settings, "diff")
    assert yaml.safe_load(printed) == {"server": {"http_listen_port": 7}}
    assert "#   tempo.yaml:1:48: server.http_server_read_timeout has no effect" in printed


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(BadConfig, match="neither defaults nor diff"):
        effective_yaml(ServeOptions(data=Path()), read_text("", "x"), "all")


TLS = "{cert_file: /c, key_file: /k, client_ca_file: /ca, %s}"


def test_tls_of_the_server_asks_for_certificates_only_where_its_type_says_so() -> None:
    found = options(f"server: {{tls_min_version: VersionTLS13, tls_cipher_suites: 'A,B', http_tls_config: {TLS % ''}}}")
    assert found.http_tls == TlsOptions(
        cert_file=Path("/c"),
        key_file=Path("/k"),
        client_ca_file=Path("/ca"),
        client_auth_type="NoClientCert",
        min_version="VersionTLS13",
        cipher_suites=("A", "B"),
    )
    assert found.grpc_tls is None
    asked = options(f"server: {{http_tls_config: {TLS % 'client_auth_type: RequireAndVerifyClientCert'}}}").http_tls
    assert asked is not None
    assert asked.client_auth_type == "RequireAndVerifyClientCert"


def test_tls_of_a_receiver_asks_for_certificates_where_it_has_a_ca() -> None:
    tls = TLS % 'min_version: "1.3", cipher_suites: [A]'
    found = options(f"distributor: {{receivers: {{otlp: {{protocols: {{grpc: {{tls: {tls}}}, http: }}}}}}}}")
    assert found.otlp_grpc_tls == TlsOptions(
        cert_file=Path("/c"), key_file=Path("/k"), client_ca_file=Path("/ca"), min_version="1.3", cipher_suites=("A",)
    )
    assert (found.otlp_http_tls, found.otlp_grpc_host, found.otlp_grpc_port) == (None, "localhost", 4317)


@pytest.mark.parametrize(
    "tls", ["{cert_file: /c}", "{key_file: /k}", "{client_ca_file: /ca}", "{client_auth_type: RequireAndVerifyClientCert}"]
)
def test_half_of_tls_is_refused(tls: str) -> None:
    with pytest.raises(BadConfig, match=r"tempo\.yaml:1:10: server\.http_tls_config .*cert_file and key_file"):
        options(f"server: {{http_tls_config: {tls}}}")


def test_tls_that_was_printed_is_read_as_the_same() -> None:
    first = options(f"server: {{tls_min_version: VersionTLS13, http_tls_config: {TLS % 'client_auth_type: NoClientCert'}}}")
    again = options(effective_yaml(first, first.settings))
    assert again.http_tls == first.http_tls


def test_both_forms_of_overrides_set_the_limits_of_all() -> None:
    scoped = options("overrides: {defaults: {ingestion: {rate_limit_bytes: 7, max_traces_per_user: 3}, compaction: {block_retention: 2w}}}")
    flat = options("overrides: {ingestion_rate_limit_bytes: 7, max_traces_per_user: 3, block_retention: 2w}")
    assert scoped.store.limits == flat.store.limits
    assert (flat.store.limits.rate_limit_bytes, flat.store.limits.max_traces) == (7, 3)


def test_of_two_limits_on_live_traces_the_lower_counts() -> None:
    both = "overrides: {defaults: {ingestion: {max_traces_per_user: 3, max_global_traces_per_user: 2}}}"
    assert options(both).store.limits.max_traces == 2
