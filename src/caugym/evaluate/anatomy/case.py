"""What the engine knows about one question: right solutions part by part, and typed mistakes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import islice
from random import Random
from typing import Literal, get_args

from caugym.core.errors import InputError
from caugym.estimands import TABLE
from caugym.problems.mistaken import Kind
from caugym.problems.mistakes import Mistake, mistakes
from caugym.problems.prose import Explanation, explained
from caugym.problems.read import read
from caugym.problems.solution import Writer, final_answer
from caugym.problems.solve import Solution, solve

Part = Literal[
    "graph",
    "set",
    "formula",
    "lookup",
    "arithmetic",
    "sign",
    "bound",
    "form",
    "truncated",
    "answered",
    "abstained",
    "unexplained",
]
"""Where a reply went wrong."""

PARTS: tuple[Part, ...] = get_args(Part)

OF_KIND: dict[Kind, tuple[Part, str]] = {
    "naive": ("set", "nothing is adjusted for"),
    "set": ("set", "the wrong variables are adjusted for or taken as mediators"),
    "stratum": ("formula", "one stratum is taken for all"),
    "weights": ("formula", "the strata are weighted by other numbers"),
    "mediator": ("formula", "the mediation formula at the wrong level of the treatment"),
    "partial": ("formula", "a stratum is left out of the sum"),
    "sign": ("sign", "the change goes the wrong way"),
    "outcome": ("sign", "the other level of the outcome is taken"),
    "bound": ("bound", "the other bound is calculated"),
    "clip": ("formula", "the bound is not cut at 0 or 1, or at the wrong one"),
    "denominator": ("formula", "the denominator is another, or none"),
    "estimand": ("formula", "another quantity is calculated"),
    "verdict": ("sign", "the yes/no does not follow from the value"),
    "abstains": ("abstained", "says that a number is missing, though the answer follows"),
    "answers": ("answered", "answers, though a number is missing"),
    "slip": ("arithmetic", "one digit is wrong"),
}
"""The part that each kind of typed mistake belongs to, and what it is in words."""

NEAR = Fraction(1, 2000)
"""Values this close are the same; see `caugym.grade.TOLERANCE`."""

OTHER_SETS = 6
"""How many further valid sets of variables a solution may use."""


@dataclass(frozen=True)
class Account:
    """A right solution, line by line.

    Attributes:
        lines: The lines, white space made uniform.
        parts: The part of each line.
    """

    lines: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """A question that the engine has read and solved; styles are those of `caugym.problems.prose`."""

    solution: Solution

    @cache  # noqa: B019 - cases live as long as the report that is being written
    def right(self, style: Explanation) -> Account:
        """The right solution."""
        return _account(self.solution, style)

    @cache  # noqa: B019
    def others(self, style: Explanation) -> tuple[Account, ...]:
        """The right solutions with other valid sets of variables."""
        return tuple(_account(solution, style) for solution in _others(self.solution))

    @cache  # noqa: B019
    def wrong(self, style: Explanation) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
        """The lines of the typed mistakes."""
        return tuple((each.kind, uniform(explained(each.steps, style))) for each in self.mistakes)

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The typed mistakes that the question allows, slips apart."""
        return tuple(each for each in mistakes(self.solution, Random(0)) if each.kind != "slip")

    @cached_property
    def stated(self) -> frozenset[Fraction]:
        """The numbers that the text states and their complements, as shares and as percentages."""
        given = {Fraction(statement.value) for statement in self.solution.problem.statements}
        shares = given | {1 - share for share in given}
        return frozenset(shares | {100 * share for share in shares})


def case(text: str) -> Case | None:
    """The question in a text, solved; None if the engine cannot read it."""
    try:
        return Case(solve(read(text)))
    except InputError:
        return None


def uniform(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines with single spaces."""
    return tuple(" ".join(line.split()) for line in lines)


@dataclass
class _Labelling(Writer):
    """The writer of worked solutions, noting the part that each line belongs to."""

    parts: dict[str, Part] = field(default_factory=dict)

    def _graph(self) -> Iterator[str]:
        for line in super()._graph():
            self.parts[line] = "graph" if line.startswith(("path ", "edge ", "open ")) else "set"
            yield line

    def _formula(self) -> str:
        line = super()._formula()
        self.parts[line] = "formula"
        return line

    def listed(self) -> Iterator[str]:
        for line in super().listed():
            self.parts[line] = "lookup"
            yield line

    def _derived(self) -> Iterator[str]:
        for line in super()._derived():
            self.parts[line] = "lookup"
            yield line


def _account(solution: Solution, style: Explanation) -> Account:
    writer = _Labelling(solution)
    *lines, conclusion = writer.lines()
    asked = 2 + len(solution.problem.query.held)
    body: Part = "graph" if solution.zero else "arithmetic"
    parts: list[Part] = [
        "lookup" if i < asked else writer.parts.get(line, body) for i, line in enumerate(lines)
    ]
    told = explained((*lines, conclusion, final_answer(solution.answer)), style)
    return Account(uniform(told), (*parts, "sign", "form"))


def _others(solution: Solution) -> Iterator[Solution]:
    """The solution with other valid sets of variables whose numbers follow from the statements."""
    if solution.sets is None:
        return
    query, dag, known = solution.problem.query, solution.problem.dag, solution.knowledge
    estimand = TABLE[query.task]
    for sets in islice(estimand.identify(dag, query, known.mentioned), OTHER_SETS):
        terms = estimand.formula(query, sets).terms()
        if sets != solution.sets and all(known.derive(known.keys.of(term), 4) for term in terms):
            yield replace(solution, sets=sets)
