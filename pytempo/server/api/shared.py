"""What routes ask FastAPI for: the service, and the form of the answer."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from pytempo.server.api.negotiate import Form
from pytempo.server.service import Service

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Tempo's query endpoints do not look at the method; parameters come from the URL alone."""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService: TypeAlias = Annotated[Service, Depends(_service)]
TheForm: TypeAlias = Annotated[Form, Depends(Form.of)]
