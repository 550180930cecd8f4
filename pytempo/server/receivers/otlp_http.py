"""OTLP/HTTP: POST /v1/traces in protobuf or JSON, compressed or not; answers and refusals in the encoding of the request.

Source: OTLP 1.5 specification, OTLP/HTTP.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pytempo.errors import Overloaded, QueryStopped
from pytempo.otlp import export_response, export_response_json, request_from_json, status_message, status_message_json
from pytempo.server.errors import BodyTooLarge, RequestTooSlow, WrongContentType
from pytempo.server.options import REQUEST_LIMIT
from pytempo.server.receivers.bodies import inflate
from pytempo.server.receivers.intake import Intake
from pytempo.server.receivers.notices import Notices, only_traces
from pytempo.server.receivers.room import JSON_GROWS
from pytempo.server.service import Service
from pytempo.server.status import Refusal, refusal_of
from pytempo.server.tenancy import HEADER

PROTOBUF, JSON = "application/x-protobuf", "application/json"

TYPES = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}
"""What a request may say it is, and what its answer says. The second is not OTLP's name but a common one."""

RIGHT_PATH = "404 page not found; send OTLP traces to POST /v1/traces\n"
RIGHT_METHOD = "405 method not allowed; send OTLP traces with POST /v1/traces\n"
"""What a wrong path and a wrong method are told."""

OTHER_SIGNALS = ("metrics", "logs")


def otlp_http_app(service: Service, intake: Intake) -> FastAPI:
    """An application that takes traces."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, exception_handlers={HTTPException: _no_route})
    notices = Notices(service.logger, service.clock)
    app.add_api_route("/v1/traces", _Export(service, intake).answer, methods=["POST"])
    for signal in OTHER_SIGNALS:
        app.add_api_route(f"/v1/{signal}", _other_signal(signal, notices), methods=["POST", "GET"])
    origins = service.options.otlp_http_cors_allowed_origins
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=["*"] if "*" in origins else (),
            allow_origin_regex=origins_pattern(origins),
            allow_methods=["POST"],
            allow_headers=service.options.otlp_http_cors_allowed_headers,
            max_age=service.options.otlp_http_cors_max_age,
        )
    return app


def origins_pattern(origins: Sequence[str]) -> str:
    """A pattern of the origins that are let in; a `*` in one stands for anything, such as in http://*.example.com."""
    return "|".join(".*".join(map(re.escape, origin.lower().split("*"))) for origin in origins)


class _Export:
    """The one route that takes spans."""

    def __init__(self, service: Service, intake: Intake) -> None:
        self._service, self._intake = service, intake

    async def answer(self, request: Request) -> Response:
        kind = TYPES.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
        try:
            return await self._store(request, kind)
        except Exception as error:
            refused = _refuse(refusal_of(error, self._service.logger, "POST /v1/traces"), kind)
            if isinstance(error, RequestTooSlow):
                refused.headers["Connection"] = "close"  # the rest of the body is not waited for
            return refused

    async def _store(self, request: Request, kind: str | None) -> Response:
        if kind is None:
            given = request.headers.get("content-type", "")[:60]
            raise WrongContentType(f"Content-Type {given!r} is not read here; send {PROTOBUF} or {JSON}")
        tenant = self._service.tenancy.writer(request.headers.getlist(HEADER))
        encoding = request.headers.get("content-encoding", "")
        declared = request.headers.get("content-length", "")
        if declared.isdecimal():  # refused before it is read
            self._intake.check_size(int(declared))
        body = bytearray()
        try:
            async with self._in_time():
                await self._read(request, body)
            return await self._service.bridge.exports.run(lambda: self._take(body, encoding, kind, tenant))
        finally:
            self._intake.bodies.leave(request)

    async def _read(self, request: Request, body: bytearray) -> None:
        async for chunk in _chunks(request):
            try:
                await self._intake.bodies.take(request, len(chunk))
            except Overloaded:
                self._intake.crowded_out("http")
                raise
            body += chunk
            if len(body) > self._intake.limit:
                raise BodyTooLarge(len(body), self._intake.limit, REQUEST_LIMIT, "as sent")

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises RequestTooSlow where the body is not whole in time: whoever sends a byte a minute would hold memory for ever."""
        seconds = self._service.options.receive_timeout
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise RequestTooSlow(f"the request has not come in within {seconds:g}s (--otlp-receive-timeout); send it again") from error

    def _take(self, body: bytearray, encoding: str, kind: str, tenant: str) -> Response:
        def read() -> bytes:
            sent = bytes(body)
            body.clear()
            payload = inflate(sent, encoding, self._intake.limit)
            return request_from_json(payload) if kind == JSON else payload

        most = self._intake.limit if encoding.strip() else len(body)
        exported = self._intake.work_on(most * (JSON_GROWS if kind == JSON else 1), read, "http", tenant)
        return Response(export_response_json(exported) if kind == JSON else export_response(exported), media_type=kind)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise QueryStopped("the client left before its request was whole", "client") from error


def _refuse(refusal: Refusal, kind: str | None) -> Response:
    """google.rpc.Status in the encoding of the request; text where that is not known."""
    if kind is None:
        return Response(refusal.text, refusal.http, media_type="text/plain")
    message = status_message_json if kind == JSON else status_message
    headers = {} if refusal.retry_after is None else {"Retry-After": str(math.ceil(refusal.retry_after))}
    return Response(message(refusal.grpc.value[0], refusal.text, refusal.retry_after), refusal.http, media_type=kind, headers=headers)


def _other_signal(signal: str, notices: Notices) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(request: Request) -> Response:
        notices.say(request.client.host if request.client else "", only_traces(signal))
        return Response(only_traces(signal) + "\n", 404, media_type="text/plain")

    return refuse


async def _no_route(request: Request, error: HTTPException) -> Response:
    body = {404: RIGHT_PATH, 405: RIGHT_METHOD}.get(error.status_code, f"{error.status_code} {error.detail}\n")
    return Response(body, error.status_code, media_type="text/plain", headers=error.headers)
