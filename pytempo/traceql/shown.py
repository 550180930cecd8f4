"""Which fields an answer brings along with each span, under which label, and which of their values.

What a query selects, groups by or computes with comes back whatever it is. What it compares with a constant comes back with the
values that a comparison asks for. For attributes without a column of their own, the comparisons of all of them at one level
count together, as they do in Tempo, where the recorded answers come from; `x = nil` asks for no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default

from pytempo.model import Level
from pytempo.traceql import ast, fields, plan
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import Type

NOT_SHOWN = frozenset({"span:duration", "span:id", "trace:id", "trace:duration", "trace:rootName", "trace:rootService", "parent"})
"""Intrinsics that an answer says elsewhere, or of the trace."""

OWN_COLUMNS = {
    Level.RESOURCE: frozenset({"service.name", "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name"}),
    Level.SPAN: frozenset(
        {"http.request.method", "http.response.status_code", "url.path", "url.route", "server.address", "server.port"}
        | {"http.method", "http.url", "http.route", "http.status_code"}
    ),
}
"""Attributes that Tempo keeps in a column each (reference: its default dedicated columns); their comparisons count for themselves."""

ROOTS = frozenset({"trace:rootName", "trace:rootService"})

Comparisons = tuple[ast.Comparison, ...]


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the answer. `wanted`: by level the comparisons of which a value must fulfil one; a level that is not there
    shows every value.

    `selected` fields are texts for every span, empty where it has none.
    """

    field: ast.Field
    label: str
    wanted: Mapping[Level, Comparisons] = default(default_factory=dict)
    selected: bool = False


@dataclass(slots=True)
class _Uses:
    """How the filters and stages of a query use its fields."""

    comparisons: dict[ast.Field, list[ast.Comparison]] = default(default_factory=dict)
    whole: set[ast.Field] = default(default_factory=set)
    """Fields whose every value is wanted."""
    brought: set[ast.Field] = default(default_factory=set)
    """Fields that a stage selects, groups by or aggregates."""
    pools: dict[Level, Comparisons | None] = default(default_factory=dict)
    """What `_pool_wanted` found."""
    plain: bool = True
    """Whether filters compare fields of the span with constants and nothing else."""


def shown_fields(query: ast.Query) -> tuple[ShownField, ...]:
    """The fields that the query names, in its order, each once."""
    uses = _read(query)
    selected = {named for node in ast.walk(query) if isinstance(node, ast.Select) for named in node.fields}
    shown = []
    for named in plan.fields_of(query):
        if isinstance(named, ast.Attribute):
            if not named.of_parent:
                shown.append(ShownField(named, named.name, _attribute_wanted(named, uses)))
        elif named.name == "span:name" and not (uses.plain or named in uses.brought):
            continue  # the recorded answers name spans only where name is compared plainly, or selected
        elif named.name not in NOT_SHOWN:
            every = named in uses.whole or named in uses.brought
            wanted = {} if every else {named.definition.level: tuple(uses.comparisons.get(named, ()))}
            shown.append(ShownField(named, _label(named), wanted, named in selected))
    return tuple(shown)


def _attribute_wanted(named: ast.Attribute, uses: _Uses) -> dict[Level, Comparisons]:
    if named in uses.brought:
        return {}
    wanted = {level: _wanted_at(level, named, uses) for level in fields.LEVELS[named.scope]}
    return {level: comparisons for level, comparisons in wanted.items() if comparisons is not None}


def _wanted_at(level: Level, named: ast.Attribute, uses: _Uses) -> Comparisons | None:
    """The comparisons that ask for values of an attribute at a level; None where every value is wanted."""
    if named.name in OWN_COLUMNS.get(level, ()):
        return None if named in uses.whole else tuple(uses.comparisons.get(named, ()))
    if level not in uses.pools:
        uses.pools[level] = _pool_wanted(level, uses)
    return uses.pools[level]


def _pool_wanted(level: Level, uses: _Uses) -> Comparisons | None:
    """The same of all attributes of a level that have no column of their own."""
    together = [other for other in (*uses.comparisons, *uses.whole) if _shares_pool(other, level)]
    if any(other in uses.whole for other in together):
        return None
    return tuple(comparison for other in together for comparison in uses.comparisons.get(other, ()))


def _shares_pool(other: ast.Field, level: Level) -> bool:
    if not isinstance(other, ast.Attribute) or other.name in OWN_COLUMNS.get(level, ()):
        return False
    levels = (Level.SPAN, Level.RESOURCE) if other.scope is ast.Scope.UNSCOPED else fields.LEVELS[other.scope]
    return level in levels


def _label(named: ast.Intrinsic) -> str:
    """The spelling without scope for what has one (`status`), the scoped one for the rest (`event:name`)."""
    return next((spelling for spelling in named.definition.spellings if ":" not in spelling), named.name)


def _read(query: ast.Query) -> _Uses:
    uses = _Uses()
    pending: list[ast.Node] = [query]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Select | ast.GroupBy | ast.AggregateFilter):
            uses.brought |= {named for named in ast.walk(node) if isinstance(named, ast.Attribute | ast.Intrinsic)}
        elif isinstance(node, ast.Attribute | ast.Intrinsic):
            uses.whole.add(node)
        elif isinstance(node, ast.Comparison) and _read_comparison(node, uses):
            continue
        else:
            pending.extend(ast.children(node))
    return uses


def _read_comparison(comparison: ast.Comparison, uses: _Uses) -> bool:
    """Note a comparison of a field with a constant; False for any other, whose fields count for themselves."""
    turned = turned_to_field(comparison)
    if turned is None:
        uses.plain = False
        return False
    named, literal = turned.left, turned.right
    assert isinstance(named, ast.Attribute | ast.Intrinsic)
    assert isinstance(literal, ast.Literal)
    if isinstance(named, ast.Intrinsic) and named.name in ROOTS:
        uses.plain = False
    if literal.type is not Type.NIL:
        uses.comparisons.setdefault(named, []).append(turned)
        return True
    uses.plain = False
    if turned.operator is Operator.NOT_EQUAL:
        uses.whole.add(named)
    return True


def turned_to_field(comparison: ast.Comparison) -> ast.Comparison | None:
    """The comparison as `field operator constant`; None where it is no comparison of a field with a constant."""
    left, right, operator = comparison.left, comparison.right, comparison.operator
    if isinstance(left, ast.Literal):
        left, right, operator = right, left, MIRRORED.get(operator, operator)
    if not isinstance(left, ast.Attribute | ast.Intrinsic) or not isinstance(right, ast.Literal):
        return None
    return ast.Comparison(operator, left, right)


MIRRORED = {
    Operator.LESS: Operator.GREATER,
    Operator.LESS_EQUAL: Operator.GREATER_EQUAL,
    Operator.GREATER: Operator.LESS,
    Operator.GREATER_EQUAL: Operator.LESS_EQUAL,
}
"""`a < b` is `b > a`; comparisons that are not here stay as they are when their sides change places."""
