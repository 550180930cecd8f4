"""`/api/metrics/query_range` and `/api/metrics/query`: time series of spans, and one number a series. The answer is always JSON."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from pytempo.query.budget import Budget
from pytempo.query.series_results import InstantResult, SeriesResult
from pytempo.server.api import render
from pytempo.server.api.questions import MetricsQuestion
from pytempo.server.api.shared import ANY_METHOD, TheForm, TheService, TheTenant, answer
from pytempo.store import Store

router = APIRouter()


@router.api_route("/api/metrics/query_range", methods=ANY_METHOD)
async def query_range(request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question, json = MetricsQuestion.read(request.query_params, service.clock()), replace(form, protobuf=False)
    return await answer(
        request,
        service,
        lambda budget: json.answer(render.series(ask_range(service.store, question, tenant, budget)), "QueryRangeResponse"),
    )


@router.api_route("/api/metrics/query", methods=ANY_METHOD)
async def query_instant(request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question, json = MetricsQuestion.read(request.query_params, service.clock()), replace(form, protobuf=False)
    return await answer(
        request,
        service,
        lambda budget: json.answer(render.instant_series(ask_instant(service.store, question, tenant, budget)), "QueryInstantResponse"),
    )


def ask_range(store: Store, question: MetricsQuestion, tenant: str, budget: Budget | None = None) -> SeriesResult:
    """The store's answer."""
    most = store.options.metrics.max_exemplars
    return store.query_range(
        question.q,
        start=question.start,
        end=question.end,
        step=question.step,
        exemplars=most if question.exemplars is None else question.exemplars,
        max_series=question.max_series,
        tenant=tenant,
        budget=budget,
    )


def ask_instant(store: Store, question: MetricsQuestion, tenant: str, budget: Budget | None = None) -> InstantResult:
    """The store's answer."""
    return store.query_instant(
        question.q, start=question.start, end=question.end, max_series=question.max_series, tenant=tenant, budget=budget
    )
