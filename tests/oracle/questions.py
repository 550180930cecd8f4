"""Random queries over the data of `generate`: nearly all make sense, and their constants are values that the data has, or neighbours."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from tests.oracle import generate
from tests.oracle.spans import KINDS, STATUSES

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
STRUCTURAL = tuple(prefix + symbol for prefix in ("", "!", "&") for symbol in (">", ">>", "<", "<<", "~"))
PATTERNS = ("a", "a.*", ".*", "", "a|b", "(?s).*b", "[^a]+", "GET.*", "(?i)get /", "名.", "b.se", r"\d+", "(a)b?", "c.*t", r"[0-9a-f]{2}.*")
SCOPES = {
    ".": generate.SPAN_KEYS,
    "span.": generate.SPAN_KEYS,
    "resource.": (*generate.RESOURCE_KEYS, "service.name"),
    "instrumentation.": generate.SCOPE_KEYS,
    "event.": generate.BELOW_KEYS,
    "link.": (*generate.BELOW_KEYS, "opentracing.ref_type"),
    "parent.": generate.SPAN_KEYS,
    "parent.resource.": (*generate.RESOURCE_KEYS, "service.name"),
}
TEXT_INTRINSICS = {
    "name": generate.NAMES,
    "span:name": generate.NAMES,
    "statusMessage": ("", "boom", "a"),
    "rootName": generate.NAMES,
    "trace:rootService": generate.SERVICES,
    "event:name": ("", "exception", "a"),
    "instrumentation:name": ("", "otel.http"),
    "instrumentation:version": ("", "1.0", "2"),
}
ID_INTRINSICS = ("span:id", "span:parentID", "trace:id", "link:traceID", "link:spanID")
IDS = ("ab", "AB", "1", "0000000000000001", "0" * 16, "", "000000000000000000000000000000ab", "f" * 16, "zz")
DURATIONS = ("0s", "1ns", "10ns", "1us", "5ms", "20ms", "1s", "3s", "1h", "-3ns")
DURATION_INTRINSICS = ("duration", "span:duration", "traceDuration", "event:timeSinceStart")
FLAGS = (".flag", "span.flag", "resource.flag", "parent.flag", "event.odd", ".n", "true", "false")
NUMBERS = ("duration", "event:timeSinceStart", "span:childCount", "1", "2", "3", "0", "2.5", "200", "10ns")
COUNTS = ("span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent")


class Questions:
    """Random queries; the same for the same source of chance. `ids` are trace ids (hex) of the data."""

    def __init__(self, chance: random.Random, ids: Sequence[str]) -> None:
        self.chance = chance
        self.ids = (*IDS, *ids)

    def query(self) -> str:
        return self.pipeline(self.chance.choice((0, 0, 1, 2)))

    def pipeline(self, depth: int) -> str:
        stages = [self.spanset(depth), *(self.stage(depth) for _ in range(self.chance.choice((0, 0, 0, 1, 1, 2, 3))))]
        return " | ".join(stages)

    def spanset(self, depth: int) -> str:
        if depth == 0 or self._rarely(3):
            return f"{{ {self.condition(self.chance.choice((0, 0, 1, 1, 2)))} }}" if not self._rarely(8) else "{ }"
        left, right = (self.spanset(depth - 1) for _ in range(2))
        if self._rarely(8):
            right = f"({self.pipeline(depth - 1)})"
        operator = self.chance.choice(("&&", "||", *STRUCTURAL))
        more = f" {self.chance.choice(('&&', '||', operator))} {self.spanset(0)}" if self._rarely(5) else ""
        return f"({left} {operator} {right}{more})" if depth == 1 else f"{left} {operator} ({right}){more}"

    def stage(self, depth: int) -> str:
        match self.chance.randrange(8):
            case 0 | 1 | 2:
                return f"{self.scalar(2)} {self.chance.choice(COMPARISONS)} {self.scalar_side()}"
            case 3 | 4:
                return f"by({self.grouped()})"
            case 5:
                return "coalesce()"
            case 6:
                return f"select({self.attribute()}, {self.chance.choice(('name', 'duration', 'event:name', 'kind'))})"
        return self.spanset(min(depth, 1))

    def grouped(self) -> str:
        match self.chance.randrange(6):
            case 0:
                return self.calculation()
            case 1:
                return self.chance.choice(("status", "kind", "name", "duration", "trace:rootName", "event:name", "span:childCount"))
            case 2:
                return self.condition(0)
        return self.attribute()

    def scalar(self, depth: int) -> str:
        """A number of a spanset."""
        match self.chance.randrange(8 if depth else 5):
            case 0 | 1:
                return "count()"
            case 2 | 3:
                argument = self.chance.choice(("duration", self.attribute(), self.attribute("n")))
                return f"{self.chance.choice(('avg', 'min', 'max', 'sum'))}({argument})"
            case 4:
                return f"{self.chance.choice(('avg', 'min', 'max', 'sum'))}({self.calculation()})"
            case 5 | 6:
                return f"({self.scalar(depth - 1)} {self.chance.choice('+-*/%')} {self.scalar_side()})"
        return f"({self.spanset(1)} | {self.chance.choice(('count()', 'max(duration)', 'sum(.n)'))})"

    def scalar_side(self) -> str:
        return self.chance.choice(("0", "1", "2", "3", "2.5", "200", "-1", "10ns", "5ms", "count()", "max(duration)", self.scalar(1)))

    def condition(self, depth: int) -> str:
        if depth == 0:
            return self.comparison()
        match self.chance.randrange(8):
            case 0:
                return f"!({self.condition(depth - 1)})"
            case 1:
                other = self.chance.choice(("true", "false", self.flag()))
                return f"({self.condition(depth - 1)}) {self.chance.choice(('=', '!='))} {other}"
        operators = (self.chance.choice(("&&", "||")) for _ in range(2))
        parts = [self.condition(depth - 1) for _ in range(self.chance.choice((2, 2, 3)))]
        joined = parts[0] + "".join(f" {operator} {part}" for operator, part in zip(operators, parts[1:], strict=False))
        return f"({joined})" if self._rarely(2) else joined

    def comparison(self) -> str:
        match self.chance.randrange(14):
            case 0:
                return self.flag()
            case 1:
                return self.absence()
            case 2:
                return f"{self.numeric(1)} {self.chance.choice(COMPARISONS)} {self.numeric(1)}"
            case 3:
                return f"{self.attribute()} {self.chance.choice((*COMPARISONS, '='))} {self.attribute()}"
            case 4:
                return self.of_text()
            case 5:
                return self.of_id()
            case 6:
                return self.of_number(DURATION_INTRINSICS, (*DURATIONS, "5", "2.5"))
            case 7:
                return self.chance.choice((self.of_words("status", STATUSES), self.of_words("kind", KINDS)))
            case 8:
                return self.of_number(COUNTS, ("-1", "0", "1", "2", "3", "4.5"))
        return self.of_attribute()

    def of_number(self, fields: Sequence[str], numbers: Sequence[str]) -> str:
        return self.turned(self.chance.choice(fields), self.chance.choice(COMPARISONS), self.chance.choice(numbers))

    def of_attribute(self) -> str:
        """An attribute with a value that it may have."""
        field, pool = self._field()
        if self._rarely(5):
            return f"{field} {self.chance.choice(('=~', '!~'))} {self.pattern()}"
        value = self.chance.choice(pool)
        while not isinstance(value, str | int | float):
            value = self.chance.choice((*value, "a", 3)) if isinstance(value, tuple) and value else self.chance.choice(("a", 3, True))
        operators = ("=", "!=") if isinstance(value, bool) else COMPARISONS
        return self.turned(field, self.chance.choice(operators), self.literal(value))

    def of_text(self) -> str:
        field = self.chance.choice(tuple(TEXT_INTRINSICS))
        if self._rarely(3):
            return f"{field} {self.chance.choice(('=~', '!~'))} {self.pattern()}"
        other = self.chance.choice((self.literal(self.chance.choice(TEXT_INTRINSICS[field])), self.attribute(), "name"))
        return self.turned(field, self.chance.choice(COMPARISONS), other)

    def of_id(self) -> str:
        field = self.chance.choice(ID_INTRINSICS)
        if self._rarely(4):
            return f"{field} {self.chance.choice(('=~', '!~'))} {self.pattern()}"
        named = self.literal(self.chance.choice(self.ids))
        other = self.chance.choice((named, named, "span:id", "trace:id"))
        return self.turned(field, self.chance.choice(("=", "=", "!=", "<")), other)

    def of_words(self, field: str, words: Sequence[str]) -> str:
        other = self.chance.choice((*words, *words, field, self.attribute()))
        return self.turned(field, self.chance.choice(("=", "!=")), other)

    def absence(self) -> str:
        if self._rarely(4):
            return f"{self.chance.choice(('event:name', 'link:spanID', 'name', 'status', 'duration', '(.n = 3)'))} != nil"
        field = self.attribute()
        asked = self.chance.choice((field, field, field, f"{field} + 1", "parent", f"-{field}"))
        return self.turned(asked, self.chance.choice(("=", "!=")), "nil")

    def flag(self) -> str:
        return self.chance.choice(("", "", "!")) + self.chance.choice(FLAGS)

    def numeric(self, depth: int) -> str:
        """A number of a span."""
        if depth == 0 or self._rarely(3):
            return self.chance.choice((self.attribute(), self.attribute("n"), self.attribute("n"), *NUMBERS))
        match self.chance.randrange(10):
            case 0:
                return f"-{self.attribute('n')}"
            case 1:
                return f"{self.attribute('n')} ^ {self.chance.choice(('2', '0.5', '-1', '0', self.attribute('n')))}"
        return f"({self.numeric(depth - 1)} {self.chance.choice('+-*/%')} {self.numeric(depth - 1)})"

    def calculation(self) -> str:
        """A number of a span that has a field in it."""
        return f"{self.attribute('n')} {self.chance.choice('+-*/%^')} {self.numeric(0)}"

    def pattern(self) -> str:
        return self.literal(self.chance.choice(PATTERNS))

    def attribute(self, key: str | None = None) -> str:
        return self._field(key)[0]

    def _field(self, key: str | None = None) -> tuple[str, Sequence[object]]:
        scope = self.chance.choice((".", "span.", "span.", *SCOPES))
        if key is None or key not in SCOPES[scope]:
            key = self.chance.choice((*SCOPES[scope], "never") if self._rarely(6) else SCOPES[scope])
        if scope == "." and self._rarely(10):
            key = "only"
        return scope + (f'"{key}"' if " " in key else key), generate.POOLS.get(key, ("a", 3))

    def turned(self, left: str, operator: str, right: str) -> str:
        return f"{right} {operator} {left}" if self._rarely(6) else f"{left} {operator} {right}"

    def literal(self, value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        if self._rarely(6) and isinstance(value, int | float) and abs(value) < 2**60:
            value += self.chance.choice((1, -1, 0.5))
        return repr(value)

    def _rarely(self, times: int) -> bool:
        return self.chance.randrange(times) == 0
