"""True numbers that are not needed: wrong formulas stated in full, and bystanders.

All are drawn so that none is implied by the rest (their gradients are linearly independent), so that one
joint can have all the printed decimals exactly.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, islice
from random import Random

import numpy as np

from caugym.core.estimand import Sets
from caugym.core.graph import DAG, bits, mask
from caugym.core.identify import why_invalid
from caugym.core.query import Query, Term
from caugym.problems.joint import Floats, gradients
from caugym.problems.structure import Structure, formula_terms, stated

MOST_ADJUSTED = 2
"""Wrong adjustment sets have at most this many variables."""

TRIES = 24
"""Bystanders drawn at most for those that are wanted."""

INDEPENDENT = 1e-3
"""The least share of a term's gradient that must be new beside those of the terms before it."""


def with_decoys(structure: Structure, routes: int, bystanders: int, room: int, rng: Random) -> Structure:
    """The structure with up to so many wrong formulas and bystanders stated as well.

    Args:
        structure: Drawn by `caugym.problems.structure.draw`.
        routes: Wrong formulas to state in full, as far as the graph has them.
        bystanders: Further terms.
        room: Most terms added.
        rng: The item's own stream.
    """
    dag, query = structure.dag, structure.query
    uniforms = _uniforms(dag, rng)
    terms = list(structure.terms)
    free = _Free()
    free.take(gradients(dag, terms, uniforms))
    room += len(terms)
    wrong = list(_wrong_sets(dag, query))
    rng.shuffle(wrong)
    for sets in wrong:
        if not routes:
            break
        new = [term for term in stated(query, sets, rng) if term not in terms and _other(term) not in terms]
        if new and len(terms) + len(new) <= room and free.take(gradients(dag, new, uniforms)):
            terms += new
            routes -= 1
    strangers = list(islice(_bystanders(dag, rng), TRIES))
    for term, slope in zip(strangers, gradients(dag, strangers, uniforms), strict=True):
        if bystanders and len(terms) < room and free.take(slope[None]):
            terms.append(term)
            bystanders -= 1
    return replace(structure, terms=tuple(terms))


def with_bystanders(structure: Structure, naive: bool, bystanders: int, rng: Random) -> Structure | None:
    """A structure of rivals with further terms as far as there is room, or None if its own are not free.

    No bystander is about treatment and outcome together, so that none completes a formula.

    Args:
        structure: Drawn by `caugym.problems.rivals.draw_rivals`.
        naive: Whether the contrast without adjustment is wanted among the decoys.
        bystanders: Further terms.
        rng: The item's own stream.
    """
    dag, query = structure.dag, structure.query
    pair = {query.treatment, query.outcome}
    contrast = [t for t in formula_terms(query, Sets()) if t not in structure.terms] if naive else []
    strangers = [
        [term]
        for term in islice(_bystanders(dag, rng), 2 * bystanders)
        if not pair <= {v for v, _ in (*term.event, *term.given)}
    ]
    groups = [list(structure.terms), *([contrast] if contrast else []), *strangers]
    slopes = gradients(dag, [term for group in groups for term in group], _uniforms(dag, rng))
    free, start = _Free(), 0
    taken: list[list[Term]] = []
    for group in groups:
        if len(taken) == 1 + bool(contrast) + bystanders:
            break
        if free.take(slopes[start : start + len(group)]):
            taken.append(group)
        elif not start:
            return None
        start += len(group)
    decoys = (*structure.decoys, Sets()) if contrast and contrast in taken else structure.decoys
    return replace(structure, terms=tuple(term for group in taken for term in group), decoys=decoys)


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


def _uniforms(dag: DAG, rng: Random) -> Floats:
    return np.array([rng.random() for _ in range((1 << dag.n) - 1)])


def _bystanders(dag: DAG, rng: Random) -> Iterator[Term]:
    """Random terms: one variable given none, one or two others."""
    while True:
        event, *given = rng.sample(range(dag.n), rng.choice((1, 2, 2, 3)))
        yield Term(((event, 1),), tuple(sorted((v, rng.getrandbits(1)) for v in given)))


class _Free:
    """Terms that can all be chosen freely, as an orthonormal basis of their gradients."""

    def __init__(self) -> None:
        self.basis: Floats | None = None

    def take(self, slopes: Floats) -> bool:
        """Add terms by their gradients (terms, entries), if they are independent of those taken and of each
        other; all or none.
        """
        columns = (slopes / np.linalg.norm(slopes, axis=1, keepdims=True)).T
        if self.basis is not None:
            columns = columns - self.basis @ (self.basis.T @ columns)
        known = 0 if self.basis is None else self.basis.shape[1]
        if known + columns.shape[1] > len(columns):
            return False
        new, triangle = np.linalg.qr(columns)
        if abs(np.diag(triangle)).min() < INDEPENDENT:
            return False
        self.basis = new if self.basis is None else np.concatenate([self.basis, new], axis=1)
        return True
