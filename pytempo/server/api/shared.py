"""What routes ask FastAPI for: the service, who asks, and the form of the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

from fastapi import Depends, Request

from pytempo.query.budget import Budget
from pytempo.server.api.negotiate import Form
from pytempo.server.service import Service
from pytempo.server.tenancy import HEADER

T = TypeVar("T")

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Tempo's query endpoints do not look at the method; parameters come from the URL alone."""


async def _service(request: Request) -> Service:  # async, as below: FastAPI sends what is not to threads
    service: Service = request.app.state.service
    return service


async def _form(request: Request) -> Form:
    return Form.of(request)


async def _tenant(request: Request) -> str:
    service: Service = request.app.state.service
    return service.tenancy.reader(request.headers.getlist(HEADER))


TheService: TypeAlias = Annotated[Service, Depends(_service)]
TheForm: TypeAlias = Annotated[Form, Depends(_form)]
TheTenant: TypeAlias = Annotated[str, Depends(_tenant)]
"""Who asks; several as `a|b`."""


async def answer(request: Request, service: Service, call: Callable[[Budget], T]) -> T:
    """What `call` answers, unless the client leaves before. Raises as `Service.ask`."""
    return await service.ask(call, _left(request))


async def _left(request: Request) -> None:
    """Ends when the client has gone; what it may still send is of no use."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
