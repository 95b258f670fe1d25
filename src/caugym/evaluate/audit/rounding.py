"""What printed numbers allow: the values of a formula when every number may hide more decimals.

A printed ``0.4358`` stands for anything from 0.43575 to 0.43585. Interval arithmetic carries those ranges
through a formula; it never gives too narrow a range, so what lies outside cannot be right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from caugym.core.expr import Clip, Expr
from caugym.core.query import Term
from caugym.problems.derive import RULES, Derivation


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from ``low`` to ``high``, both included."""

    low: Fraction
    high: Fraction

    def __contains__(self, value: Fraction | int) -> bool:
        return self.low <= value <= self.high

    def __add__(self, other: "Interval | int") -> "Interval":
        b = _interval(other)
        return Interval(self.low + b.low, self.high + b.high)

    def __sub__(self, other: "Interval | int") -> "Interval":
        b = _interval(other)
        return Interval(self.low - b.high, self.high - b.low)

    def __rsub__(self, other: int) -> "Interval":
        return _interval(other) - self

    def __mul__(self, other: "Interval | int") -> "Interval":
        b = _interval(other)
        ends = [x * y for x in (self.low, self.high) for y in (b.low, b.high)]
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: "Interval | int") -> "Interval":
        b = _interval(other)
        if 0 in b:
            raise ZeroDivisionError("the divisor may be 0")
        return self * Interval(1 / b.high, 1 / b.low)

    __radd__, __rmul__ = __add__, __mul__

    def clipped(self, side: str) -> "Interval":
        """``max{0, ...}`` (side "lower") or ``min{1, ...}`` (side "upper") of every number."""
        if side == "lower":
            return Interval(max(Fraction(0), self.low), max(Fraction(0), self.high))
        return Interval(min(Fraction(1), self.low), min(Fraction(1), self.high))

    def wider(self, other: "Interval") -> "Interval":
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


def hidden(printed: str) -> Interval:
    """The probabilities that round to a printed decimal.

    >>> hidden("0.0450")
    Interval(low=Fraction(899, 20000), high=Fraction(901, 20000))
    """
    centre = Fraction(printed)
    half = Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
    return Interval(max(Fraction(0), centre - half), min(Fraction(1), centre + half))


def spread(
    expr: Expr, derivations: Mapping[Term, Derivation], printed: Mapping[Term, str]
) -> Interval | None:
    """All values that a formula may take when the printed numbers hide decimals; None where it is unbounded.

    Args:
        expr: The formula.
        derivations: How each of its terms follows from stated ones.
        printed: The stated numbers.
    """

    def value(derivation: Derivation) -> Interval:
        if not derivation.parts:
            return hidden(printed[derivation.term])
        found = RULES[derivation.rule].apply(*map(value, derivation.parts))
        return Interval(max(Fraction(0), found.low), min(Fraction(1), found.high))

    inner = expr.inner if isinstance(expr, Clip) else expr
    try:
        found: Interval = inner.evaluate(lambda term: value(derivations[term]))
    except ZeroDivisionError:
        return None
    return found.clipped(expr.side) if isinstance(expr, Clip) else found


def _interval(value: "Interval | int") -> Interval:
    return value if isinstance(value, Interval) else Interval(Fraction(value), Fraction(value))
