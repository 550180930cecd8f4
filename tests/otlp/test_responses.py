"""Answers to senders: empty when all is well, counted when some spans were left out, a Status when nothing was taken."""

from __future__ import annotations

import json

from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from pytempo.otlp import Exported, export_response, export_response_json, status_message, status_message_json

SOME_REJECTED = Exported(7, 3, (("invalid_trace_id", 2), ("invalid_attribute", 1)))


def test_full_success_is_an_empty_message() -> None:
    assert export_response(Exported(5)) == b""
    assert export_response_json(Exported(5)) == b"{}"


def test_partial_success_counts_the_rejected_spans_and_says_why() -> None:
    response = ExportTraceServiceResponse.FromString(export_response(SOME_REJECTED))
    assert response.partial_success.rejected_spans == 3
    assert response.partial_success.error_message == SOME_REJECTED.message
    assert "2 rejected: trace ids must be 16 bytes" in SOME_REJECTED.message


def test_partial_success_in_json_writes_the_count_as_text() -> None:
    partial = json.loads(export_response_json(SOME_REJECTED))["partialSuccess"]
    assert partial == {"rejectedSpans": "3", "errorMessage": SOME_REJECTED.message}


def test_a_refusal_is_a_status_with_code_and_text() -> None:
    status = Status.FromString(status_message(3, "no such thing: ü"))
    assert (status.code, status.message, len(status.details)) == (3, "no such thing: ü", 0)
    assert json.loads(status_message_json(3, "ü")) == {"code": 3, "message": "ü"}


def test_a_refusal_for_now_says_when_to_come_again() -> None:
    (detail,) = Status.FromString(status_message(8, "busy", 2.5)).details
    hint = RetryInfo()
    assert detail.Unpack(hint)
    assert hint.retry_delay.ToMilliseconds() == 2500
    (shown,) = json.loads(status_message_json(8, "busy", 0.25))["details"]
    assert shown == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.250s"}
