"""`pytempo serve`: the server over a data directory."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from pytempo.cli.logs import start_logging
from pytempo.cli.options import CompactionMaxBlockBytes, CompactionMaxObjects, CompactionWindow
from pytempo.cli.run import options_of, prepare, run, say
from pytempo.cli.serve_fields import TLS, chosen, over_file, values_of
from pytempo.config.apply import replaced
from pytempo.config.check import read_file
from pytempo.config.settings import Settings
from pytempo.directory import DataDirectory

MIB = 1024 * 1024

LEVELS = ("debug", "info", "warn", "error")


def serve(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="The data directory; made where it is missing.", show_default=False)] = None,
    config_file: Annotated[
        Path | None, typer.Option(help="A configuration in Tempo's form; what else is given here goes before it.", show_default=False)
    ] = None,
    config_expand_env: Annotated[bool, typer.Option("--config-expand-env", help="Replace ${VARIABLES} in that file.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="Tempo's HTTP API. For every port: 0 takes a free one.")] = 3200,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="Tempo's gRPC API.")] = 9095,
    otlp_grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="OTLP over gRPC.")] = 4317,
    otlp_http_port: Annotated[int, typer.Option(min=0, max=65535, help="OTLP over HTTP.")] = 4318,
    otlp_max_request_bytes: Annotated[int, typer.Option(min=1024, help="The largest export request, decompressed.")] = 16 * 1024 * 1024,
    otlp_http_cors_allowed_origin: Annotated[
        list[str] | None,
        typer.Option(help="A web page's origin that may send spans over HTTP, with * for anything; repeatable.", show_default=False),
    ] = None,
    otlp_http_cors_allowed_header: Annotated[
        list[str] | None, typer.Option(help="A header that such a page may send; may be given several times.", show_default="any")
    ] = None,
    otlp_http_cors_max_age: Annotated[int, typer.Option(min=0, help="Seconds that a browser may keep the answer to its preflight.")] = 600,
    otlp_receive_timeout: Annotated[str, typer.Option(help="How long an export request may take to come in.")] = "60s",
    tls_cert_file: Annotated[Path | None, typer.Option(help="A certificate for every port, with its chain; needs --tls-key-file.")] = None,
    tls_key_file: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    tls_client_ca_file: Annotated[Path | None, typer.Option(help="Clients need a certificate that this one has signed.")] = None,
    tls_min_version: Annotated[str, typer.Option(help="1.2 or 1.3.")] = "1.2",
    max_block_bytes: Annotated[int, typer.Option(min=1, help="OTLP bytes of spans at which a block is cut.")] = 50 * 1024 * 1024,
    max_block_duration: Annotated[str, typer.Option(help="Age at which a block is cut.")] = "30m",
    trace_idle_period: Annotated[str, typer.Option(help="A block that is old enough waits until no span has come for so long.")] = "5s",
    max_live_bytes: Annotated[
        int, typer.Option(min=1, help="OTLP bytes that may wait for their block; beyond it senders wait, then are asked to come again.")
    ] = 200 * MIB,
    flush_on_shutdown: Annotated[bool, typer.Option("--flush-on-shutdown", help="Cut everything into blocks before the end.")] = False,
    block_retention: Annotated[str, typer.Option(help="Age of its newest span at which a block goes; 0s keeps all.")] = "336h",
    max_bytes_on_disk: Annotated[int, typer.Option(min=0, help="Beyond it the oldest blocks go; 0 is no limit.")] = 0,
    compaction: Annotated[bool, typer.Option(help="Whether blocks are merged in the background.")] = True,
    compaction_window: CompactionWindow = "1h",
    compaction_cycle: Annotated[str, typer.Option(help="How often to look for blocks to merge or to drop.")] = "30s",
    compaction_max_block_bytes: CompactionMaxBlockBytes = 100 * 1024**3,
    compaction_max_objects: CompactionMaxObjects = 6_000_000,
    compacted_block_retention: Annotated[str, typer.Option(help="How long folders of merged and dropped blocks stay.")] = "1h",
    query_timeout: Annotated[str, typer.Option(help="Time after which a query is ended; 0s is no limit.")] = "30s",
    max_query_memory_bytes: Annotated[int, typer.Option(min=0, help="Columns that a query may hold; 0 is no limit.")] = 256 * MIB,
    max_cached_bytes: Annotated[int, typer.Option(min=0, help="Columns that are kept for the next query; 0 keeps none.")] = 128 * MIB,
    max_trace_bytes: Annotated[
        int, typer.Option(min=0, help="OTLP bytes of a trace by id that is shown whole; 0 is no limit.")
    ] = 50_000_000,
    max_tag_bytes: Annotated[int, typer.Option(min=0, help="Names or values of one tag answer, cut beyond; 0 is no limit.")] = 1_000_000,
    max_search_duration: Annotated[str, typer.Option(help="The longest window of a search; 0s is no limit.")] = "7d",
    max_metrics_duration: Annotated[str, typer.Option(help="The longest range of a metrics query; 0s is no limit.")] = "24h",
    max_metrics_intervals: Annotated[int, typer.Option(min=0, help="Intervals of a metrics query; 0 is no limit.")] = 10_000,
    max_metrics_series: Annotated[int, typer.Option(min=0, help="Series of an answer, which is cut beyond; 0 is no limit.")] = 0,
    max_metrics_exemplars: Annotated[int, typer.Option(min=0, help="Exemplars of an answer.")] = 100,
    rate_limit_bytes: Annotated[
        int | None, typer.Option(min=0, help="OTLP bytes a second that a tenant may send.", show_default="no limit")
    ] = None,
    burst_size_bytes: Annotated[
        int | None, typer.Option(min=0, help="OTLP bytes that a tenant may send at once.", show_default="as the rate")
    ] = None,
    max_traces: Annotated[int, typer.Option(min=0, help="Live traces of a tenant; 0 is no limit.")] = 0,
    max_bytes_per_trace: Annotated[int, typer.Option(min=0, help="OTLP bytes of one trace; 0 is no limit.")] = 0,
    max_attribute_bytes: Annotated[int, typer.Option(min=0, help="Keys and texts are cut to so many bytes; 0 cuts nothing.")] = 0,
    overrides: Annotated[
        Path | None, typer.Option(help="A file with the limits of single tenants, in Tempo's form.", show_default=False)
    ] = None,
    overrides_period: Annotated[str, typer.Option(help="How often that file is read again.")] = "10s",
    max_concurrent_queries: Annotated[int, typer.Option(min=1, help="Queries at work at a time; others wait their turn.")] = 8,
    max_queued_queries: Annotated[int, typer.Option(min=0, help="Queries that may wait; more are refused.")] = 2000,
    multitenancy: Annotated[
        bool, typer.Option("--multitenancy", help="Several tenants: every request names its own in X-Scope-OrgID.")
    ] = False,
    multi_tenant_queries: Annotated[bool, typer.Option(help="Whether a question may be asked of several tenants, as a|b.")] = True,
    log_level: Annotated[str, typer.Option(help=f"One of {', '.join(LEVELS)}.")] = "info",
) -> None:
    """Receive spans, store them, and answer Tempo's API, until SIGTERM or Ctrl-C."""
    parameters = dict(locals())  # the rest is the tables of serve_fields
    settings = read_file(config_file, expand_env=config_expand_env) if config_file else Settings()
    logger = _logger(context, log_level, settings)
    if data is None and config_file is None:
        raise typer.BadParameter("give a data directory, or a configuration with --config-file", param_hint="--data")
    values = values_of(parameters)
    say(settings, logger)
    if data is None:
        prepare(settings)
    else:
        DataDirectory(data, read_only=False).close()  # what cannot be used is told at once, before everything is loaded

    from pytempo.server import ServeOptions  # lazy: the server takes longer to load than --help may take
    from pytempo.server.tls import one_for_all  # lazy: as above

    values |= dict.fromkeys(TLS, one_for_all(tls_cert_file, tls_key_file, tls_client_ca_file, tls_min_version))
    options = replaced(ServeOptions(data=data or Path()), values)
    run(over_file(options, options_of(settings), chosen(context)) if config_file else options, logger)


def _logger(context: typer.Context, level: str, settings: Settings) -> logging.Logger:
    if level not in LEVELS:
        raise typer.BadParameter(f"{level!r} is none of {', '.join(LEVELS)}", param_hint="--log-level")
    if "config_file" not in chosen(context):
        return start_logging(level)
    return start_logging(level if "log_level" in chosen(context) else settings["server.log_level"], settings["server.log_format"])
