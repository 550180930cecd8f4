"""From a configuration in Tempo's form to what `serve` is told."""

from __future__ import annotations

from pathlib import Path

from pytempo.config.apply import configured
from pytempo.config.settings import Settings
from pytempo.config.tempo.receivers import GRPC, HTTP
from pytempo.errors import BadConfig
from pytempo.server.options import ServeOptions
from pytempo.server.tls import TlsOptions


def serve_options(settings: Settings) -> ServeOptions:
    """Raises BadConfig for settings that do not go together."""
    options = ServeOptions(
        data=Path(),
        http_tls=_of_server(settings, "server.http_tls_config"),
        grpc_tls=_of_server(settings, "server.grpc_tls_config"),
        otlp_grpc_tls=_of_receiver(settings, f"{GRPC}.tls"),
        otlp_http_tls=_of_receiver(settings, f"{HTTP}.tls"),
        settings=settings,
    )
    return configured(options, settings)


def _of_server(settings: Settings, section: str) -> TlsOptions | None:
    """The kind of authentication says whether clients are asked; a CA alone does not, unlike with a receiver."""
    client_auth_type = settings[f"{section}.client_auth_type"] or "NoClientCert"
    return _tls(settings, section, settings["server.tls_min_version"], settings["server.tls_cipher_suites"], client_auth_type)


def _of_receiver(settings: Settings, section: str) -> TlsOptions | None:
    return _tls(settings, section, settings[f"{section}.min_version"], settings[f"{section}.cipher_suites"], "")


def _tls(settings: Settings, section: str, min_version: str, cipher_suites: tuple[str, ...], client_auth_type: str) -> TlsOptions | None:
    certificate, key, ca = (settings[f"{section}.{name}"] for name in ("cert_file", "key_file", "client_ca_file"))
    if not certificate and not key:
        if ca or client_auth_type not in ("", "NoClientCert"):
            raise BadConfig(
                f"{settings.place(section)}: {section} asks for certificates of clients; that needs cert_file and key_file, too"
            )
        return None
    if not certificate or not key:
        raise BadConfig(f"{settings.place(section)}: {section} needs both cert_file and key_file")
    return TlsOptions(
        cert_file=Path(certificate),
        key_file=Path(key),
        client_ca_file=Path(ca) if ca else None,
        client_auth_type=client_auth_type,
        min_version=min_version or "1.2",
        cipher_suites=cipher_suites,
    )
