"""Arithmetic as worked solutions write it, one equation at a time, and the check that every equation holds.

Two ways of writing a number. Where probabilities have two decimals, whole numbers: a probability in
percent, a product of two in hundredths of a percent, and so on, with carries and long division written out,
because small models (and people) slip there. Elsewhere, exact decimals.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Number(NamedTuple):
    """A decimal number with the count of probabilities multiplied into it, which sets its unit in percent.

    Attributes:
        units: The number in units of its last place.
        places: Decimals.
        factors: How many probabilities are multiplied in it.
        exact: False if the decimals never end and were rounded.
    """

    units: int
    places: int
    factors: int = 1
    exact: bool = True

    @property
    def value(self) -> Fraction:
        """The number as written."""
        return Fraction(self.units, 10**self.places)

    def __neg__(self) -> "Number":
        return Number(-self.units, self.places, self.factors, self.exact)


def number(value: Fraction, places: int, factors: int = 1) -> Number:
    """A fraction as a number of at least ``places`` decimals; one whose decimals never end is rounded to 8.

    >>> number(Fraction(1, 4), 4), number(Fraction(1, 3), 4)  # doctest: +ELLIPSIS
    (Number(units=2500, places=4, ...exact=True), Number(units=33333333, places=8, ...exact=False))
    """
    scaled = value * 10**places
    if scaled.denominator == 1:
        return Number(scaled.numerator, places, factors)
    return Number(round(value * 10**8), 8, factors, (value * 10**8).denominator == 1)


def printed(text: str, places: int) -> Number:
    """A printed decimal as a number of ``places`` decimals, at least as many as it has.

    >>> printed("0.25", 4)
    Number(units=2500, places=4, factors=1, exact=True)
    """
    whole, _, rest = text.partition(".")
    return Number(int(whole + rest) * 10 ** (places - len(rest)), places)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A way of writing numbers: whole percents, or decimals."""

    percent: bool

    def show(self, n: Number) -> str:
        """The number as written."""
        if self.percent and n.places == 2 * n.factors:
            return str(n.units)
        whole, rest = divmod(abs(n.units), 10**n.places)
        return f"{'-' if n.units < 0 else ''}{whole}.{rest:0{n.places}d}"

    def equation(self, left: str, result: Number) -> str:
        """``left = result``, with ``≈`` where the result is rounded."""
        return f"{left} {'=' if result.exact else '≈'} {self.show(result)}"

    def difference(self, a: Number, b: Number) -> tuple[str, Number]:
        """``a - b`` of two numbers with equally many factors."""
        result = _added(a, -b)
        return self.equation(f"{self.show(a)} - {self.show(b)}", result), result

    def product(self, a: Number, b: Number) -> tuple[str, Number]:
        """``a * b``; in percent with the partial products by tens and ones."""
        result = Number(a.units * b.units, a.places + b.places, a.factors + b.factors, a.exact and b.exact)
        left = f"{self.show(a)} * {self.show(b)}"
        tens, ones = divmod(b.units, 10)
        if self.percent and b.places == 2 and a.places == 2 * a.factors and tens and ones and a.units:
            left += f" = {a.units * tens * 10} {'+' if a.units > 0 else '-'} {abs(a.units * ones)}"
        return self.equation(left, result), result

    def total(self, terms: Sequence[Number]) -> tuple[list[str], Number]:
        """The sum of numbers with equally many factors, two at a time; in percent pair of digits by pair."""
        lines, so_far = [], terms[0]
        for term in terms[1:]:
            result = _added(so_far, term)
            left = f"{self.show(so_far)} {'-' if term.units < 0 else '+'} {self.show(term).lstrip('-')}"
            lines.append(self._digit_pairs(so_far, term) + self.equation(left, result))
            so_far = result
        return lines, so_far

    def quotient(self, a: Number, b: Number) -> list[str]:
        """``a / b`` for 0 < a < b, to 4 decimals; in percent by long division."""
        lines = []
        if self.percent and a.places == 2 * a.factors == b.places:
            rest = a.units
            for _ in range(4):
                digit, after = divmod(rest * 10, b.units)
                taken = digit * b.units
                lines.append(f"{digit} * {b.units} = {taken}, {rest * 10} - {taken} = {after}")
                rest = after
        value = decimal(Fraction(a.units * 10**b.places, b.units * 10**a.places), 4)
        return [*lines, f"{self.show(a)} / {self.show(b)} ≈ {value}"]

    def clipped(self, a: Number, b: Number) -> list[str]:
        """``a / b`` for b > 0, to 4 decimals, or 0 or 1 where it is not between them."""
        if a.units <= 0:
            return ["not above 0: 0"]
        if self.difference(a, b)[1].units >= 0:
            return [f"{self.show(a)} not below {self.show(b)}: 1"]
        return self.quotient(a, b)

    def _digit_pairs(self, a: Number, b: Number) -> str:
        p, q = a.units, b.units
        if not self.percent or a.places != 2 * a.factors or b.places != a.places:
            return ""
        small, large = sorted((abs(p), abs(q)))
        if not small or not 100 <= large < 10**4:
            return ""
        (h1, l1), (h2, l2) = divmod(large, 100), divmod(small, 100)
        if (p > 0) == (q > 0):
            carry = int(l1 + l2 >= 100)
            high = f"{h1:02d} + {h2:02d}{' + 1' * carry} = {h1 + h2 + carry:02d}"
            return f"{l1:02d} + {l2:02d} = {l1 + l2:02d}, {high}, "
        borrow = int(l1 < l2)
        l1 += 100 * borrow
        high = f"{h1:02d} - {h2:02d}{' - 1' * borrow} = {h1 - h2 - borrow:02d}"
        return f"{l1:02d} - {l2:02d} = {l1 - l2:02d}, {high}, "


