"""OTLP's trace messages: from the wire into batches, and from batches back to the wire."""

from __future__ import annotations

from pytempo.otlp.decode import REASONS, decode
from pytempo.otlp.decoded import Decoded
from pytempo.otlp.encode import encode, messages
from pytempo.otlp.json import request_from_json
from pytempo.otlp.outcome import Exported
from pytempo.otlp.outline import Outline, outline
from pytempo.otlp.responses import export_response, export_response_json, status_message, status_message_json
from pytempo.otlp.shorten import shorten
from pytempo.otlp.tempo_json import trace_to_json

__all__ = [
    "REASONS",
    "Decoded",
    "Exported",
    "Outline",
    "decode",
    "encode",
    "export_response",
    "export_response_json",
    "messages",
    "outline",
    "request_from_json",
    "shorten",
    "status_message",
    "status_message_json",
    "trace_to_json",
]
