"""How the log of a server is written: plain lines, logfmt or JSON, on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

PLAIN = "plain"

_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error", logging.CRITICAL: "error"}


def start_logging(level: str, form: str = PLAIN) -> logging.Logger:
    """The logger of pytempo. `level` is debug, info, warn or error; `form` is plain, logfmt or json."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Fields(form) if form != PLAIN else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logger = logging.getLogger("pytempo")
    logger.setLevel(level.upper())
    return logger


class _Fields(logging.Formatter):
    """One line a record, whatever its text holds."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "level": _LEVELS.get(record.levelno, record.levelname.lower()),
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            fields["stack"] = self.formatException(record.exc_info)
        if self._json:
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(f"{name}={_word(value)}" for name, value in fields.items())


def _word(value: str) -> str:
    """As logfmt writes a value: in quotes where it holds more than a word."""
    plain = value.isprintable() and not any(sign in value for sign in ' ="') and value
    return value if plain else json.dumps(value, ensure_ascii=False)
