"""The structural operators between spans of one trace, each by its definition, pair by pair."""

from __future__ import annotations

from collections.abc import Callable

from tests.oracle.trees import Trace

_RELATIONS: dict[str, Callable[[Trace, int, int], bool]] = {
    ">": lambda trace, left, right: trace.parent[right] == left,
    ">>": lambda trace, left, right: left in trace.ancestors(right),
    "<": lambda trace, left, right: trace.parent[left] == right,
    "<<": lambda trace, left, right: right in trace.ancestors(left),
    "~": lambda trace, left, right: left != right and trace.parent[left] is not None and trace.parent[left] == trace.parent[right],
}
"""Whether `left` stands to `right` as the operator says."""


def related(symbol: str, trace: Trace, left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    """The spans of the right side that stand so to one of the left; with `!` to none; with `&` both sides of every such pair."""
    stands = _RELATIONS[symbol.lstrip("!&")]
    pairs = {(one, other) for one in left for other in right if stands(trace, one, other)}
    found = frozenset(other for _, other in pairs)
    if symbol.startswith("!"):
        return right - found
    return found | frozenset(one for one, _ in pairs) if symbol.startswith("&") else found
