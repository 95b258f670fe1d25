"""Arithmetic as worked solutions write it, one equation at a time, and the check that every equation holds.

Two ways of writing a number. Where probabilities have two decimals, whole numbers: a probability in percent, a
product of two in hundredths of a percent, and so on, with carries and long division written out, because small
models (and people) slip there. Elsewhere, exact decimals.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number with the count of probabilities multiplied into it, which sets its unit in percent."""

    value: Fraction
    factors: int = 1

    def __neg__(self) -> "Number":
        return Number(-self.value, self.factors)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A way of writing numbers: whole percents, or decimals."""

    percent: bool

    def show(self, number: Number) -> str:
        """The number as written: exact, or to 8 decimals where its decimals never end."""
        value = number.value * 100**number.factors if self.percent else number.value
        return str(value.numerator) if value.denominator == 1 else decimal(value)

    def difference(self, a: Number, b: Number) -> tuple[str, Number]:
        """``a - b`` of two numbers in the same unit."""
        result = Number(a.value - b.value, a.factors)
        return f"{self.equation(f'{self.show(a)} - {self.show(b)}', result)}", result

    def product(self, a: Number, b: Number) -> tuple[str, Number]:
        """``a * b``; in percent with the partial products by tens and ones."""
        result = Number(a.value * b.value, a.factors + b.factors)
        left = f"{self.show(a)} * {self.show(b)}"
        if self.percent and b.factors == 1:
            first = a.value * 100**a.factors
            tens, ones = divmod(b.value * 100, 10)
            if first.denominator == ones.denominator == 1 and tens and ones and first:
                sign = "+" if first > 0 else "-"
                left += f" = {first * tens * 10} {sign} {abs(first * ones)}"
        return self.equation(left, result), result

    def total(self, terms: Sequence[Number]) -> tuple[list[str], Number]:
        """The sum of numbers in one unit, two at a time; in percent pair of digits by pair of digits."""
        lines, so_far = [], terms[0]
        for term in terms[1:]:
            result = Number(so_far.value + term.value, so_far.factors)
            sign = "-" if term.value < 0 else "+"
            left = f"{self.show(so_far)} {sign} {self.show(Number(abs(term.value), term.factors))}"
            lines.append(f"{self._digit_pairs(so_far, term)}{self.equation(left, result)}")
            so_far = result
        return lines, so_far

    def quotient(self, a: Number, b: Number) -> tuple[list[str], Number]:
        """``a / b`` for 0 < a < b, to 4 decimals; in percent by long division."""
        lines = []
        dividend, divisor = a.value * 100**a.factors, b.value * 100**b.factors
        if self.percent and dividend.denominator == divisor.denominator == 1:
            rest = int(dividend)
            for _ in range(4):
                digit, after = divmod(rest * 10, int(divisor))
                taken = digit * int(divisor)
                lines.append(f"{digit} * {divisor} = {taken}, {rest * 10} - {taken} = {after}")
                rest = after
        result = a.value / b.value
        lines.append(f"{self.show(a)} / {self.show(b)} ≈ {decimal(result, 4)}")
        return lines, Number(result, 0)

    def equation(self, left: str, result: Number) -> str:
        """``left = result``, with ``≈`` where the result never ends and is rounded."""
        shown = self.show(result)
        exact = Fraction(shown) == result.value * (100**result.factors if self.percent else 1)
        return f"{left} {'=' if exact else '≈'} {shown}"

    def _digit_pairs(self, a: Number, b: Number) -> str:
        if not self.percent:
            return ""
        p, q = (n.value * 100**n.factors for n in (a, b))
        if p.denominator != 1 or q.denominator != 1 or not 100 <= max(abs(p), abs(q)) < 10**4 or not p or not q:
            return ""
        large, small = sorted((abs(int(p)), abs(int(q))), reverse=True)
        (h1, l1), (h2, l2) = divmod(large, 100), divmod(small, 100)
        if (p > 0) == (q > 0):
            carry, low = divmod(l1 + l2, 100)
            low_side, high_side = f"{l1:02d} + {l2:02d} = {carry * 100 + low:02d}", f"{h1:02d} + {h2:02d}"
            high_side += f" + {carry} = {h1 + h2 + carry:02d}"
        else:
            borrow = int(l1 < l2)
            low_side = f"{l1:02d} - {l2:02d}{' + 100' * borrow} = {l1 - l2 + 100 * borrow:02d}"
            high_side = f"{h1:02d} - {h2:02d} - {borrow} = {h1 - h2 - borrow:02d}"
        return f"{low_side}, {high_side}, "


def decimal(value: Fraction, places: int | None = None) -> str:
    """A fraction as a decimal, rounded half away from zero; by default exact, or 8 places if it never ends.

    >>> decimal(Fraction(1, 8)), decimal(Fraction(1, 3)), decimal(Fraction(-25, 100000), 4)
    ('0.125', '0.33333333', '-0.0003')
    """
    if places is None:
        rest, twos, fives = value.denominator, 0, 0
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        places = max(twos, fives) if rest == 1 else 8
    scaled = abs(value.numerator) * 10**places
    units = (2 * scaled + value.denominator) // (2 * value.denominator)
    if places == 0:
        return f"{'-' * (value < 0 < units)}{units}"
    return f"{'-' * (value < 0 < units)}{units // 10**places}.{units % 10**places:0{places}d}"


_SIDE = r"[-+]? ?\(?\d[\d. +*/()-]{0,200}"
_EQUATION = re.compile(rf"(?<![\w.]){_SIDE}(?:[=≈] ?{_SIDE})+")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[-+*/()])")


def equations(text: str) -> Iterator[tuple[str, bool]]:
    """Every numeric equation in a text, with whether it holds (``≈``: to the last decimal written).

    >>> list(equations("Z=low: 31 * 45 = 1240 + 155 = 1395, then 2/3 ≈ 0.67 and 1 + 1 = 3"))
    [('31 * 45 = 1240 + 155 = 1395', True), ('2/3 ≈ 0.67', True), ('1 + 1 = 3', False)]
    """
    for found in _EQUATION.finditer(text):
        written = found.group().strip(" .(")
        sides = re.split(r"([=≈])", written)
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
