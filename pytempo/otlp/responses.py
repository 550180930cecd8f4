"""What a sender is answered with: OTLP's response, and google.rpc.Status for a request that was not taken, in protobuf and in JSON."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from pytempo.otlp.outcome import Exported


def export_response(exported: Exported) -> bytes:
    """ExportTraceServiceResponse bytes: empty where all was accepted, else with the number of rejected spans and why.

    Source: OTLP 1.5 specification, Full Success and Partial Success.
    """
    return _response(exported).SerializeToString()


def export_response_json(exported: Exported) -> bytes:
    """`export_response` as OTLP/JSON."""
    return _as_json(_response(exported))


def status_message(code: int, text: str, retry_after: float | None = None) -> bytes:
    """google.rpc.Status bytes with a gRPC status code; `retry_after` (seconds) becomes a RetryInfo detail.

    Source: OTLP 1.5 specification, Failures and Throttling.
    """
    out: bytes = _status(code, text, retry_after).SerializeToString()
    return out


def status_message_json(code: int, text: str, retry_after: float | None = None) -> bytes:
    """`status_message` as proto3 JSON."""
    return _as_json(_status(code, text, retry_after))


def _response(exported: Exported) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    if exported.rejected:
        response.partial_success.rejected_spans = exported.rejected
        response.partial_success.error_message = exported.message
    return response


def _status(code: int, text: str, retry_after: float | None) -> Status:
    status = Status(code=code, message=text)
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(round(retry_after * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    return status


def _as_json(message: Message) -> bytes:
    text: str = MessageToJson(message, indent=None, ensure_ascii=False)
    return text.encode()
