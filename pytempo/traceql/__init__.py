"""TraceQL: reads queries into trees, checks them, and writes them again."""

from __future__ import annotations

from pytempo.traceql.check import check
from pytempo.traceql.lenient import lenient_conditions
from pytempo.traceql.parser import parse, parse_identifier
from pytempo.traceql.printer import to_text

__all__ = ["check", "lenient_conditions", "parse", "parse_identifier", "to_text"]
