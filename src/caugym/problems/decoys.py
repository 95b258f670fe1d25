"""True numbers that are not needed: whole routes to wrong values, and bystanders.

All are drawn so that none is implied by the rest (their gradients are linearly independent), so that one
joint can have all the printed decimals exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, islice
from random import Random

import numpy as np

from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import why_invalid
from caugym.core.query import Query, Term
from caugym.estimands import TABLE
from caugym.problems.joint import Floats, gradients
from caugym.problems.structure import Structure, stated

MOST_ADJUSTED = 2
"""Wrong adjustment sets have at most this many variables."""

TRIES = 24
"""Bystanders drawn at most for those that are wanted."""


def with_decoys(structure: Structure, routes: int, bystanders: int, room: int, rng: Random) -> Structure:
    """The structure with up to so many wrong routes and bystanders stated as well.

    Args:
        structure: Drawn by `caugym.problems.structure.draw`.
        routes: Wrong formulas to state in full, as far as the graph has them.
        bystanders: Further terms.
        room: Most terms added.
        rng: The item's own stream.
    """
    dag, query = structure.dag, structure.query
    free = _Free(dag, np.array([rng.random() for _ in range((1 << dag.n) - 1)]))
    terms = list(structure.terms)
    for term in terms:
        free.take([term])
    room += len(terms)
    decoys: list[Sets] = []
    wrong = list(_wrong_sets(dag, query))
    rng.shuffle(wrong)
    for sets in wrong:
        if len(decoys) == routes:
            break
        new = [term for term in stated(query, sets, rng) if term not in terms and _other(term) not in terms]
        if new and len(terms) + len(new) <= room and free.take(new):
            terms += new
            decoys.append(sets)
    for term in islice(_bystanders(dag, rng), TRIES):
        if bystanders and len(terms) < room and free.take([term]):
            terms.append(term)
            bystanders -= 1
    return replace(structure, terms=tuple(terms), decoys=tuple(decoys))


@lru_cache(maxsize=1 << 14)
def _wrong_sets(dag: DAG, query: Query) -> tuple[Sets, ...]:
    """Sets under which the formula does not hold but could be tried."""
    others = ((1 << dag.n) - 1) & ~(
        1 << query.treatment | 1 << query.outcome | mask(v for v, _ in query.held)
    )
    mediators = [0]
    if query.task in ("NDE", "NIE"):
        mediators = [1 << v for v in bits(others)] + ([0] if query.task == "NDE" else [])
    result = []
    for m in mediators:
        for size in range(MOST_ADJUSTED + 1):
            for z in map(mask, combinations(bits(others & ~m), size)):
                if why_invalid(dag, query, z, m):
                    result.append(Sets(z, m))
    return tuple(result)


def _other(term: Term) -> Term:
    """The complement of a term about one variable; the term itself for joint events."""
    (variable, level), *more = term.event
    return term if more else Term(((variable, 1 - level),), term.given)


def values(structure: Structure, printed: Sequence[float]) -> list[float]:
    """The wrong values that the decoys lead to, from the printed numbers.

    Args:
        structure: A structure with decoys.
        printed: The number of each of its terms.
    """
    known = dict(zip(structure.terms, printed, strict=False))

    def number(term: Term) -> float:
        if term in known:
            return known[term]
        over = [v for v, _ in term.event]
        alike = (t for t in known if t.given == term.given and [v for v, _ in t.event] == over)
        return 1 - sum(known[t] for t in alike)

    query = structure.query
    formulas = (TABLE[query.task].formula(query, sets) for sets in structure.decoys)
    return [float(formula.evaluate(number)) for formula in formulas]


def _bystanders(dag: DAG, rng: Random) -> Iterator[Term]:
    """Random terms: one variable given none, one or two others."""
    while True:
        event, *given = rng.sample(range(dag.n), rng.choice((1, 2, 2, 3)))
        yield Term(((event, 1),), tuple(sorted((v, rng.getrandbits(1)) for v in given)))


class _Free:
    """Terms that can all be chosen freely, as an orthonormal basis of their gradients."""

    def __init__(self, dag: DAG, uniforms: Floats) -> None:
        self.dag, self.uniforms = dag, uniforms
        self.basis: list[Floats] = []

    def take(self, terms: Sequence[Term]) -> bool:
        """Add terms if they are independent of those taken and of each other; all or none."""
        basis = list(self.basis)
        for gradient in gradients(self.dag, terms, self.uniforms):
            rest = gradient
            for direction in basis:
                rest = rest - (rest @ direction) * direction
            length = float(np.linalg.norm(rest))
            if length < 1e-3 * float(np.linalg.norm(gradient)):
                return False
            basis.append(rest / length)
        self.basis = basis
        return True
