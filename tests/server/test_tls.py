"""TLS and mTLS on all four ports, with the clients that people use; certificates that change while a server runs."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
import trustme

from pytempo.errors import BadConfig
from pytempo.server.tls import HTTP_1, HTTP_2, ReloadingContext, TlsOptions, one_for_all
from tests.server.conftest import EXPORT, request
from tests.servers import RunningServer, serve

HEALTH = "/grpc.health.v1.Health/Check"
LOGGER = logging.getLogger("tests.tls")


@dataclass(frozen=True)
class Files:
    """An authority, a server's certificate and a client's, as files."""

    authority: trustme.CA
    ca: Path
    cert: Path
    key: Path
    client_cert: Path
    client_key: Path

    def renew(self, name: str = "localhost") -> None:
        """A new certificate for the server, in the place of the old."""
        self._write(self.authority.issue_cert(name, "127.0.0.1"), self.cert, self.key)

    def write_client(self) -> None:
        self._write(self.authority.issue_cert("client"), self.client_cert, self.client_key)

    @staticmethod
    def _write(issued: trustme.LeafCert, cert: Path, key: Path) -> None:
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())


def make_files(folder: Path) -> Files:
    authority = trustme.CA()
    files = Files(authority, *(folder / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")))
    authority.cert_pem.write_to_path(str(files.ca))
    files.renew()
    files.write_client()
    return files


def flags(files: Files, *more: str) -> tuple[str, ...]:
    return (f"--tls-cert-file={files.cert}", f"--tls-key-file={files.key}", *more)


def client_context(files: Files, *, certificate: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files.ca))
    if certificate:
        context.load_cert_chain(files.client_cert, files.client_key)
    return context


def credentials(files: Files, *, certificate: bool = False) -> grpc.ChannelCredentials:
    ca = files.ca.read_bytes()
    if not certificate:
        return grpc.ssl_channel_credentials(ca)
    return grpc.ssl_channel_credentials(ca, files.client_key.read_bytes(), files.client_cert.read_bytes())


def call(address: str, method: str, message: bytes, given: grpc.ChannelCredentials) -> bytes:
    """One call over a connection of its own; raises grpc.RpcError."""
    with grpc.secure_channel(address, given) as channel:
        unary = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        answer: bytes = unary(message, timeout=30)
        return answer


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve(tmp_path_factory.mktemp("data"), *flags(files)) as running:
        yield running


@pytest.fixture(scope="module")
def mutual(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Clients need a certificate, and TLS 1.3."""
    more = (f"--tls-client-ca-file={files.ca}", "--tls-min-version=1.3")
    with serve(tmp_path_factory.mktemp("data"), *flags(files, *more)) as running:
        yield running


def test_spans_go_in_over_both_receivers_and_are_found(server: RunningServer, files: Files) -> None:
    assert server.http_url.startswith("https://")
    call(server.otlp_grpc_address, EXPORT, request(b"over grpc with T").SerializeToString(), credentials(files))
    with httpx.Client(verify=client_context(files), timeout=30) as client:
        body = request(b"over http with T").SerializeToString()
        sent = client.post(f"{server.otlp_http_url}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
        assert sent.status_code == 200
        found = client.get(f"{server.http_url}/api/search", params={"q": "{}"}).json()["traces"]
    assert {trace["traceID"] for trace in found} == {b"over grpc with T".hex(), b"over http with T".hex()}


def test_the_grpc_api_is_on_its_own_port_and_on_that_of_http(server: RunningServer, files: Files) -> None:
    for address in (server.addresses["grpc"], urlsplit(server.http_url).netloc):
        assert call(address, HEALTH, b"", credentials(files)) == b"\x08\x01"


def test_a_client_that_speaks_both_versions_of_http_is_served_with_the_first(server: RunningServer, files: Files) -> None:
    context = client_context(files)
    context.set_alpn_protocols([HTTP_2, HTTP_1])
    with wrapped(server.http_url, context) as connection:
        assert connection.selected_alpn_protocol() == HTTP_1


def test_a_client_that_does_not_know_the_authority_goes_away(server: RunningServer, tmp_path: Path) -> None:
    stranger = make_files(tmp_path)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{server.http_url}/ready", verify=client_context(stranger))
    with pytest.raises(grpc.RpcError) as refused:
        call(server.otlp_grpc_address, EXPORT, b"", credentials(stranger))
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_plain_clients_of_a_tls_port_get_nothing(server: RunningServer) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(server.http_url.replace("https", "http") + "/ready", timeout=30)
    assert httpx.get(f"{server.http_url}/ready", verify=False, timeout=30).text == "ready\n"


def test_with_a_client_ca_only_clients_with_its_certificates_get_in(mutual: RunningServer, files: Files) -> None:
    for url in (f"{mutual.http_url}/ready", f"{mutual.otlp_http_url}/v1/traces"):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=client_context(files), timeout=30)
        assert httpx.get(url, verify=client_context(files, certificate=True), timeout=30).status_code in (200, 405)
    for address, method in ((mutual.otlp_grpc_address, EXPORT), (mutual.addresses["grpc"], HEALTH)):
        with pytest.raises(grpc.RpcError) as refused:
            call(address, method, b"", credentials(files))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        call(address, method, b"", credentials(files, certificate=True))


