"""The problem: a graph over named variables, stated probabilities, one query. Nothing else is hidden.

A `Problem` is what the text says and only that, so reading a text gives a `Problem` back; the answer, the
solution and the provenance live in `Item` (`caugym.problems.generate`), which adds what is derived.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from caugym.core.graph import DAG
from caugym.core.query import Query, Term


@dataclass(frozen=True, slots=True)
class Variable:
    """A named variable.

    Attributes:
        name: As it stands in the middle of a sentence, e.g. ``"blood pressure"`` or ``"GDP growth"``.
        levels: Names of the levels, level 0 first, in the order in which the text declares them.
        plural: Whether verbs agree in the plural; grammar only, so it takes no part in equality.
    """

    name: str
    levels: tuple[str, ...] = ("low", "high")
    plural: bool = field(default=False, compare=False)


class Statement(NamedTuple):
    """A stated probability: the term and the number exactly as printed, e.g. ``"0.4310"``."""

    term: Term
    value: str


@dataclass(frozen=True)
class Problem:
    """One causal-estimation problem.

    Attributes:
        variables: In the order in which the text first mentions them; every index below refers to it.
        edges: (cause, effect) arrows in the order of the text.
        statements: Stated probabilities in the order of the text.
        query: The question.
    """

    variables: tuple[Variable, ...]
    edges: tuple[tuple[int, int], ...]
    statements: tuple[Statement, ...]
    query: Query

    @cached_property
    def dag(self) -> DAG:
        """The causal graph."""
        return DAG.from_edges(len(self.variables), self.edges)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is the right reply to a problem.

    Attributes:
        status: ``"identified"``, or ``"insufficient"`` (the right reply is then ``LACK_CONDITION``).
        value: Decimal string with 4 decimals, e.g. ``"-0.0843"``; None when insufficient.
        answer: ``"Yes"`` or ``"No"`` for effects, else None.
        missing: When insufficient, what would have to be stated, as text.
    """

    status: str
    value: str | None = None
    answer: str | None = None
    missing: tuple[str, ...] = ()
