"""Trace by id: v1 answers 404 for an absent one, v2 an empty trace."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response

from pytempo.errors import NotFound, TraceTooLarge
from pytempo.otlp import encode, trace_to_json
from pytempo.query.budget import Budget
from pytempo.query.results import Inspected, Trace
from pytempo.server.api import render, shared, tempopb
from pytempo.server.api.negotiate import JSON, PROTOBUF, Form
from pytempo.server.api.questions import TraceQuestion
from pytempo.server.api.shared import ANY_METHOD, TheForm, TheService, TheTenant
from pytempo.store import Store

router = APIRouter()


@router.api_route("/api/traces/{traceID}", methods=ANY_METHOD)
@router.api_route("/api/traces/{traceID}/", methods=ANY_METHOD)
async def trace_v1(traceID: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question = TraceQuestion.read(request.query_params)
    return await shared.answer(request, service, lambda budget: answer_v1(find(service.store, traceID, question, tenant, budget), form))


@router.api_route("/api/v2/traces/{traceID}", methods=ANY_METHOD)
@router.api_route("/api/v2/traces/{traceID}/", methods=ANY_METHOD)
async def trace(traceID: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question = TraceQuestion.read(request.query_params)
    return await shared.answer(request, service, lambda budget: answer(find(service.store, traceID, question, tenant, budget), form))


def find(store: Store, trace_id: str, question: TraceQuestion, tenant: str, budget: Budget | None = None) -> Trace | None:
    """The trace, whatever the times of its spans; the window only spares sources that do not touch it."""
    return store.trace(
        trace_id,
        q=question.q,
        descendants=question.descendants,
        ancestors=question.ancestors,
        start=question.window.start,
        end=question.window.end,
        tenant=tenant,
        budget=budget,
    )


def answer_v1(found: Trace | None, form: Form) -> Response:
    """The bare trace. Raises NotFound, with no text (Tempo's body is empty), and TraceTooLarge: a bare trace cannot say that it is cut."""
    if found is None:
        raise NotFound("")
    if found.message:
        raise TraceTooLarge(found.message)
    if form.protobuf:
        return form.send(encode(found.batch), PROTOBUF)
    return form.send(trace_to_json(found.batch, top="batches"), JSON)


def answer(found: Trace | None, form: Form) -> Response:
    """`TraceByIDResponse`. Its trace is there even when it is empty: Grafana reads it unasked."""
    if not form.protobuf:
        return form.send(to_json(found), JSON)
    wire = b"" if found is None else encode(found.batch)  # before the metrics, which count what it reads
    metrics = tempopb.parse(render.trace_metrics(Inspected() if found is None else found.inspected), "TraceByIDMetrics")
    partial = {} if found is None or not found.message else {"status": 1, "message": found.message}
    return form.send(tempopb.message_class("TraceByIDResponse")(trace=wire, metrics=metrics, **partial).SerializeToString(), PROTOBUF)


def to_json(found: Trace | None) -> bytes:
    """The same as JSON; for an absent trace both its parts are empty."""
    if found is None:
        return b'{"trace":{},"metrics":{}}'
    trace = trace_to_json(found.batch)  # before the metrics, which count what it reads
    metrics = json.dumps(render.trace_metrics(found.inspected), separators=(",", ":")).encode()
    partial = b',"status":"PARTIAL","message":' + json.dumps(found.message).encode() if found.message else b""
    return b"".join((b'{"trace":', trace, b',"metrics":', metrics, partial, b"}"))