@pytest.mark.parametrize("name", ["http", "grpc", "otlp-grpc", "otlp-http"])
def test_the_least_version_holds_on_every_port(mutual: RunningServer, files: Files, name: str) -> None:
    context = client_context(files, certificate=True)
    assert tls_version(mutual.addresses[name], context) == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        tls_version(mutual.addresses[name], context)


def tls_version(address: str, context: ssl.SSLContext) -> str | None:
    with wrapped(address, context) as connection:
        return connection.version()


@contextmanager
def wrapped(address: str, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """A connection whose handshake is done."""
    host, _, port = address.rpartition("//")[2].partition(":")
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def seen_certificate(address: str, files: Files) -> bytes | None:
    with wrapped(address, client_context(files)) as connection:
        return connection.getpeercert(binary_form=True)


def test_new_connections_see_a_new_certificate_and_old_ones_go_on(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    with serve(tmp_path / "data", *flags(files)) as server, httpx.Client(verify=client_context(files), timeout=30) as client:
        assert client.get(f"{server.http_url}/ready").status_code == 200
        before = {name: seen_certificate(address, files) for name, address in server.addresses.items()}
        files.renew()
        after = {name: seen_certificate(address, files) for name, address in server.addresses.items()}
        assert len({*before.values(), *after.values()}) == 2
        assert not {*before.values()} & {*after.values()}
        assert client.get(f"{server.http_url}/ready").status_code == 200  # the connection from before


def test_a_certificate_whose_key_is_not_there_yet_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = make_files(tmp_path)
    context = ReloadingContext(TlsOptions(cert_file=files.cert, key_file=files.key), (HTTP_1,), LOGGER)
    old_key = files.key.read_bytes()
    files.renew()
    new_key = files.key.read_bytes()
    files.key.write_bytes(old_key)
    with caplog.at_level(logging.INFO, LOGGER.name):
        handshake(context, files)
        assert "no pair" in caplog.text
        caplog.clear()
        files.key.write_bytes(new_key)
        handshake(context, files)
        assert "read again" in caplog.text


def test_a_removed_authority_lets_nobody_in_any_more(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    options = TlsOptions(cert_file=files.cert, key_file=files.key, client_ca_file=files.ca)
    context = ReloadingContext(options, (HTTP_1,), LOGGER)
    handshake(context, files, certificate=True)
    trusted = client_context(files, certificate=True)
    trustme.CA().cert_pem.write_to_path(str(files.ca))
    with pytest.raises(ssl.SSLError):
        handshake(context, files, trusted=trusted)


def handshake(context: ssl.SSLContext, files: Files, *, certificate: bool = False, trusted: ssl.SSLContext | None = None) -> None:
    """Server and client in this thread, over memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    chosen = trusted or client_context(files, certificate=certificate)
    client = chosen.wrap_bio(to_client, to_server, server_hostname="localhost")
    waiting = [client, server]
    for _ in range(20):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    assert not waiting


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cert_file": Path("/absent.pem")}, r"cert_file /absent\.pem cannot be read by uid \d+: No such file"),
        ({"client_ca_file": Path("/absent.pem")}, "client_ca_file"),
        ({"client_auth_type": "Maybe"}, "'Maybe' is none of NoClientCert, "),
        ({"client_auth_type": "RequireClientCert"}, "RequireAndVerifyClientCert"),
        ({"client_auth_type": "RequireAndVerifyClientCert"}, "needs a client_ca_file"),
        ({"min_version": "1.1"}, r"'1\.1' is none of 1\.2, 1\.3"),
        ({"cipher_suites": ("TLS_RSA_WITH_RC4_128_SHA",)}, "none of the cipher_suites TLS_RSA_WITH_RC4_128_SHA"),
    ],
)
def test_options_that_cannot_be_used_are_named(files: Files, given: dict[str, object], said: str) -> None:
    options = TlsOptions(**{"cert_file": files.cert, "key_file": files.key, **given})  # type: ignore[arg-type]
    with pytest.raises(BadConfig, match=said):
        ReloadingContext(options, (HTTP_1,), LOGGER)


def test_files_that_hold_something_else_are_named(files: Files, tmp_path: Path) -> None:
    shutil.copy(files.client_key, tmp_path / "other.key")
    (tmp_path / "empty.pem").touch()
    for options in (
        TlsOptions(cert_file=files.cert, key_file=tmp_path / "other.key"),
        TlsOptions(cert_file=files.cert, key_file=files.key, client_ca_file=tmp_path / "empty.pem"),
    ):
        with pytest.raises(BadConfig, match=r"other\.key|empty\.pem"):
            ReloadingContext(options, (HTTP_1,), LOGGER)


def test_chosen_suites_are_the_only_ones_of_tls_1_2(files: Files) -> None:
    options = TlsOptions(
        cert_file=files.cert, key_file=files.key, cipher_suites=("TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    )
    context = ReloadingContext(options, (HTTP_1,), LOGGER)
    client = client_context(files)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    handshake(context, files, trusted=client)
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        handshake(context, files, trusted=client)


def test_half_of_the_flags_is_refused() -> None:
    assert one_for_all(None, None, None, "1.2") is None
    for half in ((Path("a"), None, None), (None, Path("b"), None), (None, None, Path("c"))):
        with pytest.raises(BadConfig, match="--tls-cert-file and --tls-key-file"):
            one_for_all(*half, "1.2")
