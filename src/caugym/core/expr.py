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
        return self._distinct

    @cached_property
    def _distinct(self) -> tuple[Term, ...]:
        return tuple(dict.fromkeys(self._leaves({})))

    def evaluate(self, value: Callable[[Term], T]) -> T:
        """The number, given the number of every term: `Fraction`, float, or numpy arrays (elementwise)."""
        return cast(T, self._evaluate(value, {}))

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
    def _leaves(self, levels: Levels) -> Iterator[Term]: ...

    @abstractmethod
    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any: ...  # noqa: ANN401

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
        return Prob(self._at(levels))

    @cached_property
    def _free(self) -> tuple[int, ...]:
        sides = self.term.event + self.term.given + self.term.do
        return tuple([v for v, level in sides if level == FREE])

    @cached_property
    def _bound(self) -> dict[tuple[int, ...], Term]:
        return {}

    def _at(self, levels: Levels) -> Term:
        """The term at some levels of its index variables, made once: evaluation meets few of them often."""
        if not self._free:
            return self.term
        key = tuple([levels.get(v, FREE) for v in self._free])
        if key not in self._bound:
            event, given, do = self.term.event, self.term.given, self.term.do
            self._bound[key] = Term(_bind(event, levels), _bind(given, levels), _bind(do, levels))
        return self._bound[key]

    def _leaves(self, levels: Levels) -> Iterator[Term]:
        yield self._at(levels)

    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any:  # noqa: ANN401
        return value(self._at(levels))

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

    def _leaves(self, levels: Levels) -> Iterator[Term]:
        return iter(())

    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any:  # noqa: ANN401
        return self.value

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

    def _leaves(self, levels: Levels) -> Iterator[Term]:
        yield from self.left._leaves(levels)
        yield from self.right._leaves(levels)

    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any:  # noqa: ANN401
        left, right = self.left._evaluate(value, levels), self.right._evaluate(value, levels)
        match self.sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right

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

    @cached_property
    def _choices(self) -> tuple[Levels, ...]:
        ranges = (range(k) for k in self.levels)
        return tuple([dict(zip(self.over, choice, strict=True)) for choice in product(*ranges)])

    def expand(self) -> Expr:
        """One addend for each combination of levels."""
        first, *others = (self.body.bind(choice).expand() for choice in self._choices)
        for addend in others:
            first = first + addend
        return first

    def bind(self, levels: Levels) -> Expr:
        """The sum at fixed levels of the index variables of sums around it."""
        around = {v: level for v, level in levels.items() if v not in self.over}
        return Total(self.over, self.body.bind(around), self.levels)

    def _leaves(self, levels: Levels) -> Iterator[Term]:
        for choice in self._choices:
            yield from self.body._leaves({**levels, **choice})

    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any:  # noqa: ANN401
        return sum([self.body._evaluate(value, {**levels, **choice}) for choice in self._choices])

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

    def _leaves(self, levels: Levels) -> Iterator[Term]:
        return self.inner._leaves(levels)

    def _evaluate(self, value: Callable[[Term], Any], levels: Levels) -> Any:  # noqa: ANN401
        inner = self.inner._evaluate(value, levels)
        if isinstance(inner, np.ndarray):
            return np.maximum(0, inner) if self.side == "lower" else np.minimum(1, inner)
        zero = inner - inner  # of the type of the terms, so that a clipped fraction stays a fraction
        return max(zero, inner) if self.side == "lower" else min(zero + 1, inner)

    def _write(self, notation: _Notation) -> tuple[str, int]:
        opening, closing = notation.clip
        name, limit = ("max", "0") if self.side == "lower" else ("min", "1")
        return f"{opening % name}{limit}, {self.inner._write(notation)[0]}{closing}", _ATOM


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


def _bind(assignment: Assignment, levels: Levels) -> Assignment:
    return tuple([(pair[0], levels.get(pair[0], FREE)) if pair[1] == FREE else pair for pair in assignment])


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
