"""What a sender is told about its request."""

from __future__ import annotations

from dataclasses import dataclass

from pytempo.otlp.decode import REASONS


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of a request's spans; all that were accepted are on disk. `reasons` counts the rejected by reason (a key of REASONS)."""

    accepted: int
    rejected: int = 0
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def message(self) -> str:
        """A sentence for the sender, empty where nothing was rejected."""
        return "; ".join(f"{count} rejected: {REASONS.get(reason, reason)}" for reason, count in self.reasons)
