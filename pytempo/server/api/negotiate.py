"""The form of an answer: JSON or protobuf as `Accept` asks, compressed where the client can read it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from pytempo.server.api import tempopb

PROTOBUF, JSON = "application/protobuf", "application/json"

WORTH_COMPRESSING = 1024
"""Bytes."""

GZIP_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Form:
    """How a client wants its answer. Made in the event loop; `answer` and `send` are for the threads that work on it."""

    protobuf: bool
    gzip: bool

    @classmethod
    def of(cls, request: Request) -> Form:
        """By substrings of `Accept`, protobuf before JSON, as Tempo does; JSON where nothing fits."""
        return cls(PROTOBUF in request.headers.get("accept", ""), _takes_gzip(request.headers.get("accept-encoding", "")))

    def answer(self, document: dict[str, Any], message: str) -> Response:
        """An answer from its proto-JSON document; `message` names its type in tempopb."""
        if self.protobuf:
            return self.send(tempopb.encode(document, message), PROTOBUF)
        return self.send(json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(), JSON)

    def send(self, body: bytes, media_type: str) -> Response:
        """An answer of these bytes."""
        headers = {"Vary": "Accept-Encoding"}
        if self.gzip and len(body) > WORTH_COMPRESSING:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type=media_type, headers=headers)


def _takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
