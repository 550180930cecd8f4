"""Random metrics queries over the data of `generate`."""

from __future__ import annotations

from tests.oracle.questions import COMPARISONS, Questions

MEASURES = ("min_over_time", "max_over_time", "avg_over_time", "sum_over_time", "quantile_over_time", "histogram_over_time")
NUMBERS = (
    *("duration", "traceDuration", "event:timeSinceStart", "span:childCount", "name"),
    *(".n", "span.n", "span.ratio", "span.codes", "parent.n", "event.n"),
)
GROUPS = (
    *("status", "kind", "name", "duration", "rootServiceName", "span:childCount", "instrumentation:version"),
    *("event:name", "link:spanID", "event:timeSinceStart"),
    *("resource.service.name", "span.tags", "span.flag", ".only", "span.odd", "parent.s"),
)


class SeriesQuestions(Questions):
    """Random metrics queries; the same for the same source of chance."""

    def query(self) -> str:
        if self._rarely(12):
            return f"{self.spanset(1)} | compare({{ {self.condition(1)} }}, {self.chance.randint(1, 4)})"
        if self._rarely(3):
            return self.calculated()
        series = self.aggregate()
        if self._rarely(4):
            series += f" | {self.chance.choice(('topk', 'bottomk'))}({self.chance.randint(1, 4)})"
        if self._rarely(4):
            series += f" {self.chance.choice(COMPARISONS)} {self.chance.choice(('0', '1', '2', '0.5', '3.5', '5ms', '1s'))}"
        return series

    def aggregate(self, by: str = "") -> str:
        pipeline = self.pipeline(self.chance.choice((0, 0, 0, 1, 2)))
        if self._rarely(2):
            return f"{pipeline} | {self.chance.choice(('rate', 'count_over_time'))}(){by or self.groups()}"
        function, argument = self.chance.choice(MEASURES), self.chance.choice(NUMBERS)
        more = self.chance.choice((", .5", ", 0, .25, 1", ", .9, .99")) if function == "quantile_over_time" else ""
        return f"{pipeline} | {function}({argument}{more}){by or self.groups()}"

    def groups(self) -> str:
        count = self.chance.choice((0, 0, 1, 1, 2, 3))
        fields = [self.attribute() if self._rarely(2) else self.chance.choice(GROUPS) for _ in range(count)]
        return f" by ({', '.join(fields)})" if fields else ""

    def calculated(self) -> str:
        """Several series, or series and numbers."""
        by = self.groups()
        operator, number = self.chance.choice("+-*/"), self.chance.choice(("2", "0.5", "60", "0"))
        left, right = f"({self.aggregate(by)})", self.chance.choice((f"({self.aggregate(by)})", f"({self.aggregate()})", number))
        more = f" {self.chance.choice('+-*/')} {self.chance.choice((number, f'({self.aggregate(by)})'))}" if self._rarely(3) else ""
        return f"{number} {operator} {left}{more}" if self._rarely(4) else f"{left} {operator} {right}{more}"
