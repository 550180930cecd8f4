"""The tree of a TraceQL query: small frozen nodes, equal when they mean the same text, each knowing where it stood.

    Query
    ├── Pipeline                 spansets through stages; the first stage is always a spanset expression
    │   ├── SpansetFilter        { condition }
    │   ├── SpansetOperation     && || and the structural operators, over filters, operations and pipelines
    │   ├── AggregateFilter      count() > 3
    │   ├── GroupBy, Coalesce, Select
    └── Series                   time series
        ├── RangeAggregate       pipeline | rate() by (...)
        ├── Compare              pipeline | compare({ ... })
        ├── SeriesOperation      + - * / over series and numbers
        ├── SeriesFilter         series > 5
        └── SeriesRank           series | topk(3)

Inside the braces stand expressions: Literal, Attribute, Intrinsic, Unary, Arithmetic, Comparison, Logical. Numbers that
are made of a spanset use the same nodes over Aggregate and ScalarPipeline.

Parentheses leave no trace: the shape of the tree says what binds. A node with `operands` stands for a chain of one
operator, from left to right: `a - b - c` is `Arithmetic(SUBTRACT, (a, b, c))`; its first operand is never the same
operator again, so a chain of thousands is flat. `parser` bounds the depth of every tree by `MAX_DEPTH`, so recursion
over a tree is safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import NamedTuple, TypeAlias

from pytempo.traceql.functions import Operator
from pytempo.traceql.intrinsics import INTRINSICS, IntrinsicField
from pytempo.traceql.types import Type

__all__ = [
    "MAX_DEPTH",
    "Aggregate",
    "AggregateFilter",
    "Arithmetic",
    "Attribute",
    "Coalesce",
    "Compare",
    "Comparison",
    "Expression",
    "Field",
    "GroupBy",
    "Hint",
    "Intrinsic",
    "Literal",
    "Logical",
    "Node",
    "Pipeline",
    "Position",
    "Query",
    "RangeAggregate",
    "ScalarPipeline",
    "Scope",
    "Select",
    "Series",
    "SeriesFilter",
    "SeriesOperation",
    "SeriesRank",
    "Spanset",
    "SpansetFilter",
    "SpansetOperation",
    "Stage",
    "Unary",
    "children",
    "walk",
]

MAX_DEPTH = 128
"""Levels of a tree: recursion with a few frames a level stays well inside Python's limit of 1,000."""


class Position(NamedTuple):
    """Where a node begins in the text (a function of time series: where its name stands); from 1, columns in characters."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """What every node has: its position, which takes no part in equality."""

    position: Position = field(default=Position(), compare=False, repr=False, kw_only=True)


class Scope(Enum):
    """Where an attribute is looked for; UNSCOPED means the span, then its resource, scope, events and links."""

    UNSCOPED = ""
    SPAN = "span"
    RESOURCE = "resource"
    EVENT = "event"
    LINK = "link"
    INSTRUMENTATION = "instrumentation"


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value: text, numbers and truth as Python has them, durations in nanoseconds, nil as None.

    A status or a kind is its keyword (`"error"`, `"server"`). Negative numbers are one literal.
    """

    value: str | int | float | bool | None
    type: Type


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """An attribute by scope and name; `of_parent` looks at the parent span (`parent.x`, `parent.resource.x`)."""

    scope: Scope
    name: str
    of_parent: bool = False


@dataclass(frozen=True, slots=True)
class Intrinsic(Node):
    """An intrinsic by its canonical name; `spelling` is how the query wrote it (`name` for `span:name`)."""

    name: str
    spelling: str = field(default="", compare=False)

    @property
    def definition(self) -> IntrinsicField:
        """Its row in the table: level, type, spellings."""
        return INTRINSICS[self.name]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x` (NEGATE) or `!x` (NOT)."""

    operator: Operator
    operand: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """A chain of one arithmetic operator, from left to right; POWER always has two operands."""

    operator: Operator
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`left operator right`, true or false."""

    operator: Operator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """A chain of `&&` or of `||`, from left to right."""

    operator: Operator
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """One number of a spanset: `count()`, or `avg`, `min`, `max`, `sum` of an expression."""

    function: str
    argument: Expression | None = None


@dataclass(frozen=True, slots=True)
class ScalarPipeline(Node):
    """`({ ... } | count())`: a number of another spanset of the same trace."""

    pipeline: Pipeline
    scalar: Expression


@dataclass(frozen=True, slots=True)
class SpansetFilter(Node):
    """`{ condition }`; `{}` holds the literal true."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class SpansetOperation(Node):
    """A chain of one logical or structural operator between spansets, from left to right."""

    operator: Operator
    operands: tuple[Spanset, ...]


@dataclass(frozen=True, slots=True)
class AggregateFilter(Node):
    """`count() > 3`: keeps the spansets whose numbers compare so. At least one side holds an Aggregate."""

    operator: Operator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class GroupBy(Node):
    """`by(x)`: splits every spanset by the value of an expression."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    """`coalesce()`: makes one spanset of all the spansets of a trace again."""


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`select(a, b)`: names fields that the answer brings along."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """Stages from left to right. The first is a Spanset; a Pipeline is never a stage of another."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class RangeAggregate(Node):
    """`pipeline | function(argument, quantiles...) by (...)`: time series of the matching spans.

    `argument` is None for `rate` and `count_over_time`; `quantiles` belong to `quantile_over_time` alone.
    """

    pipeline: Pipeline
    function: str
    argument: Field | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`pipeline | compare({ selection }, top, start, end)`; `start` and `end` are unix nanoseconds, both or none."""

    pipeline: Pipeline
    selection: SpansetFilter
    top: int = 10
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesOperation(Node):
    """A chain of `+`, `-`, `*` or `/` from left to right; at least one operand is a series, the others are numbers."""

    operator: Operator
    operands: tuple[Series | Literal, ...]


@dataclass(frozen=True, slots=True)
class SeriesFilter(Node):
    """`series > 5`: keeps the points that compare so."""

    series: Series
    operator: Operator
    threshold: Literal


@dataclass(frozen=True, slots=True)
class SeriesRank(Node):
    """`series | topk(limit)` or `bottomk`, point by point."""

    series: Series
    function: str
    limit: int


@dataclass(frozen=True, slots=True)
class Hint(Node):
    """`name=value` of `with (...)`."""

    name: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole query."""

    expression: Pipeline | Series
    hints: tuple[Hint, ...] = ()


Field: TypeAlias = Attribute | Intrinsic
Expression: TypeAlias = Literal | Attribute | Intrinsic | Unary | Arithmetic | Comparison | Logical | Aggregate | ScalarPipeline
Spanset: TypeAlias = SpansetFilter | SpansetOperation | Pipeline
Stage: TypeAlias = SpansetFilter | SpansetOperation | AggregateFilter | GroupBy | Coalesce | Select
Series: TypeAlias = RangeAggregate | Compare | SeriesOperation | SeriesFilter | SeriesRank


_field_names: dict[type[Node], tuple[str, ...]] = {}
"""Kind of node -> its fields that may hold nodes."""


def _remember_fields(kind: type[Node]) -> tuple[str, ...]:
    names = _field_names[kind] = tuple(each.name for each in fields(kind) if each.compare)
    return names


def children(node: Node) -> Iterator[Node]:
    """The nodes directly under `node`, in the order of the text."""
    kind = type(node)
    for name in _field_names.get(kind) or _remember_fields(kind):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Node):
                    yield item


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything under it, in the order of the text; safe at any depth."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(tuple(children(current))))
