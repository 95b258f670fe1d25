"""Whether stated probabilities leave an answer room to move, decided in exact arithmetic.

The models on a graph form a box with one side for each table entry P(v = 1 | levels of the parents). What is
stated and what is asked are rational functions of these entries. Small moves in the box that change no stated
number leave the answer alone only if its gradient is a combination of the gradients of what is stated. That
holds at almost every point or at almost none, so one random point decides. To leave no doubt about rounding,
its coordinates are integers modulo the prime 2^61 - 1, where a wrong verdict needs a coincidence of chance
below 1e-13 (Schwartz, Journal of the ACM 27, 1980; Zippel, EUROSAM 1979).

The verdict is about the terms, not their numbers, and about small moves. Undetermined: for almost all numbers
there are models that agree on them and differ in the answer; `caugym.core.witness` finds two that prove it
for the numbers at hand. Determined: the answer cannot drift, but the equations may still have several
separate solutions; that an item can be answered is proved by a derivation, not here.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from caugym.core.expr import Clip, Expr
from caugym.core.graph import DAG, mask
from caugym.core.layout import Bools, Layout, involved, layout
from caugym.core.query import Assignment, Term
from caugym.core.residues import P, Residue, Residues, backward, spanned, sums, times
from caugym.core.streams import stream


def is_determined(dag: DAG, terms: Sequence[Term], answer: Expr) -> bool:
    """Whether no small change of a model that keeps the stated probabilities changes the answer.

    Args:
        dag: The causal graph; every variable is binary.
        terms: What is stated, with or without ``do``.
        answer: An expression that equals the answer in every model of the graph, e.g. an estimand's formula
            with any of its sets. Its terms hold no ``do``. A clipped bound is taken unclipped.

    >>> from caugym.core.expr import prob
    >>> chain = DAG.from_edges(2, [(0, 1)])
    >>> stated = [Term(((1, 1),), ((0, 0),)), Term(((1, 1),), ((0, 1),)), Term(((0, 0),))]
    >>> is_determined(chain, stated, prob({1: 1})), is_determined(chain, stated[1:], prob({1: 1}))
    (True, False)
    """
    inner = answer.inner if isinstance(answer, Clip) else answer
    asked = inner.terms()
    found = layout(dag, involved(terms) | involved(asked))
    groups: dict[Assignment, list[Term]] = {(): list(asked)}
    for term in terms:
        groups.setdefault(term.do, []).append(term)
    rows: list[list[int]] = []
    for do, group in reversed(groups.items()):  # the answer's own group comes last
        both, given, top, below = _masses(found, do, group)
        weights = _balances(both, given, top, below)
        if not do:
            slopes = _slopes(inner, top[: len(asked)].tolist(), below[: len(asked)].tolist())
            total = sums(times(weights[: len(asked)], slopes).T, np.ones((len(asked), 1))).T
            weights = np.concatenate([weights[len(asked) :], total])
        rows += _rows(found, do, weights).tolist()
    return spanned(rows[:-1], rows[-1])


def _slopes(answer: Expr, top: list[int], below: list[int]) -> Residues:
    """The answer's derivatives by its terms a / b, each divided by b squared, as a column."""
    tape: list[Residue] = []
    inverse = [pow(b, -1, P) for b in below]
    inputs = [Residue(tape, a * c) for a, c in zip(top, inverse, strict=True)]
    backward(answer.evaluate(dict(zip(answer.terms(), inputs, strict=True)).__getitem__), tape)
    # the gradient of a / b is (b grad a - a grad b) / b^2
    scaled = [number.slope * c % P * c % P for number, c in zip(inputs, inverse, strict=True)]
    return np.array(scaled, dtype=np.uint64)[:, None]


# -- a row is a gradient at the random point; the column of an entry e is multiplied by e (1 - e) ------------


def _masses(found: Layout, do: Assignment, terms: Sequence[Term]) -> tuple[Bools, Bools, Residues, Residues]:
    """[event and given] and [given] by state, and their masses at the random point."""
    given = found.happens([term.given for term in terms])
    both = given & found.happens([term.event for term in terms])
    joint = _joint(found.dag, mask(found.variables), do)[None]
    masses = sums(joint, np.concatenate([both, given]).T.astype(float))[0]
    return both, given, masses[: len(terms)], masses[len(terms) :]


def _balances(both: Bools, given: Bools, top: Residues, below: Residues) -> Residues:
    """State weights whose total is 0 in the models with P(both) / P(given) as at the random point."""
    less = ((P - top) % P)[:, None]
    result: Residues = np.where(both, (below[:, None] + less) % P, np.where(given, less, np.uint64(0)))
    return result


def _rows(found: Layout, do: Assignment, weights: Residues) -> Residues:
    """Gradients of the totals of state weights, (rows, entries)."""
    weighed = times(weights, _joint(found.dag, mask(found.variables), do)[None])
    on, off = np.split(sums(weighed, found.reads), 2, axis=1)
    # on * (1 - e) - off * e
    rows: Residues = (on + P - times((on + off) % P, _point(found.dag, mask(found.variables)))) % P
    for v, _ in do:
        rows[:, found.owned[v]] = 0
    return rows


@lru_cache(maxsize=1 << 10)
def _point(dag: DAG, members: int) -> Residues:
    """A random point, the same for a graph whenever it is met."""
    rng = stream("sufficiency", members, *dag.parents)
    return np.array([rng.randrange(2, P) for _ in range(layout(dag, members).size)], dtype=np.uint64)


@lru_cache(maxsize=1 << 10)
def _joint(dag: DAG, members: int, do: Assignment) -> Residues:
    """The weight of each state at the random point, under ``do``."""
    found, point = layout(dag, members), _point(dag, members)
    joint: Residues = found.happens([do])[0].astype(np.uint64)
    forced = [v for v, _ in do]
    for i, v in enumerate(found.variables):
        if v not in forced:
            chance = point[found.entry[:, i]]
            joint = times(joint, np.where(found.level[:, i], chance, P + 1 - chance))
    return joint
