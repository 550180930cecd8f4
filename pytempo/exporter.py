"""The OpenTelemetry Python SDK straight into a store, without a socket. Needs the extra `sdk`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from pytempo.errors import PytempoError
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.store import Store


class StoreSpanExporter(SpanExporter):
    """A span exporter for `SimpleSpanProcessor` or `BatchSpanProcessor`. The store stays the caller's: shutting down does not close it."""

    def __init__(self, store: Store, tenant: str = DEFAULT_TENANT, logger: logging.Logger | None = None) -> None:
        self._store, self._tenant = store, tenant
        self._logger = logger or logging.getLogger("pytempo")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """SUCCESS when the spans are on disk and searchable, FAILURE where the store refuses them: the log then says why."""
        try:
            exported = self._store.export(encode_spans(spans).SerializeToString(), tenant=self._tenant)
        except PytempoError as error:
            self._logger.error("%d spans were not stored: %s", len(spans), error)
            return SpanExportResult.FAILURE
        if exported.rejected:
            self._logger.warning("%d of %d spans were not stored: %s", exported.rejected, len(spans), exported.message)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held back, so nothing is to be done."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Every export is durable when it returns."""
        return True
