"""How difficult a problem is, measured on what it asks a solver to do, not on how it was made.

Six counts, of which each is one thing more to keep in mind, and their sum as the measure by which problems
are ordered. Whether the sum agrees with what a model finds difficult is for an evaluation to show.

>>> Difficulty(variables=3, statements=5, adjustment=1, mediators=0, products=4, digits=4).score
17
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, Protocol, TypeVar

from caugym.core.estimand import Sets
from caugym.core.graph import DAG, mask
from caugym.core.query import Query, Task
from caugym.estimands import TABLE
from caugym.problems.solve import Solution

Bound = Literal["lower", "upper"] | None

RUNGS = 4
"""Steps of difficulty, of equal height, over which problems can be spread evenly (see `Level.even`)."""

SAMPLE = 100
"""Draws that tell how difficult the problems of a series are."""

DRAWS = 8
"""Most draws for a problem on a rung."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difficulty:
    """The measured difficulty of a problem.

    Attributes:
        variables: Variables of the graph.
        statements: Stated probabilities, needed or not.
        adjustment: Variables that the formula adjusts for.
        mediators: Mediators that it sums over, or that a controlled effect holds fixed.
        products: Multiplications and divisions in the formula with its sums written out.
        digits: Decimals of the stated probabilities; of those that have most.
    """

    variables: int
    statements: int
    adjustment: int
    mediators: int
    products: int
    digits: int

    @property
    def score(self) -> int:
        """The sum of the six counts."""
        return (
            self.variables + self.statements + self.adjustment + self.mediators + self.products + self.digits
        )


def span(scores: Iterable[int]) -> tuple[int, int]:
    """Between which scores problems lie, the outermost twentieths left out.

    >>> span(range(100))
    (5, 94)
    """
    ordered = sorted(scores)
    return ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]


def on_rung(rung: int, scores: tuple[int, int], draw: Callable[[], T], score: Callable[[T], int]) -> T:
    """Something drawn whose score is on a rung; after many draws, what came nearest to it.

    Args:
        rung: From 0, the easiest.
        scores: As `span` gives them; the rungs divide what lies between.
        draw: Draws once.
        score: Its difficulty.
    """
    low, high = scores
    height = (high + 1 - low) / RUNGS
    middle = low - 0.5 + (rung + 0.5) * height
    found = []
    for _ in range(DRAWS):
        found.append(draw())
        if abs(score(found[-1]) - middle) <= height / 2:
            return found[-1]
    return min(found, key=lambda each: abs(score(each) - middle))


class Stated(Protocol):
    """What difficulty is measured on: a problem or a structure."""

    @property
    def dag(self) -> DAG:
        """The graph."""
        ...

    @property
    def query(self) -> Query:
        """The question."""
        ...


def difficulty(solution: Solution) -> Difficulty:
    """The difficulty of a problem that `solve` has been through."""
    stated = solution.problem.statements
    digits = max((len(each.value.partition(".")[2]) for each in stated), default=0)
    return measured(solution.problem, solution.sets, len(stated), digits)


def measured(problem: Stated, sets: Sets | None, statements: int, digits: int) -> Difficulty:
    """The difficulty of a problem.

    Args:
        problem: The problem, or the structure it is made from.
        sets: What its formula uses. None where nothing can be worked out: where the graph alone answers, no
            formula counts; where the answer is open, that of the smallest valid sets does.
        statements: How many probabilities are stated.
        digits: With how many decimals at most.
    """
    dag, query = problem.dag, problem.query
    if sets is None:
        sets = _by_graph(dag, query)
    counts = (0, 0, 0) if sets is None else _formula(query, sets)
    return Difficulty(dag.n, statements, *counts, digits)


@lru_cache(maxsize=1 << 12)
def _by_graph(dag: DAG, query: Query) -> Sets | None:
    """The smallest sets that the graph allows; None where it makes the effect zero."""
    estimand = TABLE[query.task]
    if estimand.zero(dag, query):
        return None
    roles = mask((query.treatment, query.outcome, *(v for v, _ in query.held)))
    return next(estimand.identify(dag, query, ((1 << dag.n) - 1) & ~roles), None)


def _formula(query: Query, sets: Sets) -> tuple[int, int, int]:
    """Variables adjusted for, mediators, products."""
    adjusted, mediators = sets.adjust.bit_count(), sets.mediators.bit_count()
    products = _products(query.task, query.bound, len(query.held), adjusted, mediators)
    return adjusted, len(query.held) or mediators, products


@cache
def _products(task: Task, bound: Bound, held: int, adjusted: int, mediators: int) -> int:
    """Multiplications and divisions in a formula over sets of these sizes."""
    x, y, first = 0, 1, 2
    query = Query(task, x, y, 1, 1, bound, tuple((first + i, 1) for i in range(held)))
    sets = Sets(((1 << adjusted) - 1) << first + held, ((1 << mediators) - 1) << first + held + adjusted)
    count: int = TABLE[task].formula(query, sets).products
    return count
