"""TLS for every port: Tempo's keys, what they mean to OpenSSL, and certificates that are read again when their files change."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytempo.errors import BadConfig

HTTP_1, HTTP_2 = "http/1.1", "h2"
"""What a connection is to speak, in ALPN (RFC 7301). gRPC clients insist on the second."""

CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # asked for and not looked at: nothing here depends on it
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
"""`client_auth_type`. Go's RequireClientCert, any certificate whoever signed it, protects nothing and is refused."""

VERSIONS = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}
"""`min_version`, as the OpenTelemetry Collector and as Tempo's `server` section spell it. Older ones are not served (RFC 8996)."""

SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Suites of TLS 1.2 by the names of IANA, which Go uses, and by those of OpenSSL: the ones that are not broken (RFC 9325)."""

ALWAYS = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Suites of TLS 1.3, which are not chosen, as in Go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """TLS on one port. The names are those of Tempo's `http_tls_config`, `grpc_tls_config` and of a receiver's `tls`."""

    cert_file: Path
    """The certificate and its chain, PEM."""

    key_file: Path

    client_ca_file: Path | None = None
    """Who signs the certificates of clients, PEM."""

    client_auth_type: str = ""
    """A key of CLIENT_AUTH. Without one, clients need a certificate where `client_ca_file` is given, as with a receiver; what Tempo's
    `server` section means without one is NoClientCert."""

    min_version: str = "1.2"
    """A key of VERSIONS."""

    cipher_suites: tuple[str, ...] = ()
    """Suites of TLS 1.2 by their IANA names; empty is every good one. Names that are not known here are passed over."""

    @property
    def verify_mode(self) -> ssl.VerifyMode:
        """Whether clients need a certificate. Raises BadConfig for a `client_auth_type` that is not known or lacks its CA."""
        chosen = self.client_auth_type or ("RequireAndVerifyClientCert" if self.client_ca_file else "NoClientCert")
        if chosen not in CLIENT_AUTH:
            raise BadConfig(f"client_auth_type {chosen!r} is none of {', '.join(CLIENT_AUTH)}")
        if CLIENT_AUTH[chosen] is not ssl.CERT_NONE and self.client_ca_file is None:
            raise BadConfig(f"client_auth_type {chosen} needs a client_ca_file, by which clients' certificates are verified")
        return CLIENT_AUTH[chosen]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read."""
        return self.cert_file, self.key_file, *filter(None, [self.client_ca_file])


def one_for_all(cert_file: Path | None, key_file: Path | None, client_ca_file: Path | None, min_version: str) -> TlsOptions | None:
    """The TLS of all ports by the flags of the command line, None where there is to be none. Raises BadConfig for half of it."""
    if cert_file is not None and key_file is not None:
        return TlsOptions(cert_file=cert_file, key_file=key_file, client_ca_file=client_ca_file, min_version=min_version)
    if (cert_file, key_file, client_ca_file) != (None, None, None):
        raise BadConfig("TLS needs a certificate and its key: give both --tls-cert-file and --tls-key-file")
    return None


class ReloadingContext(ssl.SSLContext):
    """A server's context: each connection gets the certificates that lie on the disk when it begins.

    Files that cannot be used, as when a certificate has been replaced and its key not yet, change nothing and are named in the log.
    """

    _options: TlsOptions
    _protocols: tuple[str, ...]
    _logger: logging.Logger
    _current: ssl.SSLContext
    _seen: tuple[Any, ...]

    def __new__(cls, options: TlsOptions, protocols: tuple[str, ...], logger: logging.Logger) -> ReloadingContext:
        """`protocols` are offered by ALPN, the preferred one first. Raises BadConfig for options or files that cannot be used."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        self._options, self._protocols, self._logger = options, protocols, logger
        self._seen = _state_of(options)
        self._current = _context(options, protocols)
        return self

    def __init__(self, *given: Any) -> None:
        """All is done in __new__, as in its base."""

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """As of any context; called by asyncio once a connection."""
        self._refresh()
        return self._current.wrap_bio(*given, **named)

    def _refresh(self) -> None:
        state = _state_of(self._options)
        if state == self._seen:
            return
        self._seen = state
        try:
            self._current = _context(self._options, self._protocols)
        except BadConfig as error:
            self._logger.error("TLS: the changed files are not used, those before them still are: %s", error)
        else:
            self._logger.info("TLS: certificate %s was read again", self._options.cert_file)


def _state_of(options: TlsOptions) -> tuple[Any, ...]:
    """Something that differs once a file is another one; a volume of Kubernetes swaps links and keeps no order of times."""
    return tuple(_identity(path) for path in options.files)


def _identity(path: Path) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _context(options: TlsOptions, protocols: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.min_version not in VERSIONS:
        raise BadConfig(f"min_version {options.min_version!r} is none of {', '.join(VERSIONS)}")
    context.minimum_version = VERSIONS[options.min_version]
    context.set_ciphers(":".join(_suites(options)))
    context.set_alpn_protocols(list(protocols))
    verify_mode = options.verify_mode
    _load(options, context)
    context.verify_mode = verify_mode
    return context


def _suites(options: TlsOptions) -> Iterator[str]:
    named = [name for name in options.cipher_suites if name not in ALWAYS]
    chosen = [SUITES[name] for name in named if name in SUITES]
    if named and not chosen and VERSIONS[options.min_version] is ssl.TLSVersion.TLSv1_2:
        raise BadConfig(f"none of the cipher_suites {', '.join(named)} is served here; choose from {', '.join(SUITES)}")
    yield from chosen or SUITES.values()


def _load(options: TlsOptions, context: ssl.SSLContext) -> None:
    for name, path in zip(("cert_file", "key_file", "client_ca_file"), options.files, strict=False):
        try:
            path.read_bytes()
        except OSError as error:
            raise BadConfig(f"{name} {path} cannot be read by uid {os.getuid()}: {error.strerror}") from error
    try:
        context.load_cert_chain(options.cert_file, options.key_file, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise BadConfig(f"cert_file {options.cert_file} and key_file {options.key_file} are no pair in PEM: {error}") from error
    if options.client_ca_file is not None:
        try:
            context.load_verify_locations(options.client_ca_file)
        except ssl.SSLError as error:
            raise BadConfig(f"client_ca_file {options.client_ca_file} holds no certificates in PEM: {error}") from error


def _no_password() -> str:
    """OpenSSL would ask for it at the terminal, and wait."""
    raise ValueError("the key is encrypted; a server has nobody to ask for its password")
