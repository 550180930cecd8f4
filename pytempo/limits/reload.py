"""Limits that are read again every few seconds: a file that cannot be read changes nothing, and is told once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from pytempo.errors import BadConfig
from pytempo.limits.limits import Limits
from pytempo.limits.metrics import ReloadMetrics
from pytempo.limits.options import LimitOptions


class Read(Protocol):
    """What was read: the limits by tenant, and what tells this reading from another."""

    @property
    def tenants(self) -> Mapping[str, LimitOptions]: ...

    @property
    def digest(self) -> str: ...


class Reloader:
    """Keeps the limits as `read` gives them. One thread, from `start` to `stop`."""

    def __init__(self, read: Callable[[], Read], limits: Limits, *, period: float, logger: logging.Logger, metrics: ReloadMetrics) -> None:
        """`read` raises BadConfig for what cannot be used; `period` is in seconds."""
        self._read, self._limits, self._period = read, limits, period
        self._logger, self._metrics = logger, metrics
        self._digest, self._complaint = "", ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pytempo-overrides", daemon=True)

    def load(self) -> None:
        """Take the limits as they are now. Raises BadConfig."""
        found = self._read()
        self._limits.replace(found.tenants)
        self._digest, self._complaint = found.digest, ""
        self._metrics.read(found.digest)

    def reload(self) -> None:
        """The same, but where they cannot be read, those from before hold on, and the log says so."""
        before, broken = self._digest, self._complaint
        try:
            self.load()
        except BadConfig as error:
            self._metrics.failed()
            if str(error) != self._complaint:
                self._logger.error("the limits from before hold on, since their file cannot be used: %s", error)
            self._complaint = str(error)
            return
        if before != self._digest or broken:
            self._logger.info("limits of %d tenants read: %s", len(self._limits.overrides), ", ".join(sorted(self._limits.overrides)[:20]))

    def start(self) -> None:
        """Read again every period from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            try:
                self.reload()
            except Exception:  # a bug of ours must not end the reading for good
                self._metrics.failed()
                self._logger.exception("the limits from before hold on, since an internal error stopped their reading")
