"""`/api/search`: traces that match a TraceQL query, or tags and durations."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from pytempo.query.budget import Budget
from pytempo.query.results import SearchResult
from pytempo.server.api import render
from pytempo.server.api.questions import SearchQuestion
from pytempo.server.api.shared import ANY_METHOD, TheForm, TheService, TheTenant, answer
from pytempo.store import Store

router = APIRouter()


@router.api_route("/api/search", methods=ANY_METHOD)
async def search(request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    store = service.store
    question = SearchQuestion.read(request.query_params, service.clock(), store.longest_search(tenant), store.options.search)
    return await answer(
        request, service, lambda budget: form.answer(render.search(ask(service.store, question, tenant, budget)), "SearchResponse")
    )


def ask(store: Store, question: SearchQuestion, tenant: str, budget: Budget | None = None) -> SearchResult:
    """The store's answer."""
    if question.q is None:
        return store.search_tags(
            question.tags,
            min_duration=question.min_duration,
            max_duration=question.max_duration,
            start=question.window.start,
            end=question.window.end,
            limit=question.limit,
            tenant=tenant,
            budget=budget,
        )
    return store.search(
        question.q,
        start=question.window.start,
        end=question.window.end,
        limit=question.limit,
        spans_per_spanset=question.spans_per_spanset,
        tenant=tenant,
        budget=budget,
    )
