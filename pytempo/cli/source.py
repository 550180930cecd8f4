"""Where the reading commands get their answers: a running server, or a data directory. Both give Tempo's JSON documents."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from pytempo.cli.options import DEFAULT_URL
from pytempo.errors import BadConfig, BadInput, NotFound, PytempoError, Unavailable

Document: TypeAlias = dict[str, Any]
Parameters: TypeAlias = Mapping[str, str]

TIMEOUT = 60.0
"""Seconds to wait for a server."""


class Source(ABC):
    """Answers in the shapes of Tempo's API. Parameters are those of the API; those that are None are left out by `parameters`."""

    @abstractmethod
    def search(self, given: Parameters) -> Document:
        """As `/api/search`."""

    @abstractmethod
    def trace(self, trace_id: str) -> Document:
        """As `/api/v2/traces/{id}`. Raises NotFound."""

    @abstractmethod
    def tags(self, given: Parameters) -> Document:
        """As `/api/v2/search/tags`."""

    @abstractmethod
    def tag_values(self, tag: str, given: Parameters) -> Document:
        """As `/api/v2/search/tag/{tag}/values`."""

    @abstractmethod
    def blocks(self) -> list[Document]:
        """The meta.json of every block, the latest end first."""


@contextmanager
def open_source(url: str | None, data: Path | None, tenant: str | None = None) -> Iterator[Source]:
    """The server at `url`, or the data directory; neither given: the server on this machine. `tenant` is whose spans to ask for."""
    if data is None:
        yield Remote(url or DEFAULT_URL, tenant)
        return
    if url is not None:
        raise BadConfig("--url and --data exclude each other; give one of them")
    from pytempo.cli.local import open_local  # lazy: a store is heavy, and asking a server needs none

    with open_local(data, tenant) as local:
        yield local


class Remote(Source):
    """A running server."""

    def __init__(self, url: str, tenant: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({} if tenant is None else {"X-Scope-OrgID": tenant})

    def search(self, given: Parameters) -> Document:
        return self._get("/api/search", given)

    def trace(self, trace_id: str) -> Document:
        found = self._get(f"/api/v2/traces/{_quoted(trace_id)}", {})
        if not found.get("trace"):
            raise NotFound(f"no trace {trace_id}")
        return found

    def tags(self, given: Parameters) -> Document:
        return self._get("/api/v2/search/tags", given)

    def tag_values(self, tag: str, given: Parameters) -> Document:
        return self._get(f"/api/v2/search/tag/{_quoted(tag)}/values", given)

    def blocks(self) -> list[Document]:
        found: list[Document] = self._get("/status/blocks", {})["blocks"]
        return found

    def _get(self, path: str, given: Parameters) -> Document:
        request = urllib.request.Request(f"{self._url}{path}?{urllib.parse.urlencode(given)}", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                document: Document = json.loads(answer.read())
                return document
        except urllib.error.HTTPError as error:
            raise _refused(error.code, error.read().decode(errors="replace").strip()) from error
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"no answer from {self._url}: {getattr(error, 'reason', error)}; is `pytempo serve` running there?"
            ) from error


def _refused(status: int, text: str) -> PytempoError:
    """What a server's refusal means here."""
    return {400: BadInput, 404: NotFound}.get(status, Unavailable)(text or f"the server answered {status}")


def _quoted(segment: str) -> str:
    return urllib.parse.quote(segment, safe="")


def parameters(**given: str | int | None) -> dict[str, str]:
    """The parameters that are given."""
    return {name: str(value) for name, value in given.items() if value is not None}


def now() -> int:
    """Unix nanoseconds."""
    return time.time_ns()
