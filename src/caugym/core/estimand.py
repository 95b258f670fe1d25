"""What an estimand declares: its name, its definition, its formula, and when the formula holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from caugym.core.graph import DAG
from caugym.core.query import Query, Task


class Sets(NamedTuple):
    """The sets of variables that a formula needs, as bitmasks.

    Attributes:
        adjust: Covariates Z that are averaged over.
        mediators: M, the variables that carry the indirect effect (NDE, NIE); 0 for other estimands.
    """

    adjust: int = 0
    mediators: int = 0


@dataclass(frozen=True, slots=True)
class Estimand:
    """One causal quantity, derived twice by code that shares nothing.

    Attributes:
        code: As printed in data files, e.g. ``"ATE"``.
        name: In words, e.g. ``"average treatment effect"``.
        rung: Pearl's ladder: 2 doing, 3 imagining.
        low: Smallest value the quantity can take.
        high: Largest value.
        effect: True for effects (a value and a yes/no), False for probabilities and their bounds.
        definition: ``(scm, query) -> array (batch,)``: the quantity from the full model, by the oracle.
        zero: ``(dag, query) -> bool``: the graph alone makes the effect exactly 0.
        identify: ``(dag, query, among) -> iterator of Sets``: sets under which the formula holds, using only
            the variables in the bitmask ``among``; smallest first.
        formula: ``(query, sets) -> Expr``: the quantity as an expression in probabilities.
        page: The estimand's own page (the docstring of its module).
    """

    code: Task
    name: str
    rung: int
    low: float
    high: float
    effect: bool
    definition: Callable[[Any, Query], Any]
    zero: Callable[[DAG, Query], bool]
    identify: Callable[[DAG, Query, int], Iterator[Sets]]
    formula: Callable[[Query, Sets], Any]
    page: str
