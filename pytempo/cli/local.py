"""A data directory as a source of answers: opened read-only, and rendered as a server would."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytempo.cli.source import Document, Parameters, Source, now
from pytempo.errors import NotFound
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.server.api import render
from pytempo.server.api.questions import SearchQuestion, TagsQuestion
from pytempo.server.api.search import ask
from pytempo.server.api.tags import names, values
from pytempo.server.api.traces import to_json
from pytempo.store import Store
from pytempo.store import open as open_store


@contextmanager
def open_local(data: Path, tenant: str | None = None) -> Iterator[Source]:
    """Raises BadConfig where the directory cannot be read."""
    with open_store(data, read_only=True, logger=logging.getLogger("pytempo")) as store:
        yield Local(store, tenant or DEFAULT_TENANT)


class Local(Source):
    """An opened store, asked for the spans of a tenant."""

    def __init__(self, store: Store, tenant: str) -> None:
        self._store, self._tenant = store, tenant

    def search(self, given: Parameters) -> Document:
        return render.search(ask(self._store, SearchQuestion.read(given, now()), self._tenant))

    def trace(self, trace_id: str) -> Document:
        found = self._store.trace(trace_id, tenant=self._tenant)
        if found is None:
            raise NotFound(f"no trace {trace_id}")
        document: Document = json.loads(to_json(found))
        return document

    def tags(self, given: Parameters) -> Document:
        return render.scoped_tag_names(names(self._store, TagsQuestion.read(given, now()), self._tenant))

    def tag_values(self, tag: str, given: Parameters) -> Document:
        question = TagsQuestion.read(given, now())
        return render.typed_tag_values(values(self._store, tag, question, self._tenant))

    def blocks(self) -> list[Document]:
        return [render.block(meta.to_bytes()) for tenant in self._store.tenants() for meta in self._store.blocks(tenant)]
