"""What the sockets do: sizes of requests, where they listen, what a wrong path is told."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from google.rpc.status_pb2 import Status

from pytempo import StoreOptions
from tests.building import request, span
from tests.sending import PROTOBUF, exporter, post, send
from tests.servers import RunningServer

MEBIBYTE = 1024 * 1024
LIMIT = StoreOptions().max_request_bytes
SETTING = "max_request_bytes"


def request_of(size: int, trace: int) -> bytes:
    """A request of exactly `size` bytes."""
    made = request(span(trace=trace, attributes={"filler": ""}))
    filler = made.resource_spans[0].scope_spans[0].spans[0].attributes[0].value
    filler.string_value = "x" * (size - made.ByteSize() - 64)
    filler.string_value += "x" * (size - made.ByteSize())
    assert made.ByteSize() == size
    return made.SerializeToString()


def test_a_large_request_is_taken_with_defaults_over_grpc(server: RunningServer) -> None:
    """S66: 5 MiB."""
    send(server.otlp_grpc_address, request_of(5 * MEBIBYTE, 0x661))
    assert httpx.get(f"{server.http_url}/api/traces/661").status_code == 200


def test_a_large_request_is_taken_with_defaults_over_http(server: RunningServer) -> None:
    """S66: 5 MiB."""
    answer = post(server.otlp_http_url, request_of(5 * MEBIBYTE, 0x662))
    assert answer.status_code == 200
    assert httpx.get(f"{server.http_url}/api/traces/662").status_code == 200


def test_a_request_above_the_limit_is_refused_for_good_over_grpc(server: RunningServer) -> None:
    """S66: RESOURCE_EXHAUSTED without RetryInfo, with both sizes and the name of the setting; the connection goes on."""
    with grpc.insecure_channel(server.otlp_grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call = exporter(channel)
        with pytest.raises(grpc.RpcError) as caught:
            call(request_of(LIMIT + 1, 0x663), timeout=60)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "grpc-status-details-bin" not in dict(caught.value.trailing_metadata())
        assert all(word in caught.value.details() for word in (str(LIMIT), str(LIMIT + 1), SETTING))
        call(request(span(trace=0x664)).SerializeToString(), timeout=60)
    assert [httpx.get(f"{server.http_url}/api/traces/{trace}").status_code for trace in ("663", "664")] == [404, 200]


def test_a_request_above_the_limit_is_refused_for_good_over_http(server: RunningServer) -> None:
    """S66: the same setting in the same words."""
    with httpx.Client(base_url=server.otlp_http_url, headers={"content-type": PROTOBUF}, timeout=60) as client:
        answer = client.post("/v1/traces", content=request_of(LIMIT + 1, 0x665))
        assert answer.status_code == 413  # none of those that are tried again
        assert "retry-after" not in answer.headers
        assert all(word in Status.FromString(answer.content).message for word in (str(LIMIT), str(LIMIT + 1), SETTING))
        assert client.post("/v1/traces", content=request(span(trace=0x666)).SerializeToString()).status_code == 200


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses and ports that a process listens on; an IPv4 address within IPv6 as what it is."""
    inodes = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    found = [fields[1].split(":") for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes]
    return {(_address(digits), int(port, 16)) for digits, port in found}


def _address(digits: str) -> str:
    """The kernel writes addresses as words of four bytes in the order of the machine."""
    raw = bytes.fromhex(digits)
    address = ip_address(b"".join(raw[word : word + 4][::-1] for word in range(0, len(raw), 4)))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def test_a_local_server_listens_on_loopback_alone_and_prints_where(server: RunningServer) -> None:
    """S70: four addresses, each printed as it is."""
    printed = {urlsplit(address if "//" in address else f"//{address}") for address in server.addresses.values()}
    assert {(address.hostname, address.port) for address in printed} == listening(server.pid)
    assert {address for address, _ in listening(server.pid)} == {"127.0.0.1"}
    assert set(server.addresses) == {"http", "grpc", "otlp-grpc", "otlp-http"}


@pytest.mark.parametrize("path", ["/", "/v1/trace", "/api/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"])
def test_a_wrong_path_is_told_the_right_one(server: RunningServer, path: str) -> None:
    """S70: 404 with the path that takes traces."""
    answer = httpx.post(server.otlp_http_url + path, content=b"")
    assert answer.status_code == 404
    assert "/v1/traces" in answer.text
