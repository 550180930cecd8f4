"""Calls of functions: counts and sorts the arguments by the table of functions and makes the node of each.

A function of time series needs what comes in through the pipe: its node stays open (`OpenSeries`) until `stages` has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pytempo.errors import BadQuery
from pytempo.traceql.ast import (
    Aggregate,
    Attribute,
    Coalesce,
    Compare,
    Expression,
    Field,
    GroupBy,
    Intrinsic,
    Literal,
    Pipeline,
    Position,
    RangeAggregate,
    Select,
    Series,
    SeriesFilter,
    SeriesRank,
    SpansetFilter,
)
from pytempo.traceql.functions import FUNCTIONS, Function, Operator, Parameter, Yields
from pytempo.traceql.spelling import suggest_function
from pytempo.traceql.types import Type

__all__ = ["Argument", "Grouping", "OpenSeries", "call"]

Argument: TypeAlias = Expression | SpansetFilter
Called: TypeAlias = "Aggregate | GroupBy | Coalesce | Select | OpenSeries"


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by (...)`, behind a function or as a stage."""

    arguments: tuple[Argument, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class OpenSeries:
    """A stage that makes or ranks time series, before it is known of what; `threshold` is a comparison behind it."""

    function: Function
    arguments: tuple[Argument, ...]
    by: tuple[Field, ...]
    position: Position
    threshold: tuple[Operator, Literal] | None = None

    def over(self, source: Pipeline | Series) -> Series:
        """The node, now that what comes in is known."""
        series = _close(self, source)
        return series if self.threshold is None else SeriesFilter(series, *self.threshold, position=self.position)


def call(name: str, arguments: tuple[Argument, ...], by: Grouping | None, position: Position) -> Called:
    """The node of a call. Raises BadQuery for an unknown function and for arguments that do not fit."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise BadQuery(suggest_function(name), *position)
    _check_arguments(function, arguments, position)
    if by is not None and (function.yields is not Yields.SERIES or name == "compare"):
        raise BadQuery(f"`by` cannot stand behind {name}(); as a stage of its own it can: | by(…)", *by.position)
    if function.yields in (Yields.SERIES, Yields.RANKED):
        return OpenSeries(function, arguments, _groups(by), position)
    return _CLOSED[name](name, arguments, position) if name in _CLOSED else _aggregate(name, arguments, position)


def _check_arguments(function: Function, arguments: tuple[Argument, ...], position: Position) -> None:
    parameters = function.parameters
    if len(arguments) < len(parameters) - function.optional or (len(arguments) > len(parameters) and not function.repeats):
        raise BadQuery(f"{function.name}() takes {_arity(function)}, not {len(arguments)}; for example {function.usage}", *position)
    for index, argument in enumerate(arguments):
        parameter = parameters[min(index, len(parameters) - 1)]
        if not _fits(argument, parameter):
            raise BadQuery(f"here {function.name}() takes {parameter.value}; for example {function.usage}", *argument.position)


def _arity(function: Function) -> str:
    most = len(function.parameters)
    least = most - function.optional
    if most == 0:
        return "no argument"
    number = f"at least {least}" if function.repeats else str(least) if least == most else f"{least} to {most}"
    return f"{number} argument{'s' if most > 1 and not (function.repeats and least == 1) else ''}"


def _fits(argument: Argument, parameter: Parameter) -> bool:
    match parameter:
        case Parameter.FILTER:
            return isinstance(argument, SpansetFilter)
        case Parameter.FIELD:
            return isinstance(argument, Field)
        case Parameter.INTEGER:
            return isinstance(argument, Literal) and argument.type is Type.INT
        case Parameter.NUMBER:
            return isinstance(argument, Literal) and argument.type in (Type.INT, Type.FLOAT)
    return not isinstance(argument, SpansetFilter)


def _groups(by: Grouping | None) -> tuple[Field, ...]:
    if by is None:
        return ()
    if not by.arguments:
        raise BadQuery("by () must name at least one field, such as by (resource.service.name)", *by.position)
    for argument in by.arguments:
        if not isinstance(argument, Field):
            raise BadQuery("time series are grouped by fields alone, such as by (resource.service.name)", *argument.position)
    return tuple(argument for argument in by.arguments if isinstance(argument, Field))


def _aggregate(name: str, arguments: tuple[Argument, ...], position: Position) -> Aggregate:
    (argument,) = _expressions(arguments) or (None,)
    return Aggregate(name, argument, position=position)


def _group_by(_name: str, arguments: tuple[Argument, ...], position: Position) -> GroupBy:
    return GroupBy(_expressions(arguments)[0], position=position)


def _coalesce(_name: str, _arguments: tuple[Argument, ...], position: Position) -> Coalesce:
    return Coalesce(position=position)


def _select(_name: str, arguments: tuple[Argument, ...], position: Position) -> Select:
    return Select(tuple(field for field in arguments if isinstance(field, Attribute | Intrinsic)), position=position)


_CLOSED: dict[str, Callable[[str, tuple[Argument, ...], Position], GroupBy | Coalesce | Select]] = {
    "by": _group_by,
    "coalesce": _coalesce,
    "select": _select,
}


def _expressions(arguments: tuple[Argument, ...]) -> tuple[Expression, ...]:
    return tuple(argument for argument in arguments if not isinstance(argument, SpansetFilter))


def _numbers(arguments: tuple[Argument, ...]) -> tuple[int | float, ...]:
    return tuple(each.value for each in arguments if isinstance(each, Literal) and isinstance(each.value, int | float))


def _close(stage: OpenSeries, source: Pipeline | Series) -> Series:
    name, arguments, position = stage.function.name, stage.arguments, stage.position
    numbers = _numbers(arguments)
    if not isinstance(source, Pipeline):
        return SeriesRank(source, name, int(numbers[0]), position=position)
    if name == "compare" and isinstance(arguments[0], SpansetFilter):
        return Compare(source, arguments[0], *(int(number) for number in numbers), position=position)
    argument = arguments[0] if arguments and isinstance(arguments[0], Field) else None
    return RangeAggregate(source, name, argument, tuple(float(number) for number in numbers), stage.by, position=position)
