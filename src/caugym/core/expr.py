"""Probability expressions: formulas that evaluate on exact fractions and print as text and LaTeX.

An expression is a small tree over `caugym.core.query.Term`. Sums over the levels of a variable stay
symbolic (one `Total` node, printed ``sum_z``) and are written out only when they are evaluated. Inside a
sum the level of an index variable is `FREE`.

>>> effect = total(0b1, prob({2: 1}, {1: 1, 0: FREE}) * prob({0: FREE}))
>>> print(effect.text())
sum_v0 P(V2=1 | v0, V1=1) * P(v0)
>>> [term.given for term in effect.terms()]
[((0, 0), (1, 1)), (), ((0, 1), (1, 1)), ()]
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import add, mul, sub, truediv
from typing import Any, Literal, Protocol, TypeVar, cast

import numpy as np

from caugym.core.graph import bits
from caugym.core.query import Assignment, Term

FREE = -1
"""The level of a variable that a surrounding sum runs over."""

T = TypeVar("T")
Levels = Mapping[int, int]
"""Levels of index variables."""


class Namer(Protocol):
    """What a printed formula calls things."""

    def symbol(self, variable: int) -> str:
        """The variable itself, e.g. ``"Z"``."""
        ...

    def level(self, variable: int, level: int) -> str:
        """One of its levels, e.g. ``"1"`` or ``"high"``."""
        ...

    def index(self, variable: int) -> str:
        """The letter of a sum over its levels, e.g. ``"z"``."""
        ...


@dataclass(frozen=True, slots=True)
class Symbols:
    """A namer with a symbol for each variable, and levels printed as numbers.

    Attributes:
        names: Symbols by variable; variables beyond them are called V0, V1, ...
    """

    names: Sequence[str] = ()

    def symbol(self, variable: int) -> str:
        """The given name, or V and the number."""
        return self.names[variable] if variable < len(self.names) else f"V{variable}"

    def level(self, variable: int, level: int) -> str:
        """The number of the level."""
        return str(level)

    def index(self, variable: int) -> str:
        """The symbol in lower case."""
        return self.symbol(variable).lower()


_ADD, _SUM, _MULTIPLY, _ATOM = range(4)  # how strongly the outermost sign of an expression binds


@dataclass(frozen=True, slots=True)
class _Notation:
    """How the signs are written; ``term`` writes a probability."""

    term: Callable[[Term], str]
    index: Callable[[int], str]
    sigma: Callable[[list[str]], str]
    times: str
    brackets: tuple[str, str]
    ratio: Callable[[str, str], str] | None
    clip: tuple[str, str]


class Expr(ABC):
    """An expression in probabilities. Build it from `prob`, `total`, `Number`, `Clip` and ``+ - * /``."""

    def terms(self) -> tuple[Term, ...]:
        """The probabilities needed, each once, in the order of the formula with its sums written out."""
        return self._program[0]

    def evaluate(self, value: Callable[[Term], T]) -> T:
        """The number, given the number of every term: `Fraction`, float, or numpy arrays (elementwise)."""
        return self.calculate([value(term) for term in self.terms()])

    def calculate(self, numbers: Sequence[T]) -> T:
        """The number, given those of the `terms` in their order."""
        stack: list[Any] = []
        for step in self._program[1]:
            if isinstance(step, int):
                stack.append(numbers[step])
            elif step in _JOIN:
                right = stack.pop()
                stack[-1] = _JOIN[step](stack[-1], right)
            elif isinstance(step, str):
                stack[-1] = _clip(step, stack[-1])
            else:
                stack.append(step.value)
        return cast(T, stack[0])

    @property
    def products(self) -> int:
        """How many multiplications and divisions there are, with all sums written out."""
        return sum(step in ("*", "/") for step in self._program[1])

    @cached_property
    def _program(self) -> tuple[tuple[Term, ...], tuple["_Step", ...]]:
        """The terms, and the calculation on their numbers in reverse Polish notation."""
        steps: list[_Step] = []
        terms: dict[Term, int] = {}
        self._compile({}, terms, steps)
        return tuple(terms), tuple(steps)

    def text(self, namer: Namer = Symbols()) -> str:
        """Plain text, e.g. ``sum_z P(Y=1 | X=1, z) * P(z)``."""
        return self._write(_plain(lambda term: _term(term, namer, " | ", "do"), namer.index))[0]

    def latex(self, namer: Namer = Symbols()) -> str:
        """LaTeX mathematics without the dollars."""
        notation = _Notation(
            term=lambda term: _term(term, namer, r" \mid ", r"\mathrm{do}"),
            index=namer.index,
            sigma=lambda letters: rf"\sum_{{{','.join(letters)}}} ",
            times=r" \, ",
            brackets=(r"\left[", r"\right]"),
            ratio=lambda top, below: rf"\frac{{{top}}}{{{below}}}",
            clip=(r"\%s\left\{", r"\right\}"),
        )
        return self._write(notation)[0]

    def numbers(self, value: Callable[[Term], str]) -> str:
        """The arithmetic in plain text: sums written out, every term replaced by the string of its number."""
        return self.expand()._write(_plain(value, str))[0]

    @abstractmethod
    def expand(self) -> "Expr":
        """The same expression with every sum written out as additions."""

    @abstractmethod
    def bind(self, levels: Levels) -> "Expr":
        """The expression at fixed levels of some index variables."""

    @abstractmethod
    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        """Append the steps that put the value on the stack, and the terms not met before."""

    @abstractmethod
    def _write(self, notation: _Notation) -> tuple[str, int]: ...

    def __add__(self, other: "Expr") -> "Expr":
        return Binary("+", self, other)

    def __sub__(self, other: "Expr") -> "Expr":
        return Binary("-", self, other)

    def __mul__(self, other: "Expr") -> "Expr":
        return Binary("*", self, other)

    def __truediv__(self, other: "Expr") -> "Expr":
        return Binary("/", self, other)


@dataclass(frozen=True)
class Prob(Expr):
    """One probability."""

    term: Term

    def expand(self) -> Expr:
        """Itself."""
        return self

    def bind(self, levels: Levels) -> Expr:
        """The term with FREE levels replaced."""
        return Prob(_bound(self.term, levels))

    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        steps.append(terms.setdefault(_bound(self.term, levels), len(terms)))

    def _write(self, notation: _Notation) -> tuple[str, int]:
        return notation.term(self.term), _ATOM


@dataclass(frozen=True)
class Number(Expr):
    """A whole number (whole, so that it mixes with fractions, floats and arrays alike)."""

    value: int

    def expand(self) -> Expr:
        """Itself."""
        return self

    def bind(self, levels: Levels) -> Expr:
        """Itself."""
        return self

    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        steps.append(self)

    def _write(self, notation: _Notation) -> tuple[str, int]:
        return str(self.value), _ATOM if self.value >= 0 else _ADD


@dataclass(frozen=True)
class Binary(Expr):
    """Two expressions joined by a sign."""

    sign: Literal["+", "-", "*", "/"]
    left: Expr
    right: Expr

    def expand(self) -> Expr:
        """Both sides written out."""
        return Binary(self.sign, self.left.expand(), self.right.expand())

    def bind(self, levels: Levels) -> Expr:
        """Both sides bound."""
        return Binary(self.sign, self.left.bind(levels), self.right.bind(levels))

    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        self.left._compile(levels, terms, steps)
        self.right._compile(levels, terms, steps)
        steps.append(self.sign)

    def _write(self, notation: _Notation) -> tuple[str, int]:
        (left, binds_left), (right, binds_right) = self.left._write(notation), self.right._write(notation)
        if self.sign == "/" and notation.ratio:
            return notation.ratio(left, right), _ATOM
        own = _ADD if self.sign in "+-" else _MULTIPLY
        # A sum reaches as far to the right as it can, so it needs brackets on the left of any sign.
        if binds_left == _SUM or binds_left < own:
            left = left.join(notation.brackets)
        tight = own + 1 if self.sign in "-/" else own
        if binds_right < tight and not (binds_right == _SUM and self.sign != "/"):
            right = right.join(notation.brackets)
        sign = notation.times if self.sign == "*" else f" {self.sign} "
        return left + sign + right, _SUM if binds_right == _SUM and own == _MULTIPLY else own


@dataclass(frozen=True)
class Total(Expr):
    """The sum of ``body`` over all levels of the variables ``over``.

    Attributes:
        over: Index variables, ascending.
        body: What is summed; the index variables stand in it with the level `FREE`.
        levels: The number of levels of each index variable.
    """

    over: tuple[int, ...]
    body: Expr
    levels: tuple[int, ...]

    def _choices(self) -> Iterator[Levels]:
        for choice in product(*(range(k) for k in self.levels)):
            yield dict(zip(self.over, choice, strict=True))

    def expand(self) -> Expr:
        """One addend for each combination of levels."""
        first, *others = (self.body.bind(choice).expand() for choice in self._choices())
        for addend in others:
            first = first + addend
        return first

    def bind(self, levels: Levels) -> Expr:
        """The sum at fixed levels of the index variables of sums around it."""
        around = {v: level for v, level in levels.items() if v not in self.over}
        return Total(self.over, self.body.bind(around), self.levels)

    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        for i, choice in enumerate(self._choices()):
            self.body._compile({**levels, **choice}, terms, steps)
            if i:
                steps.append("+")

    def _write(self, notation: _Notation) -> tuple[str, int]:
        body, binds = self.body._write(notation)
        if binds == _ADD:
            body = body.join(notation.brackets)
        return notation.sigma([notation.index(variable) for variable in self.over]) + body, _SUM


@dataclass(frozen=True)
class Clip(Expr):
    """``max{0, inner}`` (side "lower") or ``min{1, inner}`` (side "upper")."""

    side: Literal["lower", "upper"]
    inner: Expr

    def expand(self) -> Expr:
        """The inner expression written out."""
        return Clip(self.side, self.inner.expand())

    def bind(self, levels: Levels) -> Expr:
        """The inner expression bound."""
        return Clip(self.side, self.inner.bind(levels))

    def _compile(self, levels: Levels, terms: dict[Term, int], steps: list["_Step"]) -> None:
        self.inner._compile(levels, terms, steps)
        steps.append(self.side)

    def _write(self, notation: _Notation) -> tuple[str, int]:
        opening, closing = notation.clip
        name, limit = ("max", "0") if self.side == "lower" else ("min", "1")
        return f"{opening % name}{limit}, {self.inner._write(notation)[0]}{closing}", _ATOM


_Step = int | Number | str
"""Push a term by its number, push a number, or calculate: a sign of `Binary` or a side of `Clip`."""

_JOIN: dict["_Step", Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}


def _clip(side: str, inner: Any) -> Any:  # noqa: ANN401 (the type of the terms)
    if isinstance(inner, np.ndarray):
        return np.maximum(0, inner) if side == "lower" else np.minimum(1, inner)
    zero = inner - inner  # of the type of the terms, so that a clipped fraction stays a fraction
    return max(zero, inner) if side == "lower" else min(zero + 1, inner)


def prob(event: Mapping[int, int], given: Mapping[int, int] | None = None) -> Expr:
    """``P(event | given)`` from levels by variable; `FREE` where a sum runs."""
    return Prob(Term(tuple(sorted(event.items())), tuple(sorted((given or {}).items()))))


def total(over: int, body: Expr) -> Expr:
    """The sum of ``body`` over the binary variables in the bitmask ``over``; ``body`` itself when it is 0."""
    variables = tuple(bits(over))
    return Total(variables, body, (2,) * len(variables)) if variables else body


def free(variables: int) -> dict[int, int]:
    """The variables in a bitmask, each at the level `FREE`."""
    return dict.fromkeys(bits(variables), FREE)


def _bound(term: Term, levels: Levels) -> Term:
    """The term with the levels of index variables put in."""

    def bind(assignment: Assignment) -> Assignment:
        return tuple(
            [pair if pair[1] != FREE else (pair[0], levels.get(pair[0], FREE)) for pair in assignment]
        )

    return Term(bind(term.event), bind(term.given), bind(term.do)) if levels else term


def _plain(term: Callable[[Term], str], index: Callable[[int], str]) -> _Notation:
    def sigma(letters: list[str]) -> str:
        return f"sum_{letters[0]} " if len(letters) == 1 else f"sum_{{{','.join(letters)}}} "

    return _Notation(term, index, sigma, " * ", ("[", "]"), None, ("%s{", "}"))


def _term(term: Term, namer: Namer, bar: str, do: str) -> str:
    def names(assignment: Assignment) -> str:
        return ", ".join(
            namer.index(v) if level == FREE else f"{namer.symbol(v)}={namer.level(v, level)}"
            for v, level in assignment
        )

    given = [f"{do}({names(term.do)})"] * bool(term.do) + [names(term.given)] * bool(term.given)
    return f"P({names(term.event)}{bar if given else ''}{', '.join(given)})"
