"""The writer of worked solutions, going wrong in one way.

It reads another number where a term is wanted, leaves out a stratum, turns the last subtraction round, makes
up a number, or slips in one digit; all else it writes as it should, so its equations hold (slips apart).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from caugym.core.estimand import Sets
from caugym.core.query import Assignment, Query, Term
from caugym.problems.arithmetic import Arithmetic, Number, printed
from caugym.problems.solution import BUDGET, NO_PATH, Writer
from caugym.problems.solve import Solution

Kind = Literal[
    "naive",
    "set",
    "stratum",
    "weights",
    "mediator",
    "partial",
    "sign",
    "outcome",
    "bound",
    "clip",
    "denominator",
    "estimand",
    "verdict",
    "abstains",
    "answers",
    "slip",
]
"""What went wrong.

- naive: nothing is adjusted for. set: the wrong variables are adjusted for or taken as mediators.
- stratum: one stratum is taken for all. partial: a stratum is left out of the sum.
- weights: strata are weighted by other numbers. mediator: the mediation formula at the wrong level of X.
- sign: the change goes the wrong way. outcome: the other level of Y. estimand: another quantity.
- bound: the other bound. clip: not clipped, or the wrong way. denominator: another one, or none.
- verdict: the right value, the wrong yes/no. slip: one digit of one equation, carried on.
- abstains: LACK_CONDITION although the answer follows. answers: an answer although it does not follow.
"""

KINDS: tuple[Kind, ...] = get_args(Kind)
PLACES = 8
"""Most decimals of a number that is used."""
STEPS = 4
"""Most steps from what is stated to a number that is used."""


def _as_wanted(term: Term) -> Term:
    return term


def _as_written(line: str) -> str:
    return line


@dataclass(frozen=True)
class Way:
    """A way to go wrong.

    Attributes:
        kind: The kind of mistake.
        query: The question that is worked on.
        sets: The sets that are used.
        reads: The term whose number is read where a term is wanted.
        formula: What becomes of the line with the formula.
        partial: Variables of which the last stratum is left out.
        turned: ETT: counterfactual minus factual.
        assumed: Numbers out of nowhere.
        slip: Which equation goes wrong, counted down, and the stream for how.
    """

    kind: Kind
    query: Query
    sets: Sets
    reads: Callable[[Term], Term] = _as_wanted
    formula: Callable[[str], str] = _as_written
    partial: tuple[int, ...] = ()
    turned: bool = False
    assumed: tuple[Term, ...] = ()
    slip: tuple[list[int], Random] | None = None


class NotKnownError(Exception):
    """A number is wanted that does not follow."""


@dataclass
class Mistaken(Writer):
    """The writer of worked solutions, going wrong in one way."""

    way: Way = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.result: Number | None = None
        self.one = Number(10**self.places, self.places)
        if self.way.slip:
            self.arithmetic = _Slipping(self.arithmetic.percent, *self.way.slip)
        for term in self.way.assumed:
            half = self.known[term] = printed("0.5", self.places)
            self.derived[term] = [f"assume P({self.notation.text(term)}) = {self.arithmetic.show(half)}"]

    def p(self, event: Assignment, given: Assignment = ()) -> Number:
        """The number that is read for a term.

        Raises:
            NotKnownError: If it does not follow in a few steps as a number like those that are stated.
        """
        wanted = self.way.reads(Term(tuple(sorted(event)), tuple(sorted(given))))
        if wanted not in self.known and not self._complement(wanted) and not follows(self.solution, wanted):
            raise NotKnownError
        number = super().p(wanted.event, wanted.given)
        if not number.exact or (self.arithmetic.percent and number.places != 2):
            raise NotKnownError
        return number

    def _complement(self, term: Term) -> bool:
        (variable, level), *more = term.event
        other = None if more else self.known.get(Term(((variable, 1 - level),), term.given))
        return other is not None and other.exact

    def _graph(self) -> Iterator[str]:
        for line in super()._graph():
            yield "path X -> Y" if line == NO_PATH else line

    def _formula(self) -> str:
        return self.way.formula(super()._formula())

    def _cells(self, variables: tuple[int, ...]) -> Iterator[Assignment]:
        cells = list(super()._cells(variables))
        yield from cells[:-1] if variables and variables == self.way.partial else cells

    def _effect(self) -> tuple[list[str], Number]:
        lines, self.result = super()._effect()
        return lines, self.result

    def _contrast(self, factual: Number, counterfactual: Number) -> tuple[str, Number]:
        if self.way.turned:
            factual, counterfactual = counterfactual, factual
        return super()._contrast(factual, counterfactual)


@dataclass(frozen=True, slots=True)
class _Slipping(Arithmetic):
    """Arithmetic in which one equation goes wrong in one digit."""

    left: list[int]
    rng: Random

    def difference(self, a: Number, b: Number) -> tuple[str, Number]:
        line, right = Arithmetic.difference(self, a, b)
        return self._slipped(line, right)

    def product(self, a: Number, b: Number) -> tuple[str, Number]:
        line, right = Arithmetic.product(self, a, b)
        return self._slipped(line, right)

    def total(self, terms: Sequence[Number]) -> tuple[list[str], Number]:
        lines, right = Arithmetic.total(self, terms)
        if lines:
            lines[-1], right = self._slipped(lines[-1], right)
        return lines, right

    def _slipped(self, line: str, right: Number) -> tuple[str, Number]:
        self.left[0] -= 1
        if self.left[0] or not right.units or not right.exact:
            return line, right
        digits = len(str(abs(right.units)))
        place = 10 ** (digits - 1 - self.rng.randrange(min(digits, 2)))
        digit = abs(right.units) // place % 10
        other = self.rng.choice([d for d in range(place == 10 ** (digits - 1), 10) if d != digit])
        units = abs(right.units) + (other - digit) * place
        wrong = right._replace(units=units if right.units > 0 else -units)
        return line.removesuffix(self.show(right)) + self.show(wrong), wrong


def follows(solution: Solution, term: Term) -> bool:
    """Whether the term is stated or follows in a few steps, none of which has to be rounded."""
    known = solution.knowledge
    key = known.keys.of(term)
    if not known.derive(key, BUDGET):
        return False
    steps = list(known.derivation(key).steps())
    return len(steps) <= STEPS and all((step.value * 10**PLACES).denominator == 1 for step in steps)