def _added(a: Number, b: Number) -> Number:
    if a.places == b.places:
        return Number(a.units + b.units, a.places, a.factors, a.exact and b.exact)
    places = max(a.places, b.places)
    units = a.units * 10 ** (places - a.places) + b.units * 10 ** (places - b.places)
    return Number(units, places, a.factors, a.exact and b.exact)


def decimal(value: Fraction, places: int) -> str:
    """A fraction as a decimal, rounded half away from zero, without a negative zero.

    >>> decimal(Fraction(1, 8), 4), decimal(Fraction(-25, 100000), 4), decimal(Fraction(-1, 10**9), 4)
    ('0.1250', '-0.0003', '0.0000')
    """
    units = (2 * abs(value.numerator) * 10**places + value.denominator) // (2 * value.denominator)
    return f"{'-' if value < 0 < units else ''}{units // 10**places}.{units % 10**places:0{places}d}"


_SIDE = r"[-+]? ?\(?\d[\d. +*/()-]{0,200}"
_EQUATION = re.compile(rf"(?<![\w.]){_SIDE}(?:[=≈] ?{_SIDE})+")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[-+*/()])")


def equations(text: str) -> Iterator[tuple[str, bool]]:
    """Every numeric equation in a text, with whether it holds (``≈``: to the last decimal written).

    >>> list(equations("Z = low: 31 * 45 = 1240 + 155 = 1395, then 2/3 ≈ 0.67 and 1 + 1 = 3"))
    [('31 * 45 = 1240 + 155 = 1395', True), ('2/3 ≈ 0.67', True), ('1 + 1 = 3', False)]
    """
    for found in _EQUATION.finditer(text):
        written = found.group().strip(" .").rstrip("( ")
        sides = re.split(r"([=≈])", written)
        if sides[0].count("(") > sides[0].count(")"):  # a bracket around more than the equation
            written = written.lstrip("( ")
            sides[0] = sides[0].lstrip("( ")
        try:
            values = [evaluate(side) for side in sides[::2]]
        except (ValueError, ZeroDivisionError):
            yield written, False
            continue
        holds = True
        for a, sign, b, shown in zip(values, sides[1::2], values[1:], sides[2::2], strict=False):
            places = len(shown.rpartition(".")[2].strip()) if "." in shown else 0
            holds &= a == b if sign == "=" else abs(a - b) <= Fraction(1, 2 * 10**places)
        yield written, holds


def evaluate(expression: str) -> Fraction:
    """The exact value of sums, products, quotients and brackets of decimals.

    Raises:
        ValueError: If the text is anything else.
        ZeroDivisionError: On division by zero.

    >>> evaluate("(0.5 - 0.2) * 3 / -4")
    Fraction(-9, 40)
    """
    tokens = []
    position, stripped = 0, expression.strip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if not found:
            raise ValueError(f"not arithmetic: {expression!r}")
        tokens.append(found.group(1))
        position = found.end()
    tokens.append("")
    value, end = _sum(tokens, 0)
    if tokens[end]:
        raise ValueError(f"not arithmetic: {expression!r}")
    return value


def _sum(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _products(tokens, at)
    while tokens[at] in ("+", "-"):
        sign = 1 if tokens[at] == "+" else -1
        term, at = _products(tokens, at + 1)
        value += sign * term
    return value, at


def _products(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _atom(tokens, at)
    while tokens[at] in ("*", "/"):
        times = tokens[at] == "*"
        factor, at = _atom(tokens, at + 1)
        value = value * factor if times else value / factor
    return value, at


def _atom(tokens: list[str], at: int) -> tuple[Fraction, int]:
    if tokens[at] == "-":
        value, at = _atom(tokens, at + 1)
        return -value, at
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError("a bracket is not closed")
        return value, at + 1
    try:
        return Fraction(tokens[at]), at + 1
    except ValueError:
        raise ValueError("a number is missing") from None
