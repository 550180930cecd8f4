"""Names of attributes and their values, for completion: v1 (names without scopes, values without types) and v2."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from pytempo.query.budget import Budget
from pytempo.query.results import TagNames, TagValues
from pytempo.server.api import render
from pytempo.server.api.questions import TagsQuestion, tag_of_path
from pytempo.server.api.shared import ANY_METHOD, TheForm, TheService, TheTenant, answer
from pytempo.store import Store

router = APIRouter()

INTRINSIC = "intrinsic"
"""The scope that v1 lists only when it is asked for by name."""


@router.api_route("/api/search/tags", methods=ANY_METHOD)
async def tag_names_v1(request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question = TagsQuestion.read(request.query_params, service.clock(), service.store.longest_search(tenant))
    return await answer(
        request,
        service,
        lambda budget: form.answer(
            render.tag_names(all_names(service.store, question, tenant, budget), question.limit), "SearchTagsResponse"
        ),
    )


@router.api_route("/api/v2/search/tags", methods=ANY_METHOD)
async def tag_names(request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    question = TagsQuestion.read(request.query_params, service.clock(), service.store.longest_search(tenant))
    return await answer(
        request,
        service,
        lambda budget: form.answer(render.scoped_tag_names(names(service.store, question, tenant, budget)), "SearchTagsV2Response"),
    )


@router.api_route("/api/search/tag/{tagName:path}/values", methods=ANY_METHOD)
async def tag_values_v1(tagName: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    tag, question = _tag(tagName), TagsQuestion.read(request.query_params, service.clock(), service.store.longest_search(tenant))
    window, limit = question.window, question.limit

    def ask(budget: Budget) -> Response:
        found = service.store.tag_values_v1(tag, start=window.start, end=window.end, limit=limit, tenant=tenant, budget=budget)
        return form.answer(render.tag_values(found), "SearchTagValuesResponse")

    return await answer(request, service, ask)


@router.api_route("/api/v2/search/tag/{tagName:path}/values", methods=ANY_METHOD)
async def tag_values(tagName: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    tag, question = _tag(tagName), TagsQuestion.read(request.query_params, service.clock(), service.store.longest_search(tenant))

    def ask(budget: Budget) -> Response:
        found = values(service.store, tag, question, tenant, budget)
        return form.answer(render.typed_tag_values(found), "SearchTagValuesV2Response")

    return await answer(request, service, ask)


def names(store: Store, question: TagsQuestion, tenant: str, budget: Budget | None = None) -> TagNames:
    """The names by scope."""
    window = question.window
    return store.tags(
        scope=question.scope, q=question.q, start=window.start, end=window.end, limit=question.limit, tenant=tenant, budget=budget
    )


def values(store: Store, tag: str, question: TagsQuestion, tenant: str, budget: Budget | None = None) -> TagValues:
    """The values of a tag, with their types."""
    window = question.window
    return store.tag_values(tag, q=question.q, start=window.start, end=window.end, limit=question.limit, tenant=tenant, budget=budget)


def all_names(store: Store, question: TagsQuestion, tenant: str, budget: Budget | None = None) -> TagNames:
    """The names as v1 lists them: without intrinsics unless asked for, without a filter."""
    found = names(store, replace(question, q=None), tenant, budget)
    return found if question.scope == INTRINSIC else replace(found, scopes=tuple(scope for scope in found.scopes if scope[0] != INTRINSIC))


def _tag(segment: str) -> str:
    if not segment:
        raise HTTPException(404)
    return tag_of_path(segment)
