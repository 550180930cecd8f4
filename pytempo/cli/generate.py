"""`pytempo generate`: plausible traces, sent to an OTLP endpoint."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Annotated, TypeVar

import typer

from pytempo.cli.options import AsJson
from pytempo.cli.progress import progress_bar
from pytempo.cli.source import now
from pytempo.errors import BadConfig, BadInput, Unavailable

DEFAULTS = {"grpc": "localhost:4317", "http": "http://localhost:4318"}

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

TIMEOUT = 30.0
"""Seconds for one request."""

SPANS_A_REQUEST = 512

Send = Callable[[bytes], None]
T = TypeVar("T")


def generate(
    traces: Annotated[int, typer.Option(min=1, help="How many traces.")] = 10,
    spans: Annotated[int, typer.Option(min=1, max=10_000, help="How many spans each has.")] = 8,
    protocol: Annotated[str, typer.Option(help="grpc or http.")] = "grpc",
    endpoint: Annotated[
        str | None, typer.Option(help=f"Where to send (default: {DEFAULTS['grpc']} or {DEFAULTS['http']}).", show_default=False)
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose traces they are; needed where there are several.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Makes the same traces each time, but for their times.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Send plausible traces to an OTLP endpoint."""
    if protocol not in DEFAULTS:
        raise typer.BadParameter(f"{protocol!r} is neither grpc nor http", param_hint="--protocol")
    where = endpoint or DEFAULTS[protocol]
    send = _http(where, tenant) if protocol == "http" else _grpc(where, tenant)
    from pytempo.cli.made_up import made_up_traces, request  # lazy: OTLP's messages take longer to load than --help may take

    made = made_up_traces(Random(seed), traces, spans, now())
    ids: list[str] = []
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("sending traces", total=traces)
        for batch in _batches(made, max(SPANS_A_REQUEST // spans, 1)):
            send(request(batch))
            ids += [trace.trace_id.hex() for trace in batch]
            progress.update(task, completed=len(ids))
    summary = {"traces": len(ids), "spans": len(ids) * spans, "endpoint": where, "traceIDs": ids}
    print(json.dumps(summary, indent=2) if as_json else f"sent {len(ids)} traces of {spans} spans to {where}; the last one is {ids[-1]}")


def _batches(made: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for trace in made:
        batch.append(trace)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _grpc(endpoint: str, tenant: str | None) -> Send:
    import grpc  # lazy: it takes longer to load than --help may take

    channel = grpc.insecure_channel(endpoint.removeprefix("http://"))
    call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
    metadata = () if tenant is None else (("x-scope-orgid", tenant),)

    def send(request: bytes) -> None:
        try:
            call(request, timeout=TIMEOUT, metadata=metadata)
        except grpc.RpcError as error:
            raise _failed(endpoint, f"{error.code().name}: {error.details()}") from error

    return send


def _http(endpoint: str, tenant: str | None) -> Send:
    if not endpoint.startswith(("http://", "https://")):
        raise BadConfig(f"--endpoint {endpoint}: over HTTP it is a URL, such as {DEFAULTS['http']}")
    url = endpoint.rstrip("/") + "/v1/traces"

    headers = {"Content-Type": "application/x-protobuf"} | ({} if tenant is None else {"X-Scope-OrgID": tenant})

    def send(request: bytes) -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, request, headers), timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            raise BadInput(f"{url} answered {error.code}: {error.read().decode(errors='replace').strip()}") from error
        except OSError as error:
            raise _failed(url, str(getattr(error, "reason", error))) from error

    return send


def _failed(endpoint: str, reason: str) -> Unavailable:
    return Unavailable(f"{endpoint} does not take the traces: {reason}; is `pytempo serve` running there? Choose another with --endpoint")
