"""What answers call the numbers and groups of a query: its own words, with the fields as the query spelled them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from pytempo.traceql import ast
from pytempo.traceql.printer import to_text


def label(node: ast.Node) -> str:
    """The text of an aggregate or an expression: `avg(duration)`, `.http.status_code + 1`."""
    return to_text(_as_spelled(node))


def _as_spelled(node: ast.Node) -> ast.Node:
    if isinstance(node, ast.Intrinsic):
        return replace(node, name=node.spelling or node.name)
    changed = {each.name: _respell(getattr(node, each.name)) for each in fields(node) if each.name != "position"}
    return replace(node, **changed)


def _respell(value: Any) -> Any:
    if isinstance(value, ast.Node):
        return _as_spelled(value)
    return tuple(_respell(item) for item in value) if isinstance(value, tuple) else value
